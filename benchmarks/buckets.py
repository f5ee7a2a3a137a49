# ruff: noqa: T201
"""Requests to a bucket, and the time they take, for what is done with a store.

By default the bucket is the memory of this process, and each request waits as long as one to a
cloud would take (``--latency``). So the time is that of the requests which are sent one after the
other. With the URL of a server, its own time is added.

    python benchmarks/buckets.py
    python benchmarks/buckets.py --store s3://bucket/try --latency 0
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from reno_store import EmbeddingLookup, open_store
from reno_store.runtime.places import open_place, remove_tree
from reno_store.runtime.places.bucket import Bucket
from reno_store.store import StoreWriter

_FINGERPRINTS = {"mfcc": {"weights": "a"}, "logmel": {"weights": "b"}}


class Requests:
    """Counts the requests and makes each take longer."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s, self.keys, self._lock = 0.0, Counter[str](), threading.Lock()
        self._wanted_s = latency_s
        call = Bucket._call

        def counted(bucket: Bucket, key: str, request: Callable[[], Any]) -> Any:
            with self._lock:
                self.keys[key.partition(".zarr")[2] or key] += 1
            time.sleep(self.latency_s)
            return call(bucket, key, request)

        Bucket._call = counted  # type: ignore[method-assign]

    def measure(self, name: str, function: Callable[[], Any], *, shown: bool) -> None:
        """Print the requests and the time of a function."""
        self.keys.clear()
        self.latency_s = self._wanted_s
        begun = time.perf_counter()
        function()
        seconds = time.perf_counter() - begun
        self.latency_s = 0.0
        n_again = self.keys.total() - len(self.keys)
        print(f"| {name} | {self.keys.total()} | {n_again} | {seconds:.2f} |")
        for key, n_times in sorted(self.keys.items()) if shown else ():
            print(f"    {n_times} x {key}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="", help="a new one, by default in memory")
    parser.add_argument("--clips", type=int, default=1440)
    parser.add_argument("--latency", type=float, default=0.03, help="seconds per request")
    parser.add_argument("--shown", action="store_true", help="show the keys")
    options = parser.parse_args()
    url = options.store or f"memory://{uuid.uuid4().hex}/my.zarr"
    ids = [f"clip{number}" for number in range(options.clips)]
    table = {
        "clip_id": ids,
        "path": ids,
        "label": [f"label{number % 8}" for number in range(options.clips)],
        "speaker": [f"s{number % 40}" for number in range(options.clips)],
        "audio_sha256": [f"{number:064x}" for number in range(1, options.clips + 1)],
    }

    def build() -> None:
        with StoreWriter.open(url) as writer:
            clips = writer.put_clips("d", table)
            for model, fingerprint in _FINGERPRINTS.items():
                with clips.writing(model, fingerprint, 120) as rows:
                    missing = rows.missing(clips.rows)
                    if len(missing):
                        rows.put(missing, np.ones((len(missing), 120), np.float32))

    requests = Requests(options.latency)
    build()
    print("| | requests | of these again for the same object | seconds |\n|---|---|---|---|")
    store = open_store(url)
    lookup = EmbeddingLookup(url, "d", models=("mfcc",)).fit(ids)
    for name, function in {
        "open": lambda: open_store(url),
        "load, one model": lambda: store.load("d", "mfcc"),
        "load, two models": lambda: store.load("d", ("mfcc", "logmel")),
        "look up 100 clips": lambda: lookup.transform(ids[:100]),
        "summary (info)": lambda: store.summary(),
        "build, nothing new": build,
    }.items():
        requests.measure(name, function, shown=options.shown)
    remove_tree(open_place(url, "store"))


if __name__ == "__main__":
    main()
