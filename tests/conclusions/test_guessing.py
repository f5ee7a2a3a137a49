"""Whether a cell beats guessing, against references written out and against scipy."""

import math
from dataclasses import replace

import numpy as np
import pytest
from factories.scored_studies import scored_cell, study_of
from scipy import stats

from reno_store.conclusions import standings_of

M, W = "mfcc", "wav2vec2-base"
SCORES = (0.30, 0.35, 0.30, 0.25, 0.30)
CHANCE = (0.05, 0.15, 0.10, 0.05, 0.15)


def standing(*cells, metric="accuracy", **settings):
    return standings_of(study_of(*cells, **settings), metric)


def with_labels(cell, folds):
    """The same cell, whose folds test these labels."""
    outcomes = tuple(
        replace(outcome, true=tuple(true), score=replace(outcome.score, n_labels=len(set(true))))
        for outcome, true in zip(cell.outcomes[0], folds, strict=True)
    )
    return replace(cell, outcomes=(outcomes,))


def test_the_interval_and_p_are_those_of_the_corrected_t_test():
    (found,) = standing(scored_cell([M], "svm", SCORES))
    mean, variance = np.mean(SCORES), np.var(SCORES, ddof=1)
    error = math.sqrt((1 / 5 + 20 / 80) * variance)
    assert found.score == pytest.approx(mean)
    assert found.guessing == pytest.approx(0.1)
    low, high = stats.t.interval(0.95, df=4, loc=mean, scale=error)
    assert found.interval == pytest.approx((low, high))
    assert found.p == pytest.approx(2 * stats.t.sf((mean - 0.1) / error, df=4))
    assert (found.p_holm, found.beats_guessing) == (found.p, True)


def test_scores_are_paired_with_guessing_on_the_same_fold():
    # The most frequent label of all clips, "a", is 3, 1, 2 of 4 clips of the folds.
    folds = [(0, 0, 0, 1), (0, 1, 2, 3), (0, 0, 1, 2)]
    cell = with_labels(scored_cell([M], "svm", (0.80, 0.35, 0.55)), folds)
    (found,) = standing(cell)
    assert found.guessing == pytest.approx(0.5)
    differences = np.array([0.05, 0.10, 0.05])
    error = math.sqrt((1 / 3 + 20 / 80) * differences.var(ddof=1))
    assert found.p == pytest.approx(2 * stats.t.sf(differences.mean() / error, df=2))


def test_chance_is_the_reference_of_scores_that_weigh_labels_alike():
    folds = [(0, 0, 0, 1), (0, 1, 2, 3), (0, 0, 1, 2)]
    cell = with_labels(scored_cell([M], "svm", (0.2, 0.3, 0.4)), folds)
    for metric in ("macro_f1", "balanced_accuracy"):
        (found,) = standing(cell, metric=metric)
        assert found.guessing == pytest.approx(np.mean([1 / 2, 1 / 4, 1 / 3]))


def test_p_is_adjusted_for_the_cells_of_the_dataset_and_protocol():
    weak = (0.16, 0.20, 0.12, 0.17, 0.15)
    alone, *_ = standing(scored_cell([M], "svm", weak))
    assert alone.beats_guessing
    among = standing(
        scored_cell([M], "svm", weak),
        scored_cell([M], "logreg", CHANCE),
        scored_cell([W], "svm", CHANCE),
        scored_cell([W], "svm", CHANCE, protocol="speaker"),
    )
    assert among[0].p_holm == pytest.approx(3 * alone.p)
    assert [each.beats_guessing for each in among] == [False] * 4


@pytest.mark.parametrize(
    ("scores", "beats"),
    [
        ((0.9,), None),
        ((0.05,), False),
        ((1.0,) * 5, None),
        ((0.1,) * 5, False),
        ((0.0,) * 5, False),
        ((0.01, 0.0, 0.02, 0.01, 0.0), False),
    ],
    ids=["one fold", "one bad fold", "no spread", "guesses", "no spread below", "below"],
)
def test_what_cannot_be_tested_is_not_decided(scores, beats):
    (found,) = standing(scored_cell([M], "svm", scores))
    assert found.beats_guessing is beats
    assert math.isnan(found.interval[0]) == (len(set(scores)) == 1)


def test_an_interval_stays_between_0_and_1():
    (found,) = standing(scored_cell([M], "svm", (0.0, 1.0, 0.5)))
    assert found.interval == (0, 1)


def test_five_seeds_of_the_same_speakers_are_four_folds():
    seeds = [(0.2, 0.3, 0.4, 0.5)] * 5
    (found,) = standing(scored_cell([M], "svm", *seeds, protocol="loso"), n_speakers=4)
    (once,) = standing(scored_cell([M], "svm", seeds[0], protocol="loso"), n_speakers=4)
    assert (found.p, found.interval) == (pytest.approx(once.p), pytest.approx(once.interval))
