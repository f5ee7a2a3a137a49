"""From the folds of a study's cells to what the corrected t-test takes."""

from __future__ import annotations

import math
import statistics

import numpy as np
from numpy.typing import NDArray

from reno_store.conclusions.corrected import Resamples
from reno_store.errors import ConclusionError
from reno_store.studies import Cell
from reno_store.studies.protocols import PROTOCOLS, Protocol
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = ["cell_name", "paired_differences", "resamples_of", "scores_of"]


def cell_name(cell: Cell) -> str:
    """Name a cell in an error."""
    return f"{cell.dataset}, protocol {cell.protocol}, {cell.estimator} on {'+'.join(cell.models)}"


def scores_of(cell: Cell, metric: Metric, *, n_speakers: int) -> Resamples:
    """Take a cell's scores.

    Parameters
    ----------
    cell : Cell
        A computed one.
    metric : str
        Which score.
    n_speakers : int
        Speakers of the dataset, see `paired_differences`.

    Raises
    ------
    ConclusionError
        If a score is not finite.
    """
    return _resamples(_score_grid(cell, metric), cell, n_speakers)


def paired_differences(first: Cell, second: Cell, metric: Metric, *, n_speakers: int) -> Resamples:
    """Take, fold by fold, the score of one cell minus that of another.

    Another seed makes other folds, but not where each fold is one speaker: then it only
    starts training elsewhere, and J must not grow with it. Under ``loso`` the differences
    of a speaker are averaged over the seeds. Under ``speaker`` with as many folds as
    speakers, where a fold does not say whose it is, all differences are kept for their
    variance, and J is the number of speakers.

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
    differences = _score_grid(first, metric) - _score_grid(second, metric)
    return _resamples(differences, first, n_speakers)


def resamples_of(
    values: NDArray[np.float64], protocol: Protocol, ratio: float, *, n_speakers: int
) -> Resamples:
    """Take a number a seed and fold; see `paired_differences` for what seeds count.

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
    """Arrange a number a seed (row) and fold (column)."""
    ratio = statistics.fmean(fold.score.n_test / fold.score.n_train for fold in cell.folds)
    return resamples_of(grid, PROTOCOLS[cell.protocol], ratio, n_speakers=n_speakers)


def _score_grid(cell: Cell, metric: Metric) -> NDArray[np.float64]:
    """Each fold's score, shape (n_seeds, n_folds)."""
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
    """Refuse cells that did not test the same clips in each fold."""
    both = f"{cell_name(first)} and {cell_name(second)}"
    advice = "Cells of one study share their folds; compute the study again."
    for what in ("dataset", "protocol", "seeds", "labels"):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            raise ConclusionError(
                f"{both} cannot be paired: expected the same {what}, got {ours} and {theirs}. "
                f"{advice}"
            )
    for seed, ours, theirs in zip(first.seeds, first.outcomes, second.outcomes, strict=True):
        if len(ours) != len(theirs):
            raise ConclusionError(
                f"{both} cannot be paired: with seed {seed}, expected the same number of folds, "
                f"got {len(ours)} and {len(theirs)}. {advice}"
            )
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True), start=1):
            for what in ("n_test", "n_train", "speaker"):
                got = getattr(one.score, what), getattr(other.score, what)
                if got[0] != got[1]:
                    raise ConclusionError(
                        f"{both} cannot be paired: in fold {number} of seed {seed}, expected the "
                        f"same {what}, got {got[0]!r} and {got[1]!r}. {advice}"
                    )
            if one.true != other.true:
                raise ConclusionError(
                    f"{both} cannot be paired: in fold {number} of seed {seed}, expected the same "
                    f"clips on the test side, got clips with other labels. {advice}"
                )
