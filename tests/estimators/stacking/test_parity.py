"""Each member of a stack is what its single fit gives."""

import numpy as np
import pytest
from factories.classifiers import CLASSIFIERS
from factories.stacked_fits import (
    FOLDS,
    POINTS,
    QUICK,
    RENO,
    X,
    Y,
    alone,
    assert_alike,
    assert_same_weights,
    grid,
)
from sklearn.base import clone

from reno_store.errors import TrainingError
from reno_store.estimators import FCNClassifier
from reno_store.estimators.together import fit_together


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_members_of_a_stack_are_what_single_fits_give(stacked, name):
    points = [{}, {"dropout": 0.1}, {"random_state": 3}, {"class_weight": "balanced"}]
    points += POINTS[1:] if name == "reno" else []
    estimators, rows = grid(clone(CLASSIFIERS[name]).set_params(**QUICK), points)
    found = fit_together(estimators, X, Y, rows)
    assert stacked == [len(estimators)]
    for estimator, own, fitted in zip(estimators, rows, found, strict=True):
        assert fitted is estimator
        assert_alike(fitted, alone(estimator, own))


def test_one_member_is_equal_to_rounding(stacked):
    (found,) = fit_together([clone(RENO)], X, Y, FOLDS[:1])
    assert stacked == [1]
    assert_alike(found, alone(RENO, FOLDS[0]), tolerance=1e-4)


def test_in_float64_whole_fits_are_equal_to_rounding(stacked, in_float64):
    """Where rounding is small nothing else is left: weights, batches, dropout, Adam."""
    estimators, rows = grid(RENO, [*POINTS, {"class_weight": "balanced"}])
    found = fit_together(estimators, X, Y, rows)
    assert stacked == [len(estimators)]
    for fitted, own in zip(found, rows, strict=True):
        assert_same_weights(fitted, alone(fitted, own), tolerance=1e-8)


@pytest.mark.slow
def test_in_float64_fits_of_real_embeddings_are_equal_to_rounding(stacked, in_float64, real):
    data, labels, reno, folds = real
    estimators, rows = grid(reno.set_params(max_epochs=2), POINTS[:2], folds[:2])
    found = fit_together(estimators, data, labels, rows)
    assert stacked == [4]
    for fitted, own in zip(found, rows, strict=True):
        expected = clone(fitted).fit(data[own], labels[own])
        assert_same_weights(fitted, expected, tolerance=1e-6)


def test_members_stop_early_each_at_its_own_epoch_with_its_best_weights(stacked):
    y = np.random.default_rng(1).integers(0, 3, 60)  # nothing to learn, so it soon overfits
    point = {"lr": 0.01, "max_epochs": 12, "batch_size": 10, "dropout": 0.0, "random_state": 0}
    estimators = [
        FCNClassifier(**point, n_iter_no_change=patience, validation_fraction=fraction)
        for patience in (1, 3, 20)
        for fraction in (0.1, 0.3)
    ]
    rows = [FOLDS[i % 3] for i in range(6)]
    found = fit_together(estimators, X, y, rows)
    expected = [clone(e).fit(X[own], y[own]) for e, own in zip(estimators, rows, strict=True)]
    assert stacked == [6]
    assert len({fitted.n_epochs_ for fitted in expected}) > 2, "else this test shows nothing"
    assert any(fitted.best_epoch_ < fitted.n_epochs_ for fitted in expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert_alike(ours, theirs)


def test_members_without_early_stopping_end_with_their_last_weights(stacked):
    estimators = [
        clone(RENO).set_params(early_stopping=flag, max_epochs=n)
        for flag, n in ((False, 2), (True, 4), (False, 5))
    ]
    found = fit_together(estimators, X, Y, FOLDS)
    assert stacked == [3]
    for estimator, own, fitted in zip(estimators, FOLDS, found, strict=True):
        assert_alike(fitted, alone(estimator, own))


def test_speakers_are_held_out_whole_as_in_single_fits(stacked):
    speakers = np.array([f"speaker {i // 6}" for i in range(60)])
    estimators, rows = grid(RENO, POINTS[:2])
    found = fit_together(estimators, X, Y, rows, speakers)
    for estimator, own, fitted in zip(estimators, rows, found, strict=True):
        assert_alike(fitted, alone(estimator, own, groups=speakers))
    assert any(
        ours.history_[0]["valid_cross_entropy"]
        != alone(ours, own).history_[0]["valid_cross_entropy"]
        for ours, own in zip(found, rows, strict=True)
    ), "else groups made no difference"


def test_other_shapes_get_stacks_of_their_own(stacked):
    points = [{}, {"n_tokens": 3}, {"lr": 0.01}, {"batch_size": 16}, {"n_heads": 4}, {"beta": 4.0}]
    estimators, rows = grid(RENO, points, FOLDS[:1])
    found = fit_together(estimators, X, Y, rows)
    assert sorted(stacked) == [1, 1, 1, 1, 2]
    for estimator, fitted in zip(estimators, found, strict=True):
        # Rounding may change which of two almost equal numbers is a window's maximum.
        assert_alike(fitted, alone(estimator, FOLDS[0]), tolerance=1e-2)


def test_a_member_that_diverges_leaves_alone(stacked):
    estimators = [clone(RENO) for _ in range(3)]
    spoilt = X.copy()
    spoilt[FOLDS[2][0]] = 3e38  # whose products are no numbers
    rows = [np.setdiff1d(own, FOLDS[2][:1]) for own in FOLDS[:2]] + [FOLDS[2]]
    found = fit_together(estimators, spoilt, Y, rows)
    assert stacked == [3]
    assert isinstance(found[2], TrainingError)
    assert "diverged" in str(found[2])
    assert not hasattr(estimators[2], "classes_")
    for fitted, own in zip(found[:2], rows, strict=False):
        assert_alike(fitted, alone(RENO, own))


def test_a_huge_learning_rate_is_told_as_by_a_single_fit(stacked):
    estimator = clone(RENO).set_params(lr=1e30)
    found = fit_together([estimator, clone(RENO)], X, Y, FOLDS[:2])
    with pytest.raises(TrainingError) as expected:
        alone(estimator, FOLDS[0])
    assert str(found[0]) == str(expected.value)
    assert found[1].n_epochs_ == 3


@pytest.mark.slow
def test_stacks_of_real_embeddings_score_as_single_fits_do_on_average(stacked, real):
    """Rounding grows two and a half times a step, so fits of 20 epochs agree in no more."""
    data, labels, reno, folds = real
    points = [{"random_state": seed} for seed in range(2)]
    estimators, rows = grid(reno, points, folds)
    found = fit_together(estimators, data, labels, rows)
    assert sum(stacked) == 10
    scores = []
    for fitted, own in zip(found, rows, strict=True):
        test = np.setdiff1d(np.arange(len(data)), own)
        expected = clone(fitted).fit(data[own], labels[own])
        scores.append([each.score(data[test], labels[test]) for each in (fitted, expected)])
    differences = np.subtract(*np.transpose(scores))
    assert abs(differences.mean()) < 3 * max(differences.std() / np.sqrt(10), 0.005)
