"""Worker processes equal one process, whatever becomes of them."""

import contextlib
import importlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zarr
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal

from reno_store.errors import ModelError, RenoStoreError, StaleStoreError, StoreError
from reno_store.extraction import workers
from reno_store.extraction.build import build_store
from reno_store.extraction.filling import FillJob, FillPart, fill
from reno_store.extraction.recordings import Recording
from reno_store.extraction.settings import Settings
from reno_store.extraction.workers import devices_of, fill_together
from reno_store.foundation_models import parse_model_spec
from reno_store.runtime.progress import Counter
from reno_store.store import StoreReader, StoreWriter, schema

_PLUGIN = '''
"""A model that kills its process at the clips whose length a file names, or loads for ever."""
import multiprocessing, os, signal, time
from pathlib import Path
import numpy as np

class Deadly:
    sample_rate_hz, min_samples, dim = 16000, 400, 3
    fingerprint = {"kind": "deadly"}

    def __init__(self, device="cpu", deaths=""):
        self.deaths = Path(deaths) if deaths else None
        if self.deaths and (self.deaths / "load").exists() and multiprocessing.parent_process():
            (self.deaths / "loading").touch()
            time.sleep(3600)

    def embed(self, waveforms):
        for waveform in waveforms:
            for note in sorted(self.deaths.glob(f"{len(waveform)}-*")) if self.deaths else ():
                note.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return np.array([[len(each), each.std(), each.max()] for each in waveforms], np.float32)
'''


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 8)
    return make_corpus(tmp_path, 28)


@pytest.fixture
def deadly(tmp_path, monkeypatch):
    """An installed model, and the folder in which a note per death is."""
    site, deaths = tmp_path / "site", tmp_path / "deaths"
    (site / "deadly-1.dist-info").mkdir(parents=True)
    deaths.mkdir()
    (site / "deadly.py").write_text(_PLUGIN)
    (site / "deadly-1.dist-info" / "METADATA").write_text("Name: deadly\nVersion: 1\n")
    (site / "deadly-1.dist-info" / "entry_points.txt").write_text(
        "[reno_store.foundation_models]\ndeadly = deadly:Deadly\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *filter(None, sys.path)]))
    importlib.invalidate_caches()
    yield deaths
    sys.modules.pop("deadly", None)


def build(corpus, store, *models, **options):
    return build_store(corpus.manifest, store, models or ["mfcc"], progress=False, **options)


def n_samples(number):
    """Length of a clip of `make_corpus` at 16 kHz."""
    return round((0.3 + 0.05 * number) * 16_000)


def test_two_workers_make_the_store_of_one_process(corpus, tmp_path):
    corpus.recording("clip9").write_bytes(b"no audio")
    corpus.recording("clip20").write_bytes(corpus.recording("clip3").read_bytes())
    whole = build(corpus, tmp_path / "whole.zarr")
    report = build(corpus, tmp_path / "s.zarr", workers=2)
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")
    (one,), (together,) = whole.models, report.models
    assert (together.n_new, together.n_reused) == (one.n_new, one.n_reused) == (27, 0)
    assert together.failures == one.failures
    again = build(corpus, tmp_path / "s.zarr", workers=2).models[0]
    assert (again.n_new, again.n_reused, len(again.failures)) == (0, 27, 1)


def test_a_script_that_workers_import_ends_before_it_waits_for_the_build(
    corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(RenoStoreError, match="__main__"):
        build(corpus, tmp_path / "s.zarr", workers=2)
    assert not (tmp_path / "s.zarr").exists()


@pytest.mark.slow
def test_a_script_without_a_guard_ends_with_an_explanation(corpus, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, reno_store as rs\n"
        "rs.build_store(*sys.argv[1:], 'mfcc', workers=2, progress=False)\n"
    )
    command = [sys.executable, str(script), str(corpus.manifest), str(tmp_path / "s.zarr")]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert process.returncode == 1
    assert "exit code 1" in process.stderr.splitlines()[-1]
    assert "this process is a worker of a build" in process.stderr
    assert build(corpus, tmp_path / "s.zarr").complete


@pytest.mark.slow
def test_a_store_in_the_memory_of_this_process_is_refused(corpus):
    with pytest.raises(StoreError, match="only in this process"):
        build_store(corpus.manifest, "memory://mine", "mfcc", workers=2)


def test_a_worker_that_dies_once_is_replaced_and_its_clips_are_embedded(corpus, tmp_path, deadly):
    (deadly / f"{n_samples(12)}-1").touch()
    report = build(corpus, tmp_path / "s.zarr", f"m=deadly?deaths={deadly}", workers=2)
    assert report.complete
    assert not list(deadly.iterdir())
    assert StoreReader(tmp_path / "s.zarr").done("small", "m").all()


def test_clips_of_a_worker_that_dies_twice_are_reported_and_the_others_stored(
    corpus, tmp_path, deadly
):
    for death in (1, 2):
        (deadly / f"{n_samples(12)}-{death}").touch()
    options = {"workers": 2, "batch_seconds": 0.01}
    spec = f"m=deadly?deaths={deadly}"
    report = build(corpus, tmp_path / "s.zarr", spec, **options)
    failed = {failure.clip_id for failure in report.models[0].failures}
    assert "clip12" in failed
    assert failed <= {f"clip{number}" for number in range(8, 16)}
    assert all("SIGKILL" in failure.reason for failure in report.models[0].failures)
    done = StoreReader(tmp_path / "s.zarr").done("small", "m")
    assert np.count_nonzero(~done) == len(failed)
    assert report.models[0].n_new == 28 - len(failed)
    assert build(corpus, tmp_path / "s.zarr", spec, **options).complete


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os._exit(3), "exit code 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),  # as where memory is short
    ],
    ids=["exit", "killed"],
)
def test_workers_that_end_before_they_begin_end_the_build(corpus, tmp_path, monkeypatch, end, how):
    monkeypatch.setattr(workers, "work", lambda *_: end())
    monkeypatch.setattr(
        multiprocessing, "get_context", lambda _: multiprocessing.context.ForkContext()
    )
    with pytest.raises(RenoStoreError, match=how):
        build(corpus, tmp_path / "s.zarr", workers=1)
    assert build(corpus, tmp_path / "s.zarr").complete


