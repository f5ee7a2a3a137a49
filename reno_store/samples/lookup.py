"""Clip ids -> embeddings, as a scikit-learn transformer.

A lookup holds the path of its store but none of its contents, so its pickle has a few hundred
bytes; each worker process opens the store once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from reno_store.errors import StaleStoreError, StoreError, UnknownNameError, listed
from reno_store.runtime.places import BucketPlace, Place, open_place
from reno_store.samples.loading import (
    EmbeddingStore,
    column_names,
    open_store,
    ordered_names,
)
from reno_store.store import short_fingerprint

__all__ = ["EmbeddingLookup"]

_STORES_KEPT_OPEN = 8


class EmbeddingLookup(TransformerMixin, BaseEstimator):
    """Clip ids in, embeddings out: a transformer whose `models` can be searched over.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    dataset : str
        Name of a dataset.
    models : str or Sequence[str]
        Names of its models.

    Attributes
    ----------
    models_ : tuple of str
        Names of the models, in the order of their columns.
    fingerprints_ : tuple of str
        First digits of the fingerprint of each model's embeddings at `fit`.
    """

    def __init__(
        self,
        store: str | Path | None = None,
        dataset: str | None = None,
        models: str | Sequence[str] = (),
    ) -> None:
        self.store = store
        self.dataset = dataset
        self.models = models

    def fit(self, X: ArrayLike, y: Any = None) -> EmbeddingLookup:
        """Check that the store has the dataset and the models.

        Parameters
        ----------
        X : array-like of str, shape (n_clips,)
            Clip ids.
        y : ignored

        Raises
        ------
        ValueError
            If no store, dataset or model is given.
        UnknownNameError
            If the store has no such dataset or model.
        StoreError
            If there is no such store.
        """
        store, models = self._open(), self._models()
        store.check_names(str(self.dataset), models)
        self.models_ = models
        self.fingerprints_ = self._fingerprints(store)
        return self

    def transform(self, X: ArrayLike) -> pd.DataFrame:
        """Return the embeddings of clips.

        Parameters
        ----------
        X : array-like of str, shape (n_clips,)
            Clip ids of the dataset.

        Returns
        -------
        pandas.DataFrame of float32, shape (n_clips, sum of the models' dimensions)
            Columns ``MODEL:i``, index the clip ids.

        Raises
        ------
        UnknownNameError
            If an id is not a clip of the dataset with an embedding of each model.
        StaleStoreError
            If a model's embeddings are of other weights or settings than at `fit`.
        """
        check_is_fitted(self, "models_")
        dataset = str(self.dataset)
        store = self._open().settled(dataset, self.models_, ("clip_id", "clip_id_hash"))
        self._check_fingerprints(store)
        wanted = np.asarray(X, dtype=str)
        if wanted.ndim > 2 or (wanted.ndim == 2 and wanted.shape[1] != 1):
            raise ValueError(f"expected one clip id per row, got an array of shape {wanted.shape}")
        wanted = wanted.ravel()
        rows = store.find_clips(dataset, wanted.tolist())
        done = store.rows_done(dataset, self.models_, store.n_clips(dataset))
        has_embedding = (rows >= 0) & (rows < len(done))
        has_embedding[has_embedding] = done[rows[has_embedding]]
        unknown = wanted[~has_embedding].tolist()
        if unknown:
            raise UnknownNameError(
                f"store {self.store}: {len(unknown):,} clip ids have no embedding of "
                f"{' and '.join(self.models_)} in dataset {self.dataset!r}: {listed(unknown)}."
            )
        block = store.blocks(dataset, self.models_, rows)
        return pd.DataFrame(block, index=wanted, columns=self._column_names(store))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, ``MODEL:i``; `input_features` is ignored."""
        check_is_fitted(self, "models_")
        return self._column_names(self._open())

    def __sklearn_tags__(self) -> Tags:
        """Return the tags: the input is one string per clip."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _column_names(self, store: EmbeddingStore) -> NDArray[np.object_]:
        sizes = [store.dim(str(self.dataset), model) for model in self.models_]
        return np.array(column_names(self.models_, sizes), object)

    def _fingerprints(self, store: EmbeddingStore) -> tuple[str, ...]:
        dataset = str(self.dataset)
        return tuple(short_fingerprint(store.fingerprint(dataset, name)) for name in self.models_)

    def _check_fingerprints(self, store: EmbeddingStore) -> None:
        # What was learned from one model's numbers does not apply to another's.
        then, now = self.fingerprints_, self._fingerprints(store)
        for model, old, new in zip(self.models_, then, now, strict=True):
            if old != new:
                raise StaleStoreError(
                    f"store {self.store}: the embeddings of {model!r} in dataset "
                    f"{self.dataset!r} have the fingerprint {new}, at fit it was {old}: the "
                    "model was built again with other weights or settings. Fit again."
                )

    def _models(self) -> tuple[str, ...]:
        try:
            return ordered_names(self.models)
        except ValueError as error:
            raise ValueError(f"EmbeddingLookup: {error}") from None

    def _open(self) -> EmbeddingStore:
        if self.store is None or self.dataset is None:
            raise ValueError(
                "EmbeddingLookup needs a store and a dataset; got "
                f"store={self.store!r}, dataset={self.dataset!r}"
            )
        if not isinstance(self.store, str | os.PathLike):
            raise ValueError(
                f"EmbeddingLookup needs the path of a store, got store={self.store!r}; "
                "an open one has it as .path"
            )
        path = open_place(self.store, "store", StoreError)
        stamp: tuple[Any, ...]
        try:
            if isinstance(path, BucketPlace):
                root = path / "zarr.json"
                stamp = tuple(sorted(root.bucket.get_tagged(root.key)[1].items()))
                return _opened(path, stamp)
            stat = (path / "zarr.json").stat()
        except OSError:
            return open_store(path)  # raises, with the reason
        stamp = (stat.st_dev, stat.st_ino, stat.st_ctime_ns, stat.st_mtime_ns, stat.st_size)
        return _opened(path.resolve(), stamp)


@lru_cache(maxsize=_STORES_KEPT_OPEN)
def _opened(path: Place, stamp: tuple[Any, ...]) -> EmbeddingStore:
    """Open a store once per process, and again if another store replaces it.

    An open store keeps only what its root says, in one file that no build changes; the `stamp`
    identifies that file. Everything else is read from disk each time, so that clips and
    embeddings stored since are found.
    """
    return open_store(path)
