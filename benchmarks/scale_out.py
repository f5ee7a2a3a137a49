# ruff: noqa: T201
"""How well workers share a build: the same work per worker, by 1, 2, 4 ... processes.

Each worker fills its own stripes with `reno_store.extraction.filling.fill`, which is what shards,
``--workers`` and schedulers call, after all have started. Models:

- simulated (the default): a model that sleeps as long as a GPU would compute, so that 32 workers
  can be tried on a machine without a GPU. What remains is the work of this package: decoding,
  checks, claims, writes;
- ``--model SPEC``: a real one, with as many workers as there are cores. Compared is CPU-bound
  work, so their efficiency shows the machine, too.

Efficiency is the time of one worker over the time of n workers with n times the clips. Times are
from a common start, when all have loaded their model, to the end of the last.

    python benchmarks/scale_out.py
    python benchmarks/scale_out.py --workers 1 2 4 --clips 1024 --seconds 0.05
    python benchmarks/scale_out.py --model mfcc --workers 1 2
    python benchmarks/scale_out.py --folder /scratch/somewhere
    python benchmarks/scale_out.py --store s3://bucket/try --workers 1 4 16
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from reno_store.corpora.audio import hash_file
from reno_store.extraction.filling import FillJob, FillPart, fill
from reno_store.extraction.recordings import Recording
from reno_store.extraction.settings import Settings
from reno_store.foundation_models import ModelSpec, load_model, parse_model_spec
from reno_store.runtime.places import Place, open_place, remove_tree
from reno_store.runtime.places.bucket import Bucket
from reno_store.store import ModelWriter, StoreReader, StoreWriter

_RATE_HZ = 16_000
_CLIP_S = 0.3


class Sleeping:
    """A model that takes a fixed time per clip and no processor."""

    sample_rate_hz, min_samples, dim = _RATE_HZ, 400, 768

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.fingerprint = {"kind": "sleeping"}

    def embed(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return numbers that depend on the clip."""
        time.sleep(self._seconds * len(waveforms))
        means = np.array([np.abs(each).mean() for each in waveforms], np.float32)
        return np.asarray(means[:, None] + np.arange(self.dim, dtype=np.float32))


@dataclass
class Spent:
    """What a worker spent."""

    seconds: float = 0.0
    store_s: float = 0.0
    cpu_s: float = 0.0
    n_written: int = 0
    n_bytes: int = 0
    n_requests: int = 0
    n_bytes_read: int = 0


def make_recordings(folder: Path, n_clips: int) -> list[Recording]:
    """Write noises, all different."""
    random = np.random.default_rng(0)
    recordings = []
    for number in range(n_clips):
        path = folder / f"{number}.wav"
        soundfile.write(path, random.normal(0, 0.1, int(_CLIP_S * _RATE_HZ)), _RATE_HZ)
        recordings.append(Recording(f"c{number}", path, hash_file(path), _CLIP_S))
    return recordings


def prepare(store: Place, recordings: Sequence[Recording], job: FillJob, dim: int) -> None:
    """Write the clip table and the model's arrays."""
    ids = [each.clip_id for each in recordings]
    columns = {
        "clip_id": ids,
        "label": ["x"] * len(ids),
        "speaker": [""] * len(ids),
        "audio_sha256": [each.sha256 or "" for each in recordings],
    }
    with StoreWriter.open(store) as writer:
        clips = writer.put_clips(job.dataset, columns)
        with clips.writing(job.spec.name, job.fingerprint, dim):
            pass


def work(job: FillJob, part: FillPart, seconds: float | None, start: Any, results: Any) -> None:
    """Fill a part in a process of its own, and report what it took."""
    import zarr.storage._local as local

    model: Any = load_model(job.spec) if seconds is None else Sleeping(seconds)
    spent, put, put_file = Spent(), ModelWriter.put, local._put

    def timed_put(*arguments: Any) -> None:
        begun = time.perf_counter()
        put(*arguments)
        spent.store_s += time.perf_counter() - begun

    def counted_put(path: Path, value: Any, *arguments: Any, **options: Any) -> Any:
        spent.n_written += 1
        spent.n_bytes += len(value)
        return put_file(path, value, *arguments, **options)

    put_object, replace_object, call = Bucket.put, Bucket.replace, Bucket._call

    def counted_object(bucket: Bucket, key: str, content: bytes) -> None:
        spent.n_written += 1
        spent.n_bytes += len(content)
        put_object(bucket, key, content)

    def counted_replacement(bucket: Bucket, key: str, content: bytes, tag: Any) -> bool:
        spent.n_written += 1
        spent.n_bytes += len(content)
        return replace_object(bucket, key, content, tag)

    def counted_call(bucket: Bucket, key: str, request: Any) -> Any:
        spent.n_requests += 1
        result = call(bucket, key, request)
        content = result[0] if isinstance(result, tuple) else result
        spent.n_bytes_read += len(content) if isinstance(content, bytes) else 0
        return result

    ModelWriter.put, local._put = timed_put, counted_put  # type: ignore[method-assign, assignment]
    Bucket.put, Bucket._call = counted_object, counted_call  # type: ignore[method-assign]
    Bucket.replace = counted_replacement  # type: ignore[method-assign]
    start.wait()
    begun, cpu = time.perf_counter(), time.process_time()
    report = fill(job, part, model=model).report
    spent.seconds, spent.cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    assert report.n_new == len(part.rows), report
    results.put(spent)