_BUILD = """
import sys
from reno_store.store import schema
from reno_store.extraction.build import build_store
if __name__ == "__main__":
    schema.EMBEDDING_CHUNK_ROWS = 8
    report = build_store(*sys.argv[1:], workers=2, batch_seconds=0.01, progress=False)
    sys.exit(130 if report.interrupted else 0)
"""


def press_ctrl_c(corpus, store, model, condition):
    """Press Ctrl-C in a build once a condition is met; return what it printed.

    As in a terminal, the whole group of processes gets it.
    """
    command = [sys.executable, "-c", _BUILD, str(corpus.manifest), str(store), model]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that started the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 300
    while not condition(process.pid):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, printed = process.communicate(timeout=300)
    assert process.returncode == 130, printed
    while is_running(process.pid):  # multiprocessing's own process ends a moment later
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return printed


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_ends_the_workers(tmp_path):
    store = tmp_path / "s.zarr"
    corpus = make_corpus(tmp_path / "long", 200)
    assert not press_ctrl_c(corpus, store, "logmel", lambda _: n_done(store))
    assert 0 < n_done(store) < 200


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_ends_workers_that_are_starting(corpus, tmp_path):
    def is_starting(pid):
        listing = Path(f"/proc/{pid}/task/{pid}/children")
        names = [Path(f"/proc/{each}/cmdline") for each in listing.read_text().split()]
        return any("spawn_main" in name.read_text() for name in names)

    assert not press_ctrl_c(corpus, tmp_path / "s.zarr", "mfcc", is_starting)
    assert build(corpus, tmp_path / "s.zarr").complete


@pytest.mark.slow
def test_ctrl_c_ends_workers_that_load_a_model(corpus, tmp_path, deadly):
    """Without waiting for the model, which may take minutes."""
    (deadly / "load").touch()
    spec = f"m=deadly?deaths={deadly}"
    assert not press_ctrl_c(
        corpus, tmp_path / "s.zarr", spec, lambda _: (deadly / "loading").exists()
    )
    (deadly / "load").unlink()
    assert build(corpus, tmp_path / "s.zarr", spec).complete


