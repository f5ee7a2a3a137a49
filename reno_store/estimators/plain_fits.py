"""Fits one by one, or in parallel processes."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing

from reno_store.estimators.base import EmbeddingClassifier

__all__ = ["fit_each", "part"]

_Outcome = EmbeddingClassifier | Exception


def part(data: Any, rows: NDArray[np.int64]) -> Any:
    """Return some rows of an array, or of a table with its column names; None for None."""
    return None if data is None else _safe_indexing(data, rows)


def fit_each(
    estimators: Sequence[EmbeddingClassifier],
    X: ArrayLike,
    y: ArrayLike,
    rows: Sequence[NDArray[np.int64]],
    groups: ArrayLike | None,
    n_jobs: int,
) -> Generator[_Outcome, None, None]:
    """Fit each estimator on its rows, in place; yield it, or the error of its fit, in order.

    Processes give the same results to the last bit. Estimators that draw from the caller's
    generator are fitted in this process, since others have only a copy of the generator.
    """
    is_portable = [
        estimator.random_state is None or isinstance(estimator.random_state, Integral)
        for estimator in estimators
    ]
    if n_jobs == 1 or sum(is_portable) < 2:
        for estimator, own in zip(estimators, rows, strict=True):
            yield _fit(estimator, part(X, own), part(y, own), part(groups, own))
        return
    jobs = (
        delayed(_fit_elsewhere)(estimator, X, y, own, groups)
        for estimator, own, portable in zip(estimators, rows, is_portable, strict=True)
        if portable
    )
    with _ended(Parallel(n_jobs=n_jobs, return_as="generator")(jobs)) as elsewhere:
        for estimator, own, portable in zip(estimators, rows, is_portable, strict=True):
            if portable:
                outcome, caught = next(elsewhere)
                for warning in caught:
                    warnings.warn(warning, stacklevel=2)
                yield _copied(estimator, outcome)
            else:
                yield _fit(estimator, part(X, own), part(y, own), part(groups, own))


@contextmanager
def _ended(results: Generator[Any, None, None]) -> Iterator[Generator[Any, None, None]]:
    """Stop the processes at the end of the block, also after Ctrl-C."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            # joblib warns about the tasks that it cancels.
            warnings.simplefilter("ignore")
            results.close()


def _copied(estimator: EmbeddingClassifier, outcome: _Outcome) -> _Outcome:
    """Copy the result of a fit in another process to the estimator."""
    if isinstance(outcome, Exception):
        return outcome
    # Taken first: on joblib's threads the copy is the estimator itself.
    fitted = outcome._fitted()
    estimator._forget()
    estimator.__dict__.update(fitted)
    return estimator


def _fit(
    estimator: EmbeddingClassifier, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None
) -> _Outcome:
    try:
        return estimator.fit(X, y, groups)
    except Exception as error:
        return error


def _fit_elsewhere(
    estimator: EmbeddingClassifier,
    X: ArrayLike,
    y: ArrayLike,
    rows: NDArray[np.int64],
    groups: ArrayLike | None,
) -> tuple[_Outcome, list[Warning]]:
    """Fit in another process, and collect its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = _fit(estimator, part(X, rows), part(y, rows), part(groups, rows))
    return outcome, [each.message for each in caught if isinstance(each.message, Warning)]
