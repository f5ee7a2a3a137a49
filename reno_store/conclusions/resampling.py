"""The folds of a study's cells as input of the corrected t-test."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reno_store.conclusions.corrected import Resamples
from reno_store.errors import ConclusionError
from reno_store.studies import Cell
from reno_store.studies.protocols import PROTOCOLS, Protocol
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = ["cell_name", "paired_differences", "resamples_of", "scores_of"]


def cell_name(cell: Cell) -> str:
    """Return what an error calls a cell."""
    return f"{cell.dataset}, protocol {cell.protocol}, {cell.name} on {'+'.join(cell.models)}"


def scores_of(cell: Cell, metric: Metric, *, n_speakers: int) -> Resamples:
    """Return a cell's scores as resamples.

    Parameters
    ----------
    cell : Cell
        A computed cell.
    metric : str
        Which score.
    n_speakers : int
        Speakers of the dataset; see `paired_differences`.

    Raises
    ------
    ConclusionError
        If a score is not finite.
    """
    return _resamples(_scores(cell, metric), cell, n_speakers)


def paired_differences(first: Cell, second: Cell, metric: Metric, *, n_speakers: int) -> Resamples:
    """Return, for each fold, the score of one cell minus that of another.

    A new seed makes new folds, except where each fold is one speaker: there it only changes
    the start of training, and J must not grow. Under ``loso`` the differences of a speaker
    are averaged over the seeds. Under ``speaker`` with as many folds as speakers, where a
    fold does not name its speaker, all differences are kept for their variance, and J is the
    number of speakers.

    Parameters
    ----------
    first, second : Cell
        Computed cells of one dataset and protocol.
    metric : str
        Which score.
    n_speakers : int
        Speakers of the dataset.

    Raises
    ------
    ConclusionError
        If the cells were not scored on the same folds, or a score is not finite.
    """
    _check_same_folds(first, second)
    differences = _scores(first, metric) - _scores(second, metric)
    return _resamples(differences, first, n_speakers)


def resamples_of(
    values: NDArray[np.float64], protocol: Protocol, ratio: float, *, n_speakers: int
) -> Resamples:
    """Return numbers per seed and fold as resamples.

    `paired_differences` describes how seeds count.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_seeds, n_folds)
        Scores, or differences of scores.
    protocol : Protocol
        How the folds were made.
    ratio : float
        n_test / n_train, the mean over the folds.
    n_speakers : int
        Speakers of the dataset.
    """
    n_seeds, n_folds = values.shape
    taken, n_different = values.ravel(), n_seeds * n_folds
    if protocol.one_fold_a_speaker:
        taken, n_different = values.mean(axis=0), n_folds
    elif protocol.speaker_disjoint and n_folds == n_speakers:
        n_different = n_folds
    return Resamples(tuple(taken.tolist()), ratio, n_different)


def _resamples(grid: NDArray[np.float64], cell: Cell, n_speakers: int) -> Resamples:
    ratio = statistics.fmean(fold.score.n_test / fold.score.n_train for fold in cell.folds)
    return resamples_of(grid, PROTOCOLS[cell.protocol], ratio, n_speakers=n_speakers)


def _scores(cell: Cell, metric: Metric) -> NDArray[np.float64]:
    """Return the scores of the folds, shape (n_seeds, n_folds)."""
    for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=True):
        for number, outcome in enumerate(outcomes, start=1):
            score = getattr(outcome.score, metric)
            if not math.isfinite(score):
                raise ConclusionError(
                    f"{cell_name(cell)}, seed {seed}, fold {number}: {METRIC_TITLES[metric]} is "
                    f"{score}; expected a number in [0, 1]. Compute the fold again, or compare "
                    "by another metric."
                )
    sizes = {len(outcomes) for outcomes in cell.outcomes}
    if len(sizes) != 1:
        raise ConclusionError(
            f"{cell_name(cell)}: expected as many folds with each seed, got "
            f"{', '.join(map(str, sorted(sizes)))}. Compute the study again."
        )
    return np.array(cell.scores(metric)).reshape(len(cell.outcomes), -1)


def _check_same_folds(first: Cell, second: Cell) -> None:
    """Raise an error if the cells did not test the same clips in each fold."""
    problem = next(_mismatches(first, second), "")
    if problem:
        raise ConclusionError(
            f"{cell_name(first)} and {cell_name(second)} cannot be paired: {problem}. Cells of one "
            "study share their folds; compute the study again."
        )


def _mismatches(first: Cell, second: Cell) -> Iterator[str]:
    for what in ("dataset", "protocol", "seeds", "labels"):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            yield f"expected the same {what}, got {ours} and {theirs}"
    for seed, ours, theirs in zip(first.seeds, first.outcomes, second.outcomes, strict=True):
        if len(ours) != len(theirs):
            yield (
                f"with seed {seed}, expected the same number of folds, got {len(ours)} and "
                f"{len(theirs)}"
            )
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
            where = f"in fold {number} of seed {seed}, expected the same"
            for what in ("n_test", "n_train", "speaker"):
                ours_, theirs_ = getattr(one.score, what), getattr(other.score, what)
                if ours_ != theirs_:
                    yield f"{where} {what}, got {ours_!r} and {theirs_!r}"
            if one.true != other.true:
                yield f"{where} clips on the test side, got clips with other labels"