def is_running(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def n_done(store):
    with contextlib.suppress(FileNotFoundError, KeyError):
        return np.count_nonzero(zarr.open_group(store, mode="r")["small/logmel/done"][:])
    return 0


class TestFill:
    """The function that any process may call."""

    @pytest.fixture
    def job(self, corpus, tmp_path):
        """A store whose model is prepared, with half of its clips."""
        lines = corpus.manifest.read_text().splitlines()
        half = corpus.manifest.with_name("half.csv")
        half.write_text("\n".join(lines[:15]) + "\n")
        store = tmp_path / "s.zarr"
        build_store(half, store, "mfcc", dataset="small")
        build(corpus, store, "logmel")
        fingerprint = StoreReader(store).fingerprint("small", "mfcc")
        spec = parse_model_spec("mfcc")
        plain = type(spec)(spec.name, spec.source, spec.location, dict(spec.options))
        return FillJob(str(store), "small", plain, fingerprint, Settings(), "")

    def part(self, corpus, *numbers):
        hashes = dict(
            zip(*(StoreReader(self.store).texts("small", name) for name in NAMES), strict=True)
        )
        recordings = [
            Recording(
                f"clip{number}", corpus.recording(f"clip{number}"), hashes[f"clip{number}"], 1
            )
            for number in numbers
        ]
        return FillPart(recordings, np.array(numbers))

    @pytest.fixture(autouse=True)
    def remember(self, tmp_path):
        self.store = tmp_path / "s.zarr"

    def test_it_embeds_what_is_missing_and_can_be_called_twice(self, job, corpus, tmp_path):
        part = self.part(corpus, *range(8, 16))
        job, part = pickle.loads(pickle.dumps((job, part)))
        filled = fill(job, part)
        assert (filled.report.n_new, filled.report.n_reused) == (2, 6)
        assert fill(job, part).report.n_new == 0
        assert fill(job, self.part(corpus, *range(16, 28))).report.n_new == 12
        build(corpus, tmp_path / "whole.zarr", "mfcc", "logmel")
        assert_stores_equal(self.store, tmp_path / "whole.zarr")

    def test_two_that_share_a_stripe_take_turns(self, job, corpus):
        parts = [self.part(corpus, *range(16, 24)), self.part(corpus, *range(20, 28))]
        reports = []

        def work(part):
            reports.append(fill(job, part).report)

        threads = [threading.Thread(target=work, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert sum(report.n_new for report in reports) == 12

    def test_another_model_here_or_in_the_store_is_refused(self, job, corpus):
        part = self.part(corpus, 20)
        other = FillJob(job.store, job.dataset, job.spec, {"kind": "x"}, job.settings, "")
        with pytest.raises(StaleStoreError, match="this process loaded another model"):
            fill(other, part)
        with StoreWriter.open(self.store) as writer:
            writer.remove_dataset("small")
        with pytest.raises(RenoStoreError):
            fill(job, part)

    def test_an_interrupt_keeps_what_is_computed(self, job, corpus):
        class Stops(Counter):
            def advance(self, n=1, *, work=None):
                raise KeyboardInterrupt

        settings = Settings(batch_seconds=0.01)
        job = FillJob(job.store, job.dataset, job.spec, job.fingerprint, settings, "")
        filled = fill(job, self.part(corpus, *range(16, 24)), counter=Stops())
        assert filled.interrupted
        assert np.count_nonzero(StoreReader(self.store).done("small", "mfcc")) == 15

    def test_what_a_worker_raises_is_raised_here(self, job, corpus):
        spec = parse_model_spec("mfcc=hf:/no/such/folder")
        plain = type(spec)(spec.name, spec.source, spec.location, {})
        job = FillJob(job.store, job.dataset, plain, job.fingerprint, job.settings, "")
        with pytest.raises(ModelError, match="/no/such/folder"):
            fill_together(job, [self.part(corpus, 20)], ["cpu"], Counter())


NAMES = ("clip_id", "audio_sha256")


def test_workers_take_one_gpu_after_another(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices_of("cuda", 3) == ["cuda:0", "cuda:1", "cuda:0"]
    assert devices_of("cuda:1", 2) == ["cuda:1", "cuda:1"]
    assert devices_of("cpu", 2) == ["cpu", "cpu"]
