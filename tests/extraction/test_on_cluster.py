"""Builds by the workers of a Dask cluster equal those of one process."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from factories.clusters import killing_workers, wait_until
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal
from reno_cli.main import main

from reno_store.errors import ClusterError, DeviceError, ModelError, RenoStoreError
from reno_store.extraction import on_cluster
from reno_store.extraction.build import build_store
from reno_store.extraction.filling import FillJob, FillPart
from reno_store.extraction.recordings import Recording
from reno_store.extraction.settings import Settings
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.progress import Counter
from reno_store.store import StoreReader, schema


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 4)
    return make_corpus(tmp_path, 48)


def build(corpus, store, *models, **options):
    return build_store(corpus.manifest, store, models or ["mfcc"], progress=False, **options)


def n_done(store):
    """Clips that are stored, also of a store that is just begun."""
    if not (store / "small" / "mfcc" / "zarr.json").exists():
        return 0
    try:
        return int(StoreReader(store).done("small", "mfcc").sum())
    except (RenoStoreError, OSError):
        return 0


def test_the_store_is_that_of_one_process_though_a_worker_is_killed(
    corpus, tmp_path, dask_client, monkeypatch
):
    corpus.recording("clip9").write_bytes(b"no audio")
    corpus.recording("clip40").write_bytes(corpus.recording("clip3").read_bytes())
    whole = build(corpus, tmp_path / "whole.zarr", "mfcc", "logmel")
    store = tmp_path / "s.zarr"
    monkeypatch.chdir(corpus.manifest.parent)
    with killing_workers(dask_client, lambda: n_done(store), within_s=0.1, most=1) as killed:
        report = build_store(
            corpus.manifest.name, store, ["mfcc", "logmel"], client=dask_client, progress=False
        )
    assert len(killed) == 1
    assert_stores_equal(store, tmp_path / "whole.zarr")
    for one, other in zip(whole.models, report.models, strict=True):
        assert (other.n_new, other.n_reused) == (one.n_new, one.n_reused) == (47, 0)
        assert [each.clip_id for each in other.failures] == ["clip9"]
    again = build(corpus, store, client=dask_client).models[0]
    assert (again.n_new, again.n_reused, len(again.failures)) == (0, 47, 1)


def test_the_bar_counts_the_clips_of_all_workers(corpus, tmp_path, dask_client, monkeypatch):
    counted = []
    monkeypatch.setattr(Counter, "advance", lambda self, n=1, **_: counted.append(n))
    build(corpus, tmp_path / "s.zarr", client=dask_client)
    assert sum(counted) == 48 + 48  # hashed, then embedded


def test_what_was_stored_before_an_interrupt_is_kept_and_workers_stop(
    corpus, tmp_path, dask_client, monkeypatch
):
    """Ctrl-C comes when a worker has reported its first clip."""
    store, hearing, pressed = tmp_path / "s.zarr", Cluster.hearing, []

    def pressing(cluster, topic, hear):
        def heard(n):
            hear(n)
            if not pressed:
                pressed.append(n)
                os.kill(os.getpid(), signal.SIGINT)

        return hearing(cluster, topic, heard)

    monkeypatch.setattr(Cluster, "hearing", pressing)
    report = build(corpus, store, client=dask_client, batch_seconds=0.01)
    assert report.interrupted
    wait_until(lambda: n_done(store) > 0)  # it is written in the background
    assert n_done(store) < 48
    build(corpus, tmp_path / "whole.zarr")
    assert build(corpus, store).complete  # it waits for what the workers have begun
    assert_stores_equal(store, tmp_path / "whole.zarr")


def test_parts_whose_workers_are_lost_each_time_are_reported(
    corpus, tmp_path, dask_client, monkeypatch
):
    def lose_the_first(cluster, function, calls, *, give_up):
        for number, (part, arguments) in enumerate(calls):
            if number:
                yield part, dict(run(cluster, function, [(0, arguments)]))[0]
            else:
                give_up(part, "lost")

    run = Cluster.run
    monkeypatch.setattr(Cluster, "run", lose_the_first)
    store = tmp_path / "s.zarr"
    (report,) = build(corpus, store, client=dask_client).models
    assert len(report.failures) == 4  # a stripe
    assert all("(lost)" in failure.reason for failure in report.failures)
    assert n_done(store) == 44


def test_a_cluster_that_loses_its_workers_with_everything_ends_the_build(
    corpus, tmp_path, dask_client, monkeypatch
):
    def lose_all(cluster, function, calls, *, give_up):
        for part, _ in calls:
            give_up(part, "lost")
            yield from ()

    monkeypatch.setattr(Cluster, "run", lose_all)
    with pytest.raises(ClusterError, match="memory"):
        build(corpus, tmp_path / "s.zarr", client=dask_client)


def test_models_that_workers_lack_and_wrong_devices_are_named(
    corpus, tmp_path, dask_client, monkeypatch
):
    with pytest.raises(DeviceError):
        build(corpus, tmp_path / "s.zarr", client=dask_client, device="gpu")
    monkeypatch.setattr(on_cluster, "_absolute", lambda job: _elsewhere(job))
    with pytest.raises(ModelError, match="nowhere"):
        build(corpus, tmp_path / "s.zarr", client=dask_client)


def _elsewhere(job):
    return replace(job, spec=replace(job.spec, source="hf", location="/nowhere/at-all"))


def test_workers_that_do_not_see_the_store_are_named_and_make_none(
    corpus, tmp_path, dask_client, monkeypatch
):
    there = tmp_path / "of another machine" / "s.zarr"
    monkeypatch.setattr(on_cluster, "_absolute", lambda job: replace(job, store=str(there)))
    with pytest.raises(ClusterError, match="another machine"):
        build(corpus, tmp_path / "s.zarr", client=dask_client)
    assert not there.parent.exists()


def test_a_worker_that_sees_no_recording_that_the_client_read_is_named(
    corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(on_cluster, "worker_name", lambda: "tcp://there")
    build(corpus, tmp_path / "s.zarr")
    job = FillJob(str(tmp_path / "s.zarr"), "small", None, {}, Settings(), "")
    hidden = [Recording(each, tmp_path / each, "a hash", 1.0) for each in ("a", "b")]
    with pytest.raises(ClusterError, match="tcp://there"):
        on_cluster._check_sees(job, FillPart(hidden, np.arange(2)))
    seen = Recording("c", corpus.recording("clip0"), "a hash", 1.0)
    on_cluster._check_sees(job, FillPart([*hidden, seen], np.arange(3)))
    unread = [replace(each, sha256="") for each in hidden]  # by the client either
    on_cluster._check_sees(job, FillPart(unread, np.arange(2)))


@pytest.mark.parametrize("more", [{"workers": 2}, {"shard": "1/2"}])
def test_a_cluster_has_its_own_workers(corpus, tmp_path, dask_client, more):
    with pytest.raises(RenoStoreError, match="client"):
        build(corpus, tmp_path / "s.zarr", client=dask_client, **more)


def test_build_names_the_cluster(corpus, tmp_path, dask_client):
    build(corpus, tmp_path / "whole.zarr")
    words = ["build", str(corpus.manifest), "--model", "mfcc", "--store", str(tmp_path / "s.zarr")]
    done = CliRunner().invoke(main, [*words, "--dask", dask_client.cluster.scheduler_address])
    assert done.exit_code == 0, done.output
    assert "48 new" in done.output
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")


@pytest.mark.slow
def test_workers_killed_forty_times(corpus, tmp_path, dask_client):
    build(corpus, tmp_path / "whole.zarr")
    n_killed = n_rounds = 0
    while n_killed < 40:
        store = tmp_path / f"{n_rounds}.zarr"
        with killing_workers(
            dask_client,
            lambda store=store: n_done(store),
            within_s=0.1,
            seed=n_rounds,
        ) as killed:
            report = build(corpus, store, client=dask_client, batch_seconds=0.01)
        assert report.complete
        assert_stores_equal(store, tmp_path / "whole.zarr")
        n_killed += len(killed)
        n_rounds += 1
