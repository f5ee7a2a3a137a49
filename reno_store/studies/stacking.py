"""Folds of the paper's networks trained together on a GPU, as a stack.

A GPU waits for the next small product of a single network; a stack of them keeps it busy. The
scaled training sides of all folds are put below each other, as one table for `fit_together`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from reno_store.errors import HoldOutError
from reno_store.estimators.together import fit_together
from reno_store.studies.outcomes import Failure, Result, predict_fold, side_by_side
from reno_store.studies.planning import FoldTask
from reno_store.studies.preparation import PreparedDataset
from reno_store.studies.protocols import PROTOCOLS, Fold

__all__ = ["fit_folds_together"]


def fit_folds_together(
    tasks: Sequence[FoldTask],
    prepared: PreparedDataset,
    standardize: bool,
    finished: Callable[[FoldTask, Result], None],
) -> None:
    """Train folds of the paper's networks together.

    Parameters
    ----------
    tasks : Sequence[FoldTask]
        Folds of one protocol on the same models.
    prepared : PreparedDataset
        The dataset.
    standardize : bool
        Whether to scale X by the mean and standard deviation of each training side.
    finished : callable
        Called with each fold and its result.
    """
    folds: dict[int, Fold] = {id(task.rows): task.rows for task in tasks}
    disjoint = PROTOCOLS[tasks[0].protocol].speaker_disjoint
    blocks = [prepared.blocks[name] for name in tasks[0].models]
    heads, rows, sides, start = {}, {}, [], 0
    for fold, (train, _) in folds.items():
        side = side_by_side(blocks, train)
        if standardize:
            # On one thread, so that its sums are the same on every machine.
            with threadpool_limits(limits=1):
                heads[fold] = StandardScaler().fit(side)
                side = heads[fold].transform(side)
        sides.append(side)
        rows[fold] = np.arange(start, start + len(train))
        start += len(train)
    table = np.concatenate(sides)
    train_rows = np.concatenate([train for train, _ in folds.values()])
    y = prepared.y[train_rows]
    groups = prepared.groups[train_rows] if disjoint and prepared.groups is not None else None
    unspared: list[FoldTask] = []

    def conclude(task: FoldTask, fitted: Any, seconds: float) -> None:
        if isinstance(fitted, HoldOutError) and groups is not None:
            unspared.append(task)
        elif isinstance(fitted, Exception):
            finished(task, Failure.of(fitted))
        else:
            X = side_by_side(blocks, task.rows[1])
            if standardize:
                X = heads[id(task.rows)].transform(X)
            outcome = predict_fold(
                fitted,
                X,
                prepared.y,
                prepared.groups,
                task.rows,
                protocol=task.protocol,
                seconds=seconds,
            )
            finished(task, outcome)

    def fit(chosen: Sequence[FoldTask], speakers: NDArray[np.str_] | None) -> None:
        fit_together(
            [clone(task.estimator) for task in chosen],
            table,
            y,
            [rows[id(task.rows)] for task in chosen],
            speakers,
            finished=lambda place, fitted: conclude(chosen[place], fitted, _seconds(fitted)),
        )

    fit(tasks, groups)
    if unspared:  # where no speaker can be held out, clips are, as in `run_fold`
        groups = None
        fit(list(unspared), None)


def _seconds(fitted: Any) -> float:
    """Return a fit's share of the time of its stack."""
    return float(sum(epoch.get("seconds", 0.0) for epoch in getattr(fitted, "history_", ())))
