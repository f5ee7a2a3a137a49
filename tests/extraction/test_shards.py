"""Shards of one build, one after the other and at the same time, equal a build by one process."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import zarr
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal

from reno_store.errors import RenoStoreError, StaleStoreError
from reno_store.exchange.verification import verify_store
from reno_store.extraction import recordings
from reno_store.extraction.build import build_store
from reno_store.store import schema

_BUILD = """
import json, sys
from reno_store.store import schema
from reno_store.extraction.build import build_store
schema.EMBEDDING_CHUNK_ROWS = 8
manifest, store, models, options = sys.argv[1:]
report = build_store(manifest, store, models.split(), progress=False, **json.loads(options))
sys.exit(0 if report.complete else 1)
"""


def start(manifest, store, models="mfcc", **options):
    command = [sys.executable, "-c", _BUILD, str(manifest), str(store), models]
    return subprocess.Popen([*command, json.dumps(options)], stderr=subprocess.PIPE, text=True)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """60 clips in stripes of eight."""
    monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 8)
    return make_corpus(tmp_path, 60)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What one process builds of such a corpus."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "EMBEDDING_CHUNK_ROWS", 8)
        build_store(make_corpus(folder, 60).manifest, folder / "s.zarr", ["mfcc", "logmel"])
    return folder / "s.zarr"


@pytest.fixture
def hashed(monkeypatch):
    """The recordings that are hashed, of whatever kind of build."""
    names = []
    hash_file = recordings.hash_file

    def noting(path):
        names.append(path.stem)
        return hash_file(path)

    monkeypatch.setattr(recordings, "hash_file", noting)
    return names


def build(corpus, tmp_path, models="mfcc", **options):
    return build_store(corpus.manifest, tmp_path / "s.zarr", models, **options)


def test_three_shards_in_any_order_make_the_store_of_one_build(corpus, tmp_path, whole):
    models = ["mfcc", "logmel"]
    reports = [build(corpus, tmp_path, models, shard=(number, 3)) for number in (2, 1, 3)]
    assert_stores_equal(tmp_path / "s.zarr", whole)
    assert [report.shard for report in reports] == [(2, 3), (1, 3), (3, 3)]
    assert all(report.complete and report.n_clips == 60 for report in reports)
    new = [report.models[0].n_new for report in reports]
    assert sum(new) == 60
    assert max(new) - min(new) <= 8
    assert [report.n_left for report in reports] == [60 - new[0], new[2], 0]
    assert [report.shards_left for report in reports] == [(1, 3), (3,), ()]


def test_shards_at_the_same_time_on_a_new_store(corpus, tmp_path, whole):
    models = "mfcc logmel"
    builds = [
        start(corpus.manifest, tmp_path / "s.zarr", models, shard=f"{number}/3")
        for number in (1, 2, 3)
    ]
    for each in builds:
        _, printed = each.communicate(timeout=300)
        assert each.returncode == 0, printed
    assert_stores_equal(tmp_path / "s.zarr", whole)
    assert verify_store(tmp_path / "s.zarr").findings == ()


@pytest.mark.slow
def test_shards_of_different_counts_at_the_same_time(corpus, tmp_path, whole):
    """They share stripes, so some wait for others, and nobody for ever."""
    builds = [
        start(corpus.manifest, tmp_path / "s.zarr", "mfcc logmel", shard=shard)
        for shard in ("1/2", "2/2", "2/3", "1/1")
    ]
    for each in builds:
        _, printed = each.communicate(timeout=300)
        assert each.returncode == 0, printed
    assert_stores_equal(tmp_path / "s.zarr", whole)


@pytest.mark.slow
def test_a_shard_that_was_killed_is_run_again_while_others_fill(corpus, tmp_path, whole):
    store = tmp_path / "s.zarr"
    build(corpus, tmp_path, ["mfcc", "logmel"], shard=(3, 3))
    killed = start(corpus.manifest, store, "mfcc logmel", shard="1/3", batch_seconds=0.01)
    deadline = time.monotonic() + 300
    while np.count_nonzero(zarr.open_group(store, mode="r")["small/mfcc/done"][:]) < 24:
        assert killed.poll() is None, "the shard ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    builds = [start(corpus.manifest, store, "mfcc logmel", shard=f"{each}/3") for each in (1, 2)]
    for each in builds:
        _, printed = each.communicate(timeout=300)
        assert each.returncode == 0, printed
    assert_stores_equal(store, whole)


def test_a_shard_run_again_computes_nothing(corpus, tmp_path):
    first = build(corpus, tmp_path, shard=(1, 2)).models[0]
    again = build(corpus, tmp_path, shard=(1, 2)).models[0]
    assert (again.n_new, again.n_reused) == (0, first.n_new)
    rest = build(corpus, tmp_path).models[0]
    assert (rest.n_new, rest.n_reused) == (60 - first.n_new, first.n_new)


def test_a_shard_hashes_its_own_recordings_once_the_table_is_there(corpus, tmp_path, hashed):
    build(corpus, tmp_path, shard=(1, 3))
    assert set(hashed) == set(corpus.clip_ids)
    hashed.clear()
    report = build(corpus, tmp_path, shard=(2, 3))
    assert len(set(hashed)) == report.models[0].n_new == 20
    hashes = zarr.open_group(tmp_path / "s.zarr", mode="r")["small/audio_sha256"][:]
    assert all(len(each) == 64 for each in hashes)


def test_failures_and_changes_are_those_of_the_shard(corpus, tmp_path):
    corpus.recording("clip0").write_bytes(b"no audio")
    build(corpus, tmp_path)
    corpus.recording("clip1").write_bytes(corpus.recording("clip2").read_bytes())
    mine, others = (build_of(corpus, tmp_path, number) for number in (1, 2))
    with pytest.raises(StaleStoreError, match="recordings changed: 1 clip"):
        mine()
    assert others().complete
    report = mine(refresh="audio")
    assert [failure.clip_id for failure in report.models[0].failures] == ["clip0"]
    assert report.models[0].n_copied == 1
    assert (report.n_left, report.shards_left) == (1, (1,))


def build_of(corpus, tmp_path, number):
    return lambda **options: build(corpus, tmp_path, shard=(number, 2), **options)


@pytest.mark.slow
def test_more_shards_than_stripes_leave_some_without_work(corpus, tmp_path, whole):
    news = [build(corpus, tmp_path, shard=(number, 9)).models[0].n_new for number in range(1, 10)]
    assert sorted(news) == [0, 4, *[8] * 7]
    build(corpus, tmp_path, "logmel")
    assert_stores_equal(tmp_path / "s.zarr", whole)


def test_shards_of_a_manifest_that_grew(corpus, tmp_path, whole):
    lines = corpus.manifest.read_text().splitlines()
    first = corpus.manifest.with_name("first.csv")
    first.write_text("\n".join(lines[:24]) + "\n")
    for number in (1, 2):
        build_store(first, tmp_path / "s.zarr", "mfcc", dataset="small", shard=(number, 2))
    for number in (2, 1):
        build(corpus, tmp_path, ["mfcc", "logmel"], shard=(number, 2))
    assert_stores_equal(tmp_path / "s.zarr", whole)


def test_a_changed_model_is_replaced_by_the_first_shard_only(corpus, tmp_path, whole):
    for number in (1, 2):
        build(corpus, tmp_path, ["mfcc=logmel", "logmel"], shard=(number, 2))
    with pytest.raises(StaleStoreError):
        build(corpus, tmp_path, shard=(1, 2))
    reports = [build(corpus, tmp_path, shard=(number, 2), refresh="model") for number in (1, 2)]
    assert [report.models[0].n_reused for report in reports] == [0, 0]
    assert_stores_equal(tmp_path / "s.zarr", whole)


def test_twins_are_embedded_once_by_a_shard(corpus, tmp_path):
    for clip in ("clip8", "clip9", "clip20"):
        corpus.recording(clip).write_bytes(corpus.recording("clip7").read_bytes())
    reports = [build(corpus, tmp_path, shard=(number, 2)) for number in (1, 2)]
    assert sum(report.models[0].n_copied for report in reports) == 3
    build_store(corpus.manifest, tmp_path / "whole.zarr", "mfcc")
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")


@pytest.mark.slow
def test_long_recordings_in_windows(corpus, tmp_path):
    windows = {"window_s": 0.5, "hop_s": 0.25}
    for number in (1, 2):
        build(corpus, tmp_path, shard=(number, 2), **windows)
    build_store(corpus.manifest, tmp_path / "whole.zarr", "mfcc", **windows)
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": (0, 4)}, "shard 0/4"),
        ({"shard": "5/4"}, "shard 5/4"),
        ({"shard": (1, 2, 3)}, "shard is"),
        ({"shard": 3}, "shard is"),
        ({"shard": (1.5, 2)}, "shard is"),
        ({"shard": (1, 2), "workers": 2}, "a shard, workers or a client"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_impossible_divisions_are_refused_before_anything_is_read(tmp_path, options, message):
    with pytest.raises(RenoStoreError, match=message):
        build_store(tmp_path / "no.csv", tmp_path / "s.zarr", "mfcc", **options)
