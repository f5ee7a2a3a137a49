"""Removing a model or a dataset from a store."""

from __future__ import annotations

from pathlib import Path

from reno_store.runtime.progress import tell
from reno_store.store.reader import StoreReader
from reno_store.store.writer import StoreWriter

__all__ = ["remove_from_store"]


def remove_from_store(store: str | Path, dataset: str, model: str | None = None) -> None:
    """Remove a model's embeddings, or a whole dataset, damaged or not.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    dataset : str
        Name of the dataset.
    model : str, optional
        Only this model.

    Raises
    ------
    UnknownNameError
        If there is no such dataset or model.
    StoreError
        If there is no store of this format, or it cannot be written.
    """
    path = StoreReader(store).path  # a missing store is not created
    with StoreWriter.open(path, notify=tell) as writer:
        if model is None:
            writer.remove_dataset(dataset)
        else:
            writer.remove_model(dataset, model)
