# ruff: noqa: T201
"""Reading and growing a store, compared with numpy and plain Zarr in one run.

First a whole matrix and random rows of it, against ``np.load`` and a memory-mapped ``.npy``:
medians over rounds in which every competitor has one turn. Then stores of ten thousand clips
and more: opening, finding the rows of 1,000 random ids, looking up their embeddings, 10,000
random rows, appending 1,000 clips. Each step runs in a process of its
own, a few times; printed are the median of its seconds, of the processor time that it needed
(which other work on the machine lengthens less), and the memory that it added at its peak to
that of the imported packages. Files are in the page cache, as after any first read.

    python benchmarks/store.py
    python benchmarks/store.py --clips 10000 100000      skip the million
    python benchmarks/store.py --clips 10000000 --growth-dim 8 --no-matrix
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from scan import peak_extra_mb

from reno_store.samples import EmbeddingLookup, open_store
from reno_store.store import StoreReader, StoreWriter

FINGERPRINT = {"weights": "none"}
ROWS_AT_A_TIME = 16_384
CLIPS_AT_A_TIME = 500_000
STEPS = ("open", "summarize", "find 1,000", "look up 1,000", "10,000 rows", "append 1,000")


def table(first: int, stop: int) -> dict[str, list[str]]:
    """Make the clip table of some clips."""
    numbers = range(first, stop)
    return {
        "clip_id": [f"clip-{number:08d}" for number in numbers],
        "path": [f"audio/clip-{number:08d}.wav" for number in numbers],
        "label": [f"label-{number % 10}" for number in numbers],
        "speaker": [f"speaker-{number % 500}" for number in numbers],
        "audio_sha256": [sha256(str(number).encode()).hexdigest() for number in numbers],
    }


def append(path: Path, first: int, stop: int, dim: int) -> None:
    """Append clips with random embeddings to a store."""
    random = np.random.default_rng(first)
    with StoreWriter.open(path) as writer:
        clips = writer.put_clips("d", table(first, stop), part=True)
        with clips.writing("m", FINGERPRINT, dim) as target:
            target.copy_known(clips.rows)
            missing = target.missing(clips.rows)
            for start in range(0, len(missing), ROWS_AT_A_TIME):
                some = missing[start : start + ROWS_AT_A_TIME]
                numbers = random.standard_normal((len(some), dim), dtype=np.float32)
                target.put(some, numbers)


def fill(path: Path, n_clips: int, dim: int) -> None:
    """Write a store of random embeddings."""
    for first in range(0, n_clips, CLIPS_AT_A_TIME):
        append(path, first, min(first + CLIPS_AT_A_TIME, n_clips), dim)


def compete(competitors: dict[str, Callable[[], Any]], n_rounds: int) -> dict[str, float]:
    """Return each competitor's median seconds."""
    for run in competitors.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(n_rounds):
        for name, run in competitors.items():
            begun = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in seconds.items()}


def report(title: str, seconds: dict[str, float], baseline: str) -> None:
    """Print a line a competitor."""
    print(f"\n{title}")
    for name, taken in seconds.items():
        print(f"  {name:44}{taken:9.4f} s{taken / seconds[baseline]:8.2f} x {baseline}")


