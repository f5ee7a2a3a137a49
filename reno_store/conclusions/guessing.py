"""Whether cells beat guessing: each against the majority rate of its own folds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.conclusions.corrected import LEVEL, ROUNDING, adjust_holm, paired_test
from reno_store.conclusions.resampling import has_scores, resamples_of, scores_of
from reno_store.studies import Cell, Study
from reno_store.studies.scores import Metric

__all__ = ["Standing", "guessing_scores", "standings_of"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A cell's score next to that of guessing.

    Attributes
    ----------
    cell : Cell
        A computed cell.
    metric : str
        Which score.
    score : float
        Mean over the folds of all seeds, in [0, 1].
    interval : tuple[float, float]
        95 % confidence interval of the score, cut off at 0 and 1; NaN for a single fold, and
        where all folds have the same score.
    guessing : float
        Mean score of guessing on the same folds; see `guessing_scores`.
    p, p_holm : float
        Two-sided p of the paired corrected test of the score against guessing, alone and adjusted
        (Holm) for the cells of the same dataset and protocol. NaN where there is no spread.
    beats_guessing : bool or None
        Whether the score is higher at 5 % after the adjustment. None where it is higher and cannot
        be tested, for want of a second fold or of any spread.
    """

    cell: Cell
    metric: Metric
    score: float
    interval: tuple[float, float]
    guessing: float
    p: float
    p_holm: float
    beats_guessing: bool | None


def guessing_scores(cell: Cell, metric: Metric) -> NDArray[np.float64]:
    """Return what guessing scores on each fold of a cell.

    For accuracy, the guess is always the most frequent label of all clips. Macro-F1 and balanced
    accuracy give all labels the same weight, so the reference is one over the number of labels
    that the fold tests: the expected score of guesses with the frequencies of the labels.

    Returns
    -------
    numpy.ndarray of float64, shape (n_folds over all seeds,)
        In [0, 1].
    """
    if metric != "accuracy":
        return np.array([1 / max(1, fold.score.n_labels) for fold in cell.folds])
    folds = [np.array(fold.true) for fold in cell.folds]
    most_frequent = np.bincount(np.concatenate(folds)).argmax()
    return np.array([np.mean(true == most_frequent) for true in folds])


def standings_of(study: Study, metric: Metric = "accuracy") -> tuple[Standing, ...]:
    """Test the score of each computed cell of a study against guessing.

    Parameters
    ----------
    study : Study
        Cells that were not computed, or have a score that is not finite, are left out.
    metric : str
        ``"accuracy"``, ``"macro_f1"`` or ``"balanced_accuracy"``.

    Returns
    -------
    tuple of Standing
        In the order of the cells.
    """
    cells = [cell for cell in study.cells if has_scores(cell, metric)]
    n_speakers = {each.name: each.n_speakers for each in study.datasets}
    guesses = [guessing_scores(cell, metric) for cell in cells]
    tests = [
        paired_test(
            resamples_of(
                np.array(cell.scores(metric)) - guess,
                cell,
                n_speakers=n_speakers[cell.dataset],
            )
        )
        for cell, guess in zip(cells, guesses, strict=True)
    ]
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        families[cell.dataset, cell.protocol].append(place)
    adjusted: dict[int, float] = {}
    for places in families.values():
        p_holm = adjust_holm([tests[place].p for place in places])
        adjusted |= dict(zip(places, p_holm, strict=True))
    return tuple(
        Standing(
            cell=cell,
            metric=metric,
            score=cell.mean(metric),
            interval=_interval(cell, metric, n_speakers[cell.dataset]),
            guessing=float(np.mean(guess)),
            p=test.p,
            p_holm=adjusted[place],
            beats_guessing=_beats(test.difference, adjusted[place]),
        )
        for place, (cell, guess, test) in enumerate(zip(cells, guesses, tests, strict=True))
    )


def _interval(cell: Cell, metric: Metric, n_speakers: int) -> tuple[float, float]:
    low, high = paired_test(scores_of(cell, metric, n_speakers=n_speakers)).interval
    return max(low, 0.0), min(high, 1.0)  # in this order, min and max keep a NaN


def _beats(difference: float, p_holm: float) -> bool | None:
    if difference <= ROUNDING:
        return False
    return None if np.isnan(p_holm) else p_holm <= LEVEL
