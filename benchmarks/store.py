# ruff: noqa: T201
"""Reading and growing a store, compared with numpy and plain Zarr in one run.

First a whole matrix and random rows of it, against ``np.load`` and a memory-mapped ``.npy``;
then stores of ten thousand to a million clips: opening, looking up clips, random rows,
appending, and the peak of memory that each step adds. Medians over rounds in which every
competitor has one turn. Files are in the page cache, as after any first read.

    python benchmarks/store.py
    python benchmarks/store.py --clips 10000 100000      skip the million
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from scan import peak_extra_mb

from reno_store.samples import EmbeddingLookup, open_store
from reno_store.store import StoreReader, StoreWriter

FINGERPRINT = {"weights": "none"}
ROWS_AT_A_TIME = 16_384


def table(n_clips: int) -> dict[str, list[str]]:
    """Make a clip table."""
    ids = [f"clip-{number:07d}" for number in range(n_clips)]
    return {
        "clip_id": ids,
        "path": [f"audio/{clip_id}.wav" for clip_id in ids],
        "label": [f"label-{number % 10}" for number in range(n_clips)],
        "speaker": [f"speaker-{number % 500}" for number in range(n_clips)],
        "audio_sha256": [f"{number:064x}" for number in range(n_clips)],
    }


def fill(path: Path, n_clips: int, dim: int, seed: int = 0) -> None:
    """Write a store of random embeddings, or what one lacks."""
    random = np.random.default_rng(seed)
    with StoreWriter.open(path) as writer:
        clips = writer.put_clips("d", table(n_clips))
        with clips.writing("m", FINGERPRINT, dim) as target:
            missing = target.missing(clips.rows)
            for start in range(0, len(missing), ROWS_AT_A_TIME):
                some = missing[start : start + ROWS_AT_A_TIME]
                numbers = random.standard_normal((len(some), dim), dtype=np.float32)
                target.put(some, numbers)


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


def bench_growth(folder: Path, n_clips: int, dim: int) -> dict[str, tuple[float, float]]:
    """Measure steps on a store of so many clips: seconds and extra megabytes of each."""
    path = folder / f"{n_clips}.zarr"
    fill(path, n_clips, dim)
    random = np.random.default_rng(2)
    rows = random.permutation(n_clips)[: min(10_000, n_clips)]
    ids = np.array([f"clip-{number:07d}" for number in rows[:1000]])
    lookup = EmbeddingLookup(path, "d", models=("m",)).fit(ids)
    steps: dict[str, Callable[[], Any]] = {
        "open": lambda: open_store(path).summary(),
        "look up 1,000 clip ids": lambda: lookup.transform(ids),
        "10,000 random rows": lambda: StoreReader(path).embeddings("d", "m", rows),
        "append 1,000 clips": lambda: fill(path, n_clips + 1000, dim, seed=3),
    }
    measured = {}
    for name, step in steps.items():
        begun = time.perf_counter()
        memory = peak_extra_mb(step)
        measured[name] = (time.perf_counter() - begun, memory)
    return measured


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--dim", type=int, default=3840)
    parser.add_argument("--clips", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--growth-dim", type=int, default=768)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench_matrix(Path(folder), arguments.rows, arguments.dim, arguments.rounds)
        print(f"\nstores of {arguments.growth_dim} numbers a clip: seconds (extra MB at the peak)")
        for n_clips in arguments.clips:
            measured = bench_growth(Path(folder), n_clips, arguments.growth_dim)
            steps = ", ".join(
                f"{name} {taken:.2f} ({memory:,.0f})" for name, (taken, memory) in measured.items()
            )
            print(f"  {n_clips:>9,} clips: {steps}", flush=True)


if __name__ == "__main__":
    main()