def bench_matrix(folder: Path, n_clips: int, dim: int, n_rounds: int) -> None:
    """Compare reading a whole matrix, and random rows of it."""
    path = folder / "matrix.zarr"
    fill(path, n_clips, dim)
    reader, everything = StoreReader(path), np.arange(n_clips)
    np.save(folder / "x.npy", reader.embeddings("d", "m", everything))
    mapped = np.load(folder / "x.npy", mmap_mode="r")
    group = zarr.open_group(path, mode="r")
    compressed = zarr.create_array(
        folder / "zstd.zarr", data=np.load(folder / "x.npy"), chunks=(256, dim)
    )
    rows = np.random.default_rng(1).permutation(n_clips)[: int(0.8 * n_clips)]
    ascending = np.sort(rows)
    seconds = compete(
        {
            "np.load": lambda: np.load(folder / "x.npy"),
            "ours, embeddings": lambda: reader.embeddings("d", "m", everything),
            "ours, open_store().load()": lambda: open_store(path).load("d", "m"),
            "plain zarr on our store": lambda: group["d/m/embedding"][:],
            "plain zarr, its defaults (zstd)": lambda: compressed[:],
        },
        n_rounds,
    )
    report(f"whole matrix, {n_clips:,} x {dim:,} float32", seconds, "np.load")
    seconds = compete(
        {
            "memory-mapped .npy": lambda: mapped[rows],
            "ours, embeddings": lambda: reader.embeddings("d", "m", rows),
            "plain zarr on our store, sorted": lambda: group["d/m/embedding"].oindex[ascending, :],
            "plain zarr, its defaults (zstd), sorted": lambda: compressed.oindex[ascending, :],
        },
        n_rounds,
    )
    report(f"{len(rows):,} random rows of it", seconds, "memory-mapped .npy")


def run_step(step: str, path: Path, n_clips: int, dim: int, turn: int) -> None:
    """Run one step on a store of so many clips; print its seconds and megabytes as JSON."""
    rows = np.random.default_rng(turn).permutation(n_clips)[:10_000]
    ids = np.array([f"clip-{number:08d}" for number in rows[:1000]])
    lookup = EmbeddingLookup(path, "d", models=("m",)).fit(ids)
    steps: dict[str, Callable[[], Any]] = {
        "open": lambda: open_store(path).n_missing("d", "m"),
        "summarize": lambda: open_store(path).summary(),
        "find 1,000": lambda: StoreReader(path).find_clips("d", ids.tolist()),
        "look up 1,000": lambda: lookup.transform(ids),
        "10,000 rows": lambda: StoreReader(path).embeddings("d", "m", rows),
        "append 1,000": lambda: append(path, n_clips, n_clips + 1000, dim),
    }
    wall, processor = time.perf_counter(), time.process_time()
    memory = peak_extra_mb(steps[step])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(json.dumps([wall, processor, memory]))


def bench_growth(folder: Path, n_clips: int, dim: int, n_turns: int) -> None:
    """Measure every step on a store of so many clips, each in a process of its own."""
    path = folder / f"{n_clips}.zarr"
    begun, processor = time.perf_counter(), time.process_time()
    fill(path, n_clips, dim)
    wall, processor = time.perf_counter() - begun, time.process_time() - processor
    print(f"{n_clips:>11,} clips x {dim}: written in {wall:.1f} s ({processor:.1f} s of processor)")
    for step in STEPS:
        measured = []
        for turn in range(n_turns):
            n_now = n_clips + 1000 * turn * (step == "append 1,000")
            words = ["--step", step, str(path), str(n_now), str(dim), str(turn)]
            command = [sys.executable, __file__, *words]
            done = subprocess.run(  # noqa: S603
                command, check=True, capture_output=True, text=True
            )
            measured.append(json.loads(done.stdout))
        wall, processor, memory = (statistics.median(each) for each in zip(*measured, strict=True))
        print(
            f"  {step:16}{wall:8.3f} s{processor:8.3f} s of processor{memory:8.0f} MB", flush=True
        )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--dim", type=int, default=3840)
    parser.add_argument("--clips", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--growth-dim", type=int, default=768)
    parser.add_argument("--turns", type=int, default=3, help="how often each step is measured")
    parser.add_argument("--no-matrix", action="store_true", help="only the growing stores")
    parser.add_argument("--step", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        step, path, *numbers = arguments.step
        run_step(step, Path(path), *map(int, numbers))
        return
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.no_matrix:
            bench_matrix(Path(folder), arguments.rows, arguments.dim, arguments.rounds)
        for n_clips in arguments.clips:
            bench_growth(Path(folder), n_clips, arguments.growth_dim, arguments.turns)


if __name__ == "__main__":
    main()
