# ruff: noqa: T201
"""Codecs for embeddings: bytes on disk, seconds to write and to read, in one run.

On the embeddings of a store, best real ones, repeated to a size worth measuring. Every
codec gets the same chunks of 256 rows and a checksum, and is read by plain Zarr; ``ours``
is the store's own way of reading the same uncompressed chunks. Medians over rounds in which
every codec has one turn.

    python benchmarks/codecs.py STORE DATASET MODEL
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec

from reno_store.samples import open_store
from reno_store.store.raw_chunks import RawChunks

CODECS: dict[str, tuple[list[Any], str]] = {
    "none": ([], "float32"),
    "zstd 1": ([ZstdCodec(level=1)], "float32"),
    "zstd 9": ([ZstdCodec(level=9)], "float32"),
    "gzip 5": ([GzipCodec(level=5)], "float32"),
    "blosc lz4, bytes shuffled": (
        [BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=4)],
        "float32",
    ),
    "blosc zstd, bytes shuffled": (
        [BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=4)],
        "float32",
    ),
    "blosc zstd, bits shuffled": (
        [BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle", typesize=4)],
        "float32",
    ),
    "none, float16 (lossy)": ([], "float16"),
}


def write(path: Path, X: np.ndarray[Any, Any], name: str) -> zarr.Array[Any]:
    """Write the matrix with one codec."""
    shutil.rmtree(path, ignore_errors=True)
    codecs, dtype = CODECS[name]
    array = zarr.create_array(
        path,
        shape=X.shape,
        chunks=(256, X.shape[1]),
        dtype=dtype,
        fill_value=float("nan"),
        compressors=[*codecs, Crc32cCodec()],
    )
    array[:] = X.astype(dtype)
    return array


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("model")
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    real = open_store(arguments.store).load(arguments.dataset, arguments.model).X
    X = np.resize(real, (arguments.rows, real.shape[1]))
    # Repeated rows would shrink against one another: each repetition gets its own last bits.
    X = X * np.random.default_rng(0).uniform(0.5, 1.5, (len(X), 1)).astype(np.float32)
    everything = np.arange(len(X))
    with tempfile.TemporaryDirectory() as folder:
        taken: dict[str, dict[str, list[float]]] = {}
        sizes = {}
        for _ in range(arguments.rounds):
            for name in CODECS:
                path = Path(folder) / name.replace(" ", "-").replace(",", "")
                begun = time.perf_counter()
                array = write(path, X, name)
                written = time.perf_counter()
                np.asarray(array[:], np.float32)
                read = time.perf_counter()
                times = taken.setdefault(name, {"write": [], "read": [], "ours": []})
                times["write"].append(written - begun)
                times["read"].append(read - written)
                raw = RawChunks.of(array, path)
                if raw is not None:
                    np.asarray(raw.read(everything)[0], np.float32)
                    times["ours"].append(time.perf_counter() - read)
                sizes[name] = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"{arguments.model}: {X.shape[0]:,} x {X.shape[1]:,}, {X.nbytes / 1e6:.0f} MB of float32")
    print(f"{'':28}{'MB':>8}{'of raw':>8}{'write s':>9}{'read s':>8}{'ours, read s':>14}")
    for name, times in taken.items():
        ours = f"{statistics.median(times['ours']):14.3f}" if times["ours"] else f"{'':14}"
        print(
            f"  {name:26}{sizes[name] / 1e6:8.1f}{sizes[name] / X.nbytes:8.2f}"
            f"{statistics.median(times['write']):9.3f}{statistics.median(times['read']):8.3f}{ours}"
        )


if __name__ == "__main__":
    main()
