"""The folds of a study's cells as input of the corrected t-test."""

from __future__ import annotations

import statistics

import numpy as np
from numpy.typing import NDArray

from reno_store.conclusions.corrected import Resamples
from reno_store.errors import ConclusionError
from reno_store.studies import Cell
from reno_store.studies.protocols import PROTOCOLS
from reno_store.studies.scores import Metric

__all__ = ["has_scores", "paired_differences", "resamples_of", "scores_of"]


def has_scores(cell: Cell, metric: Metric) -> bool:
    """Return whether a cell has a finite score for each fold."""
    return cell.computed and bool(np.isfinite(cell.scores(metric)).all())


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
        If a score is not finite, or seeds differ in their number of folds.
    """
    return resamples_of(_scores(cell, metric), cell, n_speakers=n_speakers)


def paired_differences(first: Cell, second: Cell, metric: Metric, *, n_speakers: int) -> Resamples:
    """Return, for each fold, the score of one cell minus that of another.

    A new seed makes new folds, except where each fold is one speaker: there it only changes
    the start of training, and J must not grow. Under ``loso`` the differences of a speaker
    are averaged over the seeds, and across corpora those of the only fold. Under ``speaker``
    with as many folds as speakers, where a fold does not name its speaker, all differences are
    kept for their variance, and J is the number of speakers.

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
    if _folds(first) != _folds(second):
        raise ConclusionError(
            f"{_name(first)} and {_name(second)} cannot be paired: they were not scored on the "
            "same folds. Cells of one study share their folds; compute the study again."
        )
    differences = _scores(first, metric) - _scores(second, metric)
    return resamples_of(differences, first, n_speakers=n_speakers)


def resamples_of(values: NDArray[np.float64], cell: Cell, *, n_speakers: int) -> Resamples:
    """Return numbers of the folds of a cell, seed by seed, as resamples.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_seeds, n_folds) or (n_seeds * n_folds,)
        One number per fold.
    cell : Cell
        The cell whose folds they are.
    n_speakers : int
        Speakers of the dataset; see `paired_differences`.
    """
    values = values.reshape(len(cell.outcomes), -1)
    protocol, (n_seeds, n_folds) = PROTOCOLS[cell.protocol], values.shape
    taken, n_different = values.ravel(), n_seeds * n_folds
    if protocol.one_fold_a_speaker or protocol.across:
        taken, n_different = values.mean(axis=0), n_folds
    elif protocol.speaker_disjoint and n_folds == n_speakers:
        n_different = n_folds
    ratio = statistics.fmean(fold.score.n_test / fold.score.n_train for fold in cell.folds)
    return Resamples(tuple(taken.tolist()), ratio, n_different)


def _scores(cell: Cell, metric: Metric) -> NDArray[np.float64]:
    """Return the scores of the folds, shape (n_seeds, n_folds)."""
    scores = np.array(cell.scores(metric))
    if len(set(map(len, cell.outcomes))) > 1 or not np.isfinite(scores).all():
        raise ConclusionError(
            f"{_name(cell)}: expected a number in [0, 1] for each fold, as many with each seed; "
            f"got {metric} {scores.tolist()}. Compute the study again, or compare by another "
            "metric."
        )
    return scores.reshape(len(cell.outcomes), -1)


def _folds(cell: Cell) -> tuple[object, ...]:
    """Return what cells that can be paired have in common."""
    tested = [
        [(fold.true, fold.score.n_train, fold.score.speaker) for fold in folds]
        for folds in cell.outcomes
    ]
    return cell.dataset, cell.protocol, cell.seeds, cell.labels, tested


def _name(cell: Cell) -> str:
    return f"{cell.dataset}, protocol {cell.protocol}, {cell.name} on {'+'.join(cell.models)}"
