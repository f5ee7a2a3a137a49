"""Embeddings that are in the store already, found by their recordings' hashes."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
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
    """Find embeddings that a model has made of recordings, in any dataset.

    Parameters
    ----------
    reader : StoreReader
        The store.
    fingerprint : Mapping[str, Any]
        The model's; one with the same counts whatever it is called.
    hashes : Collection[str]
        SHA-256 of the recordings.

    Yields
    ------
    dict of str to numpy.ndarray of float32, shape (dim,)
        Some of those that were found, by hash; each once.
    """
    wanted = set(hashes)
    for dataset in reader.datasets() if wanted else ():
        try:
            stored = reader.texts(dataset, schema.SHA256) if reader.n_clips(dataset) else []
            models = reader.models(dataset) if wanted & set(stored) else ()
        except (StoreError, UnknownNameError):
            continue
        for model in models:
            # What is damaged, or is being changed, is computed instead.
            with contextlib.suppress(StoreError, UnknownNameError):
                if not fingerprint_differences(reader.fingerprint(dataset, model), fingerprint):
                    for found in _found(reader, dataset, model, wanted, stored):
                        wanted -= found.keys()
                        yield found


def _found(
    reader: StoreReader, dataset: str, model: str, hashes: Collection[str], stored: list[str]
) -> Iterator[dict[str, NDArray[np.float32]]]:
    row_of = {
        stored[row]: row
        for row in np.flatnonzero(reader.done(dataset, model)).tolist()
        if row < len(stored) and stored[row] in hashes
    }
    found = list(row_of)
    for start in range(0, len(found), _ROWS_AT_A_TIME):
        piece = found[start : start + _ROWS_AT_A_TIME]
        rows = np.array([row_of[sha256] for sha256 in piece], np.int64)
        embeddings = reader.embeddings(dataset, model, rows)
        # Another process may have taken over another recording in between.
        now = reader.texts(dataset, schema.SHA256)
        yield {
            sha256: embedding
            for sha256, embedding in zip(piece, embeddings, strict=True)
            if now[row_of[sha256]] == sha256 and np.isfinite(embedding).all()
        }
