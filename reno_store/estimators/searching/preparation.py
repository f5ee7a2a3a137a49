"""The training data of the splits of a search, as rows of few tables.

Classifiers are fitted together on rows of one table. Without a pipeline that table is X. The
steps of a pipeline transform each training side differently (by its own mean, say), so the
transformed sides are stacked, for as many splits at a time as memory allows: leaving one of a
hundred speakers out would need a hundred times X.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from reno_store.estimators.searching.planning import Parts, column_names, is_table

__all__ = ["Split", "Table", "prepare"]

LARGEST_TABLE = 2**30
"""Largest table, in bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A split of the search.

    Attributes
    ----------
    number : int
        Place among the splits.
    rows : numpy.ndarray of int64
        Rows of the table to train on.
    head : Pipeline or None
        The steps before the classifier, fitted on this split.
    seconds : float
        Time of that.
    error : Exception or None
        The error of that.
    obstacle : str
        Why classifiers cannot be fitted together on this split; empty where they can.
    """

    number: int
    rows: NDArray[np.int64]
    head: Pipeline | None = None
    seconds: float = 0.0
    error: Exception | None = None
    obstacle: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Training rows of classifiers, and their splits.

    Attributes
    ----------
    splits : tuple of Split
        Where `X` is None, none of them can be used.
    X : numpy.ndarray, shape (n, n_features), or None
        Inputs.
    y : numpy.ndarray, shape (n,)
        Labels.
    groups : numpy.ndarray, shape (n,), or None
        Speakers.
    names : numpy.ndarray of object, shape (n_features,), or None
        Names of the columns, if there are any.
    """

    splits: tuple[Split, ...]
    X: NDArray[Any] | None
    y: NDArray[Any]
    groups: NDArray[np.generic] | None
    names: NDArray[np.object_] | None


def prepare(
    parts: Parts,
    X: Any,
    y: ArrayLike,
    groups: NDArray[np.generic] | None,
    trains: Sequence[NDArray[np.int64]],
) -> Iterator[Table]:
    """Fit the steps before the classifier once per split, and stack their output.

    Yields
    ------
    Table
        Delete it before requesting the next. Each split is in one of them.
    """
    labels = np.asarray(y)
    if parts.pipeline is None or len(parts.pipeline.steps) == 1:
        obstacle = "" if is_table(X) else _not_a_table(X)
        splits = tuple(
            Split(number, train, obstacle=obstacle) for number, train in enumerate(trains)
        )
        whole = None if obstacle else np.asarray(X)
        yield Table(splits, whole, labels, groups, None if obstacle else column_names(X))
        return
    pending = _Pending(labels, groups)
    for number, train in enumerate(trains):
        head, began = clone(parts.pipeline)[:-1], time.perf_counter()
        try:
            made = head.fit_transform(_safe_indexing(X, train), _safe_indexing(y, train))
        except Exception as error:
            yield Table((Split(number, train, error=error),), None, labels, groups, None)
            continue
        seconds = time.perf_counter() - began
        if not is_table(made):
            obstacle = f"the last step gets {_not_a_table(made)}"
            yield Table((Split(number, train, obstacle=obstacle),), None, labels, groups, None)
            continue
        if not pending.takes(made):
            yield pending.table()
            pending = _Pending(labels, groups)
        pending.add(number, made, train, head, seconds)
    if pending.splits:
        yield pending.table()


class _Pending:
    """A table under construction."""

    def __init__(self, y: NDArray[Any], groups: NDArray[np.generic] | None) -> None:
        self._y, self._groups = y, groups
        self._names: NDArray[np.object_] | None = None
        self._pieces: list[NDArray[Any]] = []
        self._trains: list[NDArray[np.int64]] = []
        self.splits: list[Split] = []

    def takes(self, made: Any) -> bool:
        """Return whether a piece has the same columns and fits into the table."""
        if not self._pieces:
            return True
        size = sum(piece.nbytes for piece in self._pieces) + np.asarray(made).nbytes
        return (
            made.shape[1] == self._pieces[0].shape[1]
            and _listed(column_names(made)) == _listed(self._names)
            and size <= LARGEST_TABLE
        )

    def add(
        self, number: int, made: Any, train: NDArray[np.int64], head: Pipeline, seconds: float
    ) -> None:
        start = sum(map(len, self._trains))
        self._names = column_names(made)
        self._pieces.append(np.asarray(made))
        self._trains.append(train)
        rows = np.arange(start, start + len(train))
        self.splits.append(Split(number, rows, head, seconds))

    def table(self) -> Table:
        rows = np.concatenate(self._trains)
        X = self._pieces[0] if len(self._pieces) == 1 else np.concatenate(self._pieces)
        self._pieces.clear()
        groups = None if self._groups is None else self._groups[rows]
        return Table(tuple(self.splits), X, self._y[rows], groups, self._names)


def _listed(names: NDArray[np.object_] | None) -> list[str] | None:
    return None if names is None else names.tolist()


def _not_a_table(X: Any) -> str:
    return f"{type(X).__name__}, not an array or DataFrame of numbers with two dimensions"
