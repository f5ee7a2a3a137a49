"""Many classifiers fitted in one go, each on rows of its own of the same data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reno_store.estimators.base import EmbeddingClassifier
from reno_store.progress import Counter

__all__ = ["fit_together"]


def fit_together(
    estimators: Sequence[EmbeddingClassifier],
    X: ArrayLike,
    y: ArrayLike,
    rows: Sequence[NDArray[np.int64]],
    groups: ArrayLike | None = None,
    *,
    n_jobs: int = 1,
    max_memory: int | None = None,
    counter: Counter | None = None,
) -> list[EmbeddingClassifier | Exception]:
    """Fit each estimator as ``estimator.fit(X[rows], y[rows], groups[rows])`` would.

    Parameters
    ----------
    estimators : Sequence[EmbeddingClassifier]
        Not fitted; they are fitted in place.
    X : array-like, shape (n_clips, n_features)
        Embeddings.
    y : array-like, shape (n_clips,)
        Labels.
    rows : Sequence of numpy.ndarray of int64
        For each estimator the rows to train on.
    groups : array-like, shape (n_clips,), optional
        Speakers.
    n_jobs : int
        Processes that share the work on a CPU.
    max_memory : int, optional
        Bytes that may be used beyond the data; chosen by what is free unless given.
    counter : Counter, optional
        Advanced by one for each estimator that is finished.

    Returns
    -------
    list of EmbeddingClassifier or Exception
        In order: the fitted estimator, or what its fit raised.
    """
    found: list[EmbeddingClassifier | Exception] = []
    data, labels = np.asarray(X), np.asarray(y)
    speakers = None if groups is None else np.asarray(groups)
    for estimator, own in zip(estimators, rows, strict=True):
        try:
            estimator.fit(data[own], labels[own], None if speakers is None else speakers[own])
        except Exception as error:
            found.append(error)
        else:
            found.append(estimator)
        if counter is not None:
            counter.advance()
    return found