def run(
    folder: Path, n_workers: int, recordings: Sequence[Recording], spec: ModelSpec, options: Any
) -> tuple[float, list[Spent]]:
    """Time so many workers on their clips."""
    seconds = None if options.model else options.seconds
    model: Any = Sleeping(0) if seconds is not None else load_model(spec)
    parent = open_place(options.store, "store") if options.store else folder
    store = parent / f"{n_workers}.zarr"
    settings = Settings(batch_seconds=options.batch_seconds)
    fingerprint = settings.fingerprint(model.fingerprint)
    job = FillJob(str(store), "d", spec, fingerprint, settings, "")
    prepare(store, recordings, job, model.dim)
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(n_workers + 1), context.Queue()
    rows = np.arange(len(recordings))
    processes = []
    for number, some in enumerate(np.split(rows, n_workers)):
        part = FillPart([recordings[row] for row in some.tolist()], some)
        arguments = (job, part, seconds, start, results)
        processes.append(context.Process(target=work, args=arguments, name=f"worker {number}"))
        processes[-1].start()
    start.wait()
    begun = time.perf_counter()
    spent = [results.get() for _ in processes]
    elapsed = time.perf_counter() - begun
    for process in processes:
        process.join()
    assert StoreReader(store).done("d", spec.name).all()
    remove_tree(store)
    return elapsed, spent


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--clips", type=int, default=256, help="per worker; whole stripes")
    parser.add_argument("--seconds", type=float, default=0.2, help="that a clip takes, simulated")
    parser.add_argument("--batch-seconds", type=float, default=10.0, help="of audio in a batch")
    parser.add_argument("--model", help="a real model instead")
    parser.add_argument("--folder", type=Path, help="where the store is written")
    parser.add_argument("--store", help="URL of a folder in a bucket, instead of --folder")
    options = parser.parse_args()
    if options.clips % 256:
        parser.error("--clips must be a multiple of 256, the rows of a stripe")
    os.environ["OMP_NUM_THREADS"] = "1"
    spec = parse_model_spec(options.model or "mfcc")
    spec = ModelSpec(spec.name, spec.source, spec.location, dict(spec.options))
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        recordings = make_recordings(folder, options.clips * max(options.workers))
        what = options.model or f"sleeping {options.seconds:g} s per clip"
        print(f"{what}, {options.clips:,} clips per worker, load {os.getloadavg()[0]:.1f}")
        print(
            "workers  seconds  clips/s  efficiency  in store  CPU s/clip  writes/clip  kB/clip"
            "  requests/clip  kB read/clip"
        )
        alone = 0.0
        for n_workers in options.workers:
            some = recordings[: options.clips * n_workers]
            elapsed, spent = run(folder, n_workers, some, spec, options)
            alone = alone or elapsed
            n_clips = len(some)
            share = sum(each.store_s for each in spent) / sum(each.seconds for each in spent)
            print(
                f"{n_workers:7}  {elapsed:7.1f}  {n_clips / elapsed:7.1f}  {alone / elapsed:10.2f}"
                f"  {share:8.1%}  {sum(each.cpu_s for each in spent) / n_clips:10.4f}"
                f"  {sum(each.n_written for each in spent) / n_clips:11.2f}"
                f"  {sum(each.n_bytes for each in spent) / n_clips / 1000:7.1f}"
                f"  {sum(each.n_requests for each in spent) / n_clips:13.2f}"
                f"  {sum(each.n_bytes_read for each in spent) / n_clips / 1000:12.1f}",
                flush=True,
            )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
