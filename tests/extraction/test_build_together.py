"""Several processes building into one store at once: no row is lost, and none is torn."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal

from reno_store.errors import RenoStoreError, StaleStoreError
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store

_BUILD = """
import sys
from reno_store.extraction.build import build_store
manifest, store, dataset, *models = sys.argv[1:]
report = build_store(manifest, store, models, dataset=dataset, batch_seconds=2.0, progress=False)
sys.exit(0 if report.complete else 1)
"""


def start(manifest, store, *models, dataset="small"):
    command = [sys.executable, "-c", _BUILD, str(manifest), str(store), dataset, *models]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_four_processes_build_what_one_would_have(tmp_path):
    """Two models of a dataset, one of them twice, and another dataset."""
    corpus = make_corpus(tmp_path, 60)
    store = tmp_path / "s.zarr"
    builds = [
        start(corpus.manifest, store, "mfcc"),
        start(corpus.manifest, store, "logmel"),
        start(corpus.manifest, store, "logmel", "mfcc"),
        start(corpus.manifest, store, "mfcc", dataset="other"),
    ]
    for build in builds:
        _, said = build.communicate(timeout=300)
        assert build.returncode == 0, said
    whole = tmp_path / "whole.zarr"
    build_store(corpus.manifest, whole, ["mfcc", "logmel"])
    build_store(corpus.manifest, whole, ["mfcc"], dataset="other")
    assert_stores_equal(store, whole)
    assert verify_store(store).findings == ()


def test_the_second_of_two_builds_of_one_model_waits_and_computes_nothing(tmp_path):
    corpus = make_corpus(tmp_path, 6)
    store = tmp_path / "s.zarr"
    from reno_store.store import StoreWriter

    with StoreWriter.open(store) as writer, writer.model("small", "mfcc"):
        second = start(corpus.manifest, store, "mfcc")
        line = second.stderr.readline()
        assert f"waiting for process {os.getpid()} on " in line
        assert "(building mfcc of small since " in line
    second.communicate(timeout=300)
    assert second.returncode == 0
    assert open_store(store).summary()[0].n_done == 6


def append(manifest_text, folder, store, count, failures):
    """Build ever longer manifests, as somebody does who records while others embed."""
    for n_clips in range(10, count + 1, 10):
        path = folder / f"upto{n_clips}.csv"
        path.write_text("\n".join(manifest_text[: n_clips + 1]) + "\n")
        try:
            build_store(path, store, ["logmel"], dataset="small", progress=False)
        except RenoStoreError as error:
            failures.append(str(error))


def test_clips_are_added_while_another_process_embeds(tmp_path):
    corpus = make_corpus(tmp_path, 60)
    lines = corpus.manifest.read_text().splitlines()
    store = tmp_path / "s.zarr"
    first = corpus.manifest.with_name("first.csv")
    first.write_text("\n".join(lines[:11]) + "\n")
    build_store(first, store, ["mfcc"], dataset="small")
    failures = []
    adding = threading.Thread(target=append, args=(lines, first.parent, store, 60, failures))
    adding.start()
    while adding.is_alive():
        part = first.parent / "part.csv"
        n_clips = open_store(store).n_clips("small")
        part.write_text("\n".join(lines[: n_clips + 1]) + "\n")
        try:
            build_store(part, store, ["mfcc"], dataset="small", progress=False)
        except StaleStoreError as error:  # clips came in between
            text = str(error)
            assert "in the store but not in the manifest" in text
    adding.join()
    build_store(corpus.manifest, store, ["mfcc"], dataset="small")
    assert failures == []
    whole = tmp_path / "whole.zarr"
    build_store(corpus.manifest, whole, ["mfcc", "logmel"], dataset="small")
    assert_stores_equal(store, whole)


def watch(store, stop, seen):
    """Read again and again what a build has finished until now, at last after it has ended."""
    is_last = False
    while not is_last:
        is_last = stop.is_set()
        try:
            samples = open_store(store).load("small", "mfcc", missing="drop")
        except RenoStoreError as error:
            if "no embedding of" in str(error) or "unknown" in str(error):
                continue
            if "does not exist" in str(error) or "no Zarr" in str(error):
                continue
            seen.append(error)
            return
        seen.append(dict(zip(samples.clip_ids.tolist(), samples.X, strict=True)))


def test_a_reader_sees_whole_rows_only_while_a_build_writes(tmp_path):
    corpus = make_corpus(tmp_path, 60)
    build_store(corpus.manifest, tmp_path / "whole.zarr", "mfcc")
    samples = open_store(tmp_path / "whole.zarr").load("small", "mfcc")
    right = dict(zip(samples.clip_ids.tolist(), samples.X, strict=True))
    stop, seen = threading.Event(), []
    watcher = threading.Thread(target=watch, args=(tmp_path / "s.zarr", stop, seen))
    watcher.start()
    try:
        build = start(corpus.manifest, tmp_path / "s.zarr", "mfcc")
        build.communicate(timeout=300)
        assert build.returncode == 0
    finally:
        stop.set()
        watcher.join()
    assert seen
    for rows in seen:
        assert not isinstance(rows, Exception), rows
        for clip_id, row in rows.items():
            np.testing.assert_array_equal(row, right[clip_id], err_msg=clip_id)


@pytest.mark.slow
def test_builds_killed_at_fifty_random_moments(tmp_path):
    """Each is killed, with SIGKILL, somewhere in its life, and the store is checked each time."""
    corpus = make_corpus(tmp_path, 60)
    models = ["mfcc", "logmel"]
    begun = time.monotonic()
    whole = start(corpus.manifest, tmp_path / "whole.zarr", *models)
    _, said = whole.communicate(timeout=300)
    assert whole.returncode == 0, said
    longest = time.monotonic() - begun
    chance = random.Random(0)
    kills = stores = 0
    done_at_death = []
    while kills < 50:
        store = tmp_path / f"s{stores}.zarr"
        stores += 1
        while True:
            build = start(corpus.manifest, store, *models)
            deadline = time.monotonic() + chance.uniform(0.2, 1.3) * longest
            while build.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            if build.poll() is not None:
                _, said = build.communicate()
                assert build.returncode == 0, said
                break
            os.kill(build.pid, signal.SIGKILL)
            build.communicate()
            kills += 1
            if (store / "zarr.json").exists():
                assert verify_store(store).findings == ()
                done_at_death.append(
                    sum(row.n_done for row in open_store(store).summary() if row.model)
                )
        assert_stores_equal(store, tmp_path / "whole.zarr")
    assert len(set(done_at_death)) > 5, "kills must come while rows are written"
