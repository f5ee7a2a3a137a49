"""Embeddings that are in the store already, found by their recordings' hashes."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import StoreError, UnknownNameError
from reno_store.store import schema
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.reader import StoreReader

__all__ = ["known_embeddings"]


def known_embeddings(
    reader: StoreReader, fingerprint: Mapping[str, Any], hashes: Collection[str]
) -> dict[str, NDArray[np.float32]]:
    """Find embeddings that a model has made of recordings, in any dataset.

    Parameters
    ----------
    reader : StoreReader
        The store.
    fingerprint : Mapping[str, Any]
        The model's; one with the same counts whatever it is called.
    hashes : Collection[str]
        SHA-256 of the recordings.

    Returns
    -------
    dict of str to numpy.ndarray of float32, shape (dim,)
        By hash, those that were found.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for dataset in reader.datasets() if hashes else ():
        try:
            stored = reader.texts(dataset, schema.SHA256) if reader.n_clips(dataset) else []
            models = reader.models(dataset) if set(hashes) & set(stored) else ()
        except (StoreError, UnknownNameError):
            continue
        for model in models:
            # What is damaged, or is being changed, is computed instead.
            with contextlib.suppress(StoreError, UnknownNameError):
                if not fingerprint_differences(reader.fingerprint(dataset, model), fingerprint):
                    wanted = set(hashes) - set(found)
                    found.update(_found(reader, dataset, model, wanted, stored))
    return found


def _found(
    reader: StoreReader, dataset: str, model: str, hashes: Collection[str], stored: list[str]
) -> dict[str, NDArray[np.float32]]:
    row_of = {
        stored[row]: row
        for row in np.flatnonzero(reader.done(dataset, model)).tolist()
        if row < len(stored) and stored[row] in hashes
    }
    rows = np.array(list(row_of.values()), np.int64)
    embeddings = dict(zip(row_of, reader.embeddings(dataset, model, rows), strict=True))
    # Another process may have taken over another recording in between.
    now = reader.texts(dataset, schema.SHA256) if row_of else []
    return {
        sha256: row
        for sha256, row in embeddings.items()
        if now[row_of[sha256]] == sha256 and np.isfinite(row).all()
    }
