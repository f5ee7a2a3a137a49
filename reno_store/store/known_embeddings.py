"""Embeddings of the same recordings by the same model that a store has already, for reuse."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import StoreError, UnknownNameError
from reno_store.store import schema
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.reader import StoreReader

__all__ = ["known_embeddings"]

_ROWS_AT_A_TIME = 4096


def known_embeddings(
    reader: StoreReader, fingerprint: Mapping[str, Any], hashes: Collection[str]
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Find embeddings of recordings by a model of this fingerprint, under any name.

    Yields
    ------
    dict of str to numpy.ndarray of float32, shape (dim,)
        Some of the embeddings found, by the recordings' hashes; each hash once.
    """
    wanted = set(hashes)
    for dataset in reader.datasets if wanted else ():
        try:
            rows, stored = reader.find_recordings(dataset, wanted)
            models = reader.models(dataset) if stored else ()
        except (StoreError, UnknownNameError):
            continue
        for model in models:
            # What is damaged, or is changing just now, is computed instead.
            with contextlib.suppress(StoreError, UnknownNameError):
                if not fingerprint_differences(reader.fingerprint(dataset, model), fingerprint):
                    for found in _found(reader, dataset, model, rows, stored, wanted):
                        wanted -= found.keys()
                        yield found


def _found(
    reader: StoreReader,
    dataset: str,
    model: str,
    rows: NDArray[np.int64],
    hashes: Sequence[str],
    wanted: Collection[str],
) -> Iterator[dict[str, NDArray[np.float32]]]:
    done = reader.done(dataset, model)
    row_of = {
        sha256: row
        for row, sha256 in zip(rows.tolist(), hashes, strict=True)
        if sha256 in wanted and row < len(done) and done[row]
    }
    found = list(row_of)
    for start in range(0, len(found), _ROWS_AT_A_TIME):
        piece = found[start : start + _ROWS_AT_A_TIME]
        some = np.array([row_of[sha256] for sha256 in piece], np.int64)
        embeddings = reader.embeddings(dataset, model, some)
        # Another process may have replaced a recording in between.
        now = reader.texts_at(dataset, schema.SHA256, some)
        yield {
            sha256: embedding
            for sha256, current, embedding in zip(piece, now, embeddings, strict=True)
            if current == sha256 and np.isfinite(embedding).all()
        }
