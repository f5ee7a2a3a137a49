"""A build killed with SIGKILL and run again equals one that never was."""

import errno
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

from reno_store.errors import StoreError
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store

_BUILD = """
import sys, time
import reno_store.extraction.recordings as recordings
from reno_store.corpora.audio import read_waveform
from reno_store.extraction.build import build_store

n_read = 0

def stopping(path, rate):
    # It waits for the kill at some clip, however long that takes to come.
    global n_read
    n_read += 1
    if n_read > int(sys.argv[3]):
        time.sleep(600)
    return read_waveform(path, rate)

recordings.read_waveform = stopping
build_store(sys.argv[1], sys.argv[2], ["mfcc", "logmel"], batch_seconds=1.0)
"""


def rows_done(store, model):
    try:
        done = zarr.open_group(store, mode="r")[f"small/{model}/done"]
    except (FileNotFoundError, KeyError):
        return 0
    return int(np.count_nonzero(done[:]))


@pytest.mark.parametrize(
    ("model", "n_read", "after"),
    [("mfcc", 40, 8), pytest.param("logmel", 60 + 50, 20, marks=pytest.mark.slow)],
)
def test_killed_half_way_and_run_again(tmp_path, model, n_read, after):
    corpus = make_corpus(tmp_path, 60)
    store = tmp_path / "killed.zarr"
    command = [sys.executable, "-c", _BUILD, str(corpus.manifest), str(store), str(n_read)]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 300
    while rows_done(store, model) < after:
        assert process.poll() is None, "the build ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = rows_done(store, model)
    assert after <= kept < 60

    report = build_store(corpus.manifest, store, ["mfcc", "logmel"])

    assert report.complete
    (resumed,) = [each for each in report.models if each.model == model]
    assert resumed.n_reused == kept
    build_store(corpus.manifest, tmp_path / "whole.zarr", ["mfcc", "logmel"])
    assert_stores_equal(store, tmp_path / "whole.zarr")
    assert not list(store.rglob("*.partial"))


def test_a_full_disk_is_told_and_what_was_written_is_kept(tmp_path, monkeypatch):
    import zarr.storage._local as local

    corpus = make_corpus(tmp_path, 12)
    put = local._put

    def put_until_full(path, *arguments, **options):
        if rows_done(tmp_path / "s.zarr", "mfcc") >= 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return put(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(local, "_put", put_until_full)
        with pytest.raises(StoreError, match=r"s\.zarr cannot be written: No space left on device"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"], batch_seconds=0.01)
    report = build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    # What came while the eighth was written may have been written with it.
    kept = report.models[0].n_reused
    assert 8 <= kept < 12
    assert report.models[0].n_new == 12 - kept
    build_store(corpus.manifest, tmp_path / "whole.zarr", ["mfcc"])
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")


@pytest.mark.slow
def test_killed_while_making_the_store_is_made_whole(tmp_path, monkeypatch):
    """Stop after every single file that a first build writes; each time the next mends it."""
    import zarr.storage._local as local

    corpus = make_corpus(tmp_path, 3)
    build_store(corpus.manifest, tmp_path / "whole.zarr", ["mfcc"])
    put, budget = local._put, [0]

    class Killed(BaseException):
        pass

    def put_within_budget(*arguments, **options):
        if not budget[0]:
            raise Killed
        budget[0] -= 1
        return put(*arguments, **options)

    for files in range(1, 100):
        store = tmp_path / f"killed{files}.zarr"
        budget[0] = files
        with monkeypatch.context() as patched:
            patched.setattr(local, "_put", put_within_budget)
            try:
                build_store(corpus.manifest, store, ["mfcc"])
            except Killed:
                killed = True
            else:
                killed = False
        build_store(corpus.manifest, store, ["mfcc"])
        assert_stores_equal(store, tmp_path / "whole.zarr")
        if not killed:
            break
    assert files > 10, "a build writes more files than that"
    assert not killed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a file system")
def test_a_file_system_that_fills_up_loses_nothing_and_the_build_goes_on(tmp_path):
    corpus = make_corpus(tmp_path, 60)
    models = ["mfcc", "logmel"]
    build_store(corpus.manifest, tmp_path / "whole.zarr", models)
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system")
    try:
        attempts = refusals = 0
        for size_kb in range(64, 2000, 32):
            subprocess.run(["mount", "-o", f"remount,size={size_kb}k", str(small)], check=True)
            attempts += 1
            try:
                build_store(corpus.manifest, small / "s.zarr", models, batch_seconds=2.0)
            except StoreError as error:
                refusals += "No space left on device" in str(error)
                if (small / "s.zarr" / "zarr.json").exists():
                    assert verify_store(small / "s.zarr").findings == ()
            else:
                break
        assert refusals == attempts - 1 > 3
        assert_stores_equal(small / "s.zarr", tmp_path / "whole.zarr")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)
