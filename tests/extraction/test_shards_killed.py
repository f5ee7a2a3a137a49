"""Shards and workers killed with SIGKILL at random moments: the store is that of one build."""

import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal

from reno_store.exchange.verification import verify_store
from reno_store.extraction import recordings
from reno_store.extraction.build import build_store
from reno_store.samples import open_store
from reno_store.store import schema

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks processes")

_N_SHARDS = 3
_FORK = multiprocessing.get_context("fork")
"""A forked process has everything imported, so that kills come while it works."""


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """60 clips in stripes of eight that take a while to read, and the store of one build."""
    monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 8)
    corpus = make_corpus(tmp_path, 60)
    build_store(corpus.manifest, tmp_path / "whole.zarr", "mfcc")
    read_waveform = recordings.read_waveform

    def slowly(path, rate):
        time.sleep(0.02)
        return read_waveform(path, rate)

    monkeypatch.setattr(recordings, "read_waveform", slowly)
    return corpus


def run(manifest, store, options):
    os.setpgid(0, 0)
    report = build_store(manifest, store, "mfcc", batch_seconds=0.01, progress=False, **options)
    os._exit(0 if report.complete else 1)


def start(corpus, store, **options):
    process = _FORK.Process(target=run, args=(corpus.manifest, store, options))
    process.start()
    return process


def is_killed_after(process, seconds):
    """Kill a process unless it ends before; return whether it was killed."""
    process.join(seconds)
    if process.exitcode is None:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def kill_shards(corpus, tmp_path, n_kills, chance):
    """Run all shards at once, kill some, until each has finished once; then begin a new store."""
    begun = time.monotonic()
    for each in [start(corpus, tmp_path / "s.zarr", shard=(n, _N_SHARDS)) for n in (1, 2, 3)]:
        assert not is_killed_after(each, 300)
    longest = time.monotonic() - begun
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")
    kills = stores = 0
    done_at_death = set()
    while kills < n_kills:
        store = tmp_path / f"s{stores}.zarr"
        stores += 1
        left = set(range(1, _N_SHARDS + 1))
        while left:
            begun = time.monotonic()
            running = {each: start(corpus, store, shard=(each, _N_SHARDS)) for each in sorted(left)}
            for each, process in running.items():
                moment = begun + chance.uniform(0.0, 1.2 * longest)
                if is_killed_after(process, max(moment - time.monotonic(), 0.0)):
                    kills += 1
                else:
                    left.discard(each)
            if (store / "zarr.json").exists():
                assert verify_store(store).findings == ()
                done_at_death.add(sum(row.n_done for row in open_store(store).summary()))
        assert_stores_equal(store, tmp_path / "whole.zarr")
        assert not list(store.rglob("*.partial"))
    return kills, done_at_death


def test_shards_killed_a_few_times(corpus, tmp_path):
    kills, _ = kill_shards(corpus, tmp_path, 5, random.Random(1))
    assert kills >= 5


@pytest.mark.slow
def test_shards_killed_a_hundred_and_fifty_times(corpus, tmp_path):
    kills, done_at_death = kill_shards(corpus, tmp_path, 150, random.Random(0))
    assert kills >= 150
    assert len(done_at_death) > 12, "kills must come while rows are written"


def children(process):
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        return [int(each) for each in listing.read_text().split()]
    except OSError:
        return []


@pytest.mark.slow
def test_builds_with_workers_of_which_any_process_is_killed(corpus, tmp_path):
    """Whoever dies, worker or the one that started them, the next build completes the store."""
    chance = random.Random(2)
    begun = time.monotonic()
    assert not is_killed_after(start(corpus, tmp_path / "w.zarr", workers=2), 300)
    longest = time.monotonic() - begun
    kills = stores = 0
    while kills < 10:
        store = tmp_path / f"w{stores}.zarr"
        stores += 1
        while True:
            process = start(corpus, store, workers=2)
            process.join(chance.uniform(0.0, 1.5 * longest))
            targets = [process.pid, *children(process)] if process.exitcode is None else []
            if targets:
                try:
                    os.kill(chance.choice(targets), signal.SIGKILL)
                except ProcessLookupError:
                    pass
                else:
                    kills += 1
            process.join(300)
            assert process.exitcode in (0, 1, -signal.SIGKILL)
            if (store / "zarr.json").exists():
                assert verify_store(store).findings == ()
            if process.exitcode == 0:
                break
        assert_stores_equal(store, tmp_path / "whole.zarr")
