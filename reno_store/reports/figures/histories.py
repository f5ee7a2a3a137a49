"""Training histories of a cell's folds, aligned by epoch."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.studies import Cell

__all__ = ["Course", "Movement", "course_of", "divergence_minimum", "last_epochs", "movement_of"]


@dataclass(frozen=True, slots=True)
class Course:
    """One number of a cell's histories over the epochs.

    Attributes
    ----------
    epochs : numpy.ndarray of int64, shape (n_epochs,)
        From 1 to the epoch at which the last fold stopped.
    median, lowest, highest : numpy.ndarray of float64, shape (n_epochs,)
        Over the folds that were still training.
    n_folds : numpy.ndarray of int64, shape (n_epochs,)
        How many folds those are.
    """

    epochs: NDArray[np.int64]
    median: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    n_folds: NDArray[np.int64]

    @property
    def n_trusted(self) -> int:
        """Number of epochs in which at least half of the folds were training.

        Later epochs show only the folds that stopped last.
        """
        return int((2 * self.n_folds >= self.n_folds.max()).sum())


@dataclass(frozen=True, slots=True)
class Movement:
    """The range over the epochs of both parts of RENO's loss.

    The highest minus the lowest epoch, not the last minus the first: on real data the divergence
    rises first and then falls to zero.

    Attributes
    ----------
    divergence, cross_entropy : float
        Median over folds of the highest minus the lowest epoch.
    share : float
        Range of the divergence, weighted by 1 - λ, divided by that of the cross-entropy,
        weighted by λ; infinite where the cross-entropy does not move.
    """

    divergence: float
    cross_entropy: float
    share: float


def course_of(cell: Cell, key: str) -> Course | None:
    """Align one number of the histories by epoch; None where no fold has it."""
    folds = [
        [float(epoch.get(key, math.nan)) for epoch in outcome.history] for outcome in cell.folds
    ]
    n_epochs = max((len(fold) for fold in folds), default=0)
    rows = np.full((len(folds), n_epochs), np.nan)
    for row, fold in zip(rows, folds, strict=True):
        row[: len(fold)] = fold
    rows[~np.isfinite(rows)] = np.nan
    there = ~np.isnan(rows)
    kept = np.flatnonzero(there.any(axis=0))
    if not len(kept):
        return None
    rows = rows[:, kept]
    return Course(
        epochs=kept + 1,
        median=np.nanmedian(rows, axis=0),
        lowest=np.nanmin(rows, axis=0),
        highest=np.nanmax(rows, axis=0),
        n_folds=there[:, kept].sum(axis=0),
    )


def last_epochs(cell: Cell) -> list[int]:
    """Return the number of epochs of each fold that has a history."""
    return [len(outcome.history) for outcome in cell.folds if outcome.history]


def movement_of(cell: Cell) -> Movement | None:
    """Compare the ranges of divergence and cross-entropy; None where no fold has both."""
    moved = []
    for outcome in cell.folds:
        if len(outcome.history) < 2:
            continue
        keys = ("train_divergence_excess", "train_cross_entropy")
        if all(key in epoch for epoch in outcome.history for key in keys):
            columns = ([epoch[key] for epoch in outcome.history] for key in keys)
            moved.append([max(column) - min(column) for column in columns])
    if not moved:
        return None
    divergence, cross_entropy = (statistics.median(column) for column in zip(*moved, strict=True))
    lam = float(cell.parameters.get("lam", 0.4))
    weighted = lam * cross_entropy
    return Movement(
        divergence,
        cross_entropy,
        (1 - lam) * divergence / weighted if weighted else math.inf,
    )


def divergence_minimum(cell: Cell) -> float | None:
    """Compute the minimum of Eq. 2, log(1 + δ·M) / (β - 1); None where it is not known."""
    parameters = cell.parameters
    needed = ("beta", "delta", "align_dim")
    if parameters.get("distribution") != "softmax" or not all(key in parameters for key in needed):
        return None
    beta, delta, align_dim = (float(parameters[key]) for key in needed)
    return math.log1p(delta * align_dim) / (beta - 1) if beta > 1 else None
