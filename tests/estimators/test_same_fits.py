"""Fits that would repeat another to the last bit are done once."""

import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS
from factories.stacked_fits import FOLDS, QUICK, RENO, X, Y, alone
from sklearn.base import clone

from reno_store.errors import TrainingError
from reno_store.estimators import RENOClassifier, base
from reno_store.estimators.same_fits import first_of_same
from reno_store.estimators.together import fit_together

ONE = clone(RENO).set_params(lam=1)


@pytest.fixture
def trained(monkeypatch):
    """Count the networks that are trained."""
    calls, whole = [], base.train

    def counted(network, *arguments):
        calls.append(network)
        return whole(network, *arguments)

    monkeypatch.setattr(base, "train", counted)
    return calls


def changed(estimator, *changes):
    return [clone(estimator).set_params(**each) for each in changes]


def firsts(estimators, rows=None):
    return first_of_same(estimators, rows or [FOLDS[0]] * len(estimators))


@pytest.mark.parametrize(
    ("estimator", "changes"),
    [
        (ONE, [{}, {"beta": 1.5}, {"delta": 0.0}, {"beta": 9.0, "distribution": None}]),
        (ONE, [{}, {"lam": 1.0, "beta": 3.0}]),
        (clone(RENO).set_params(attention=False), [{}, {"n_heads": 7}, {"norm": "post"}]),
        (
            clone(RENO).set_params(early_stopping=False),
            [{}, {"n_iter_no_change": 1}, {"validation_fraction": 0.5}],
        ),
        *[(CLASSIFIERS[name], [{"random_state": 1}] * 2) for name in CLASSIFIERS],
    ],
)
def test_one_is_trained_and_each_is_what_its_own_fit_gives(estimator, changes, trained):
    estimators = changed(clone(estimator).set_params(max_epochs=2), *changes)
    found = fit_together(estimators, X, Y, [FOLDS[0]] * len(estimators))
    assert len(trained) == 1
    for fitted, change in zip(found, changes, strict=True):
        expected = alone(fitted, FOLDS[0])
        assert fitted.get_params().items() >= change.items()
        assert fitted.predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()
        assert set(vars(fitted)) == set(vars(expected))
        for ours, theirs in zip(fitted.history_, expected.history_, strict=True):
            assert ours | {"seconds": 0} == theirs | {"seconds": 0}


def test_nothing_is_shared():
    first, second = fit_together(changed(ONE, {}, {"beta": 3.0}), X, Y, [FOLDS[0]] * 2)
    before = second.predict_proba(X)
    with torch.no_grad():
        for weights in first.network_.parameters():
            weights.zero_()
    first.history_[0]["epoch"] = -1
    first.classes_[0] = 99
    assert second.predict_proba(X).tobytes() == before.tobytes()
    assert second.history_[0]["epoch"] == 1
    assert 99 not in second.classes_


def test_in_a_stack_too(stacked):
    estimators = changed(ONE, {}, {"beta": 3.0}, {"lam": 0.5})
    found = fit_together(estimators, X, Y, [FOLDS[0]] * 3)
    assert stacked == [2]
    assert found[0].predict_proba(X).tobytes() == found[1].predict_proba(X).tobytes()


def test_in_processes_too(trained):
    estimators = changed(clone(ONE).set_params(attention=False), {}, {"beta": 2.5}, {"lam": 0.5})
    found = fit_together(estimators, X, Y, [FOLDS[0]] * 3, n_jobs=2)
    assert not trained
    assert found[0].predict_proba(X).tobytes() == found[1].predict_proba(X).tobytes()
    assert found[0].predict_proba(X).tobytes() != found[2].predict_proba(X).tobytes()


class Own(RENOClassifier):
    """May give a meaning to what has none in RENO."""


@pytest.mark.parametrize(
    "estimators",
    [
        changed(RENO, {}, {"beta": 3.0}),
        changed(clone(RENO).set_params(lam=0.999), {}, {"delta": 0.0}),
        changed(ONE, {}, {"random_state": 1}),
        changed(ONE, {}, {"n_heads": 4}),
        changed(ONE, {}, {"n_iter_no_change": 3}),
        changed(ONE, {"random_state": None}, {"random_state": None}),
        changed(ONE, {"random_state": np.random.RandomState(0)}) * 2,
        changed(ONE, {"verbose": 1}, {"verbose": 1}),
        changed(ONE, {"beta": 0.5}, {"beta": 0.5}),
        [Own(lam=1, **QUICK), Own(lam=1, beta=3.0, **QUICK)],
        [RENOClassifier(lam=1, **QUICK), Own(lam=1, **QUICK)],
    ],
)
def test_what_may_differ_is_fitted_itself(estimators):
    assert firsts(estimators) == [0, 1]


def test_rows_make_a_fit():
    assert firsts(changed(ONE, {}, {}, {}), [FOLDS[0], FOLDS[1], FOLDS[0]]) == [0, 1, 0]
    assert firsts(changed(ONE, {}, {}), [FOLDS[0], FOLDS[0][::-1]]) == [0, 1]


def test_a_value_that_would_be_refused_is_refused_though_it_plays_no_part(trained):
    found = fit_together(changed(ONE, {}, {"beta": 0.5}), X, Y, [FOLDS[0]] * 2)
    assert len(trained) == 1
    assert "beta must be a number above 1" in str(found[1])


def test_all_get_the_error_of_one(trained):
    estimators = changed(clone(ONE).set_params(lr=1e30), {}, {"beta": 3.0})
    found = fit_together(estimators, X, Y, [FOLDS[0]] * 2)
    assert len(trained) == 1
    assert all(isinstance(each, TrainingError) for each in found)
    assert not any(name.endswith("_") for each in estimators for name in vars(each))
