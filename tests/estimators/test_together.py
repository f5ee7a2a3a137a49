"""Many classifiers in one go: each as its own fit would leave it, stacked or in processes."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from factories.stacked_fits import FOLDS, POINTS, QUICK, RENO, X, Y, alone, assert_alike, grid
from joblib import parallel_config
from sklearn.base import clone

from reno_store.estimators import FCNClassifier
from reno_store.estimators.stacking import loop
from reno_store.estimators.together import fit_together


class Told(list):
    """What a counter is told: pieces finished, and work done."""

    def advance(self, n=1, *, work=None):
        self.append((n, n if work is None else work))


def test_columns_keep_their_names(stacked):
    names = [f"a:{i}" for i in range(14)] + [f"b:{i}" for i in range(10)]
    table = pd.DataFrame(X, columns=names)
    estimator = clone(RENO).set_params(block_sizes=None)
    (found,) = fit_together([estimator], table, Y, FOLDS[:1])
    assert stacked == [1]
    assert found.feature_names_in_.tolist() == names
    assert found.block_sizes_ == (14, 10)
    plain = clone(estimator).fit(table.iloc[FOLDS[0]], Y[FOLDS[0]])
    difference = found.predict_proba(table) - plain.predict_proba(table)
    assert np.abs(difference).max() < 1e-4


def test_what_cannot_be_stacked_is_fitted_plainly(stacked):
    class Other(FCNClassifier):
        def _network(self, n_features):
            made = super()._network(n_features)
            return type("OtherFCN", (type(made),), {})(n_features, len(self.classes_))

    estimators = [
        clone(RENO).set_params(random_state=np.random.RandomState(1)),
        Other(**QUICK),
        clone(RENO),
    ]
    found = fit_together(estimators, X, Y, [FOLDS[0]] * 3)
    assert stacked == [1]
    assert [fitted is each for fitted, each in zip(found, estimators, strict=True)] == [True] * 3
    plain = clone(RENO).set_params(random_state=np.random.RandomState(1))
    plain.fit(X[FOLDS[0]], Y[FOLDS[0]])
    assert found[0].predict_proba(X).tobytes() == plain.predict_proba(X).tobytes()


def test_wrong_members_are_told_and_the_others_go_on(stacked):
    one_class = np.flatnonzero(Y[0] == Y)
    estimators = [clone(RENO).set_params(beta=0.5), clone(RENO), clone(RENO)]
    found = fit_together(estimators, X, Y, [FOLDS[0], one_class, FOLDS[0]])
    assert "beta must be a number above 1" in str(found[0])
    assert "at least 2 classes" in str(found[1])
    assert not any(name.endswith("_") for name in (*vars(estimators[0]), *vars(estimators[1])))
    assert_alike(found[2], alone(RENO, FOLDS[0]))


@pytest.mark.parametrize(("is_stacked", "n_jobs"), [(True, 1), (False, 1), (False, 2)])
def test_ctrl_c_passes_through_and_leaves_nothing_fitted(request, is_stacked, n_jobs):
    if is_stacked:
        request.getfixturevalue("stacked")
    estimators, rows = grid(RENO, [{"max_epochs": 1}, {"max_epochs": 9}])
    told = []

    class Impatient:
        def advance(self, n=1, *, work=None):
            told.extend([n] * n)
            if len(told) == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_together(estimators, X, Y, rows, n_jobs=n_jobs, counter=Impatient())
    assert len(told) == 4
    assert not any(name.endswith("_") for each in estimators for name in vars(each))


@pytest.mark.parametrize("is_stacked", [True, False])
def test_each_finished_estimator_is_counted_once(request, is_stacked):
    if is_stacked:
        request.getfixturevalue("stacked")
    told = Told()
    points = [{}, {"beta": 0.5}, {"distribution": None}, {"lam": 1}, {"lam": 1, "beta": 3.0}]
    estimators, rows = grid(RENO, points)
    fit_together(estimators, X, Y, rows, counter=told)
    assert [n for n, _ in told if n] == [1] * len(estimators)
    assert sum(work for _, work in told) == pytest.approx(len(estimators))


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_each_outcome_is_told_while_others_are_to_come(n_jobs):
    told = []

    def finished(place, outcome):
        told.append((place, outcome, [hasattr(each, "network_") for each in estimators]))

    estimators, rows = grid(RENO, [{}, {"beta": 0.5}], FOLDS[:2])
    found = fit_together(estimators, X, Y, rows, n_jobs=n_jobs, finished=finished)
    assert [(place, outcome) for place, outcome, _ in told] == list(enumerate(found))
    assert told[0][2] == [True, False, False, False]


def test_what_is_told_may_end_the_call():
    def finished(place, outcome):
        raise OSError("disk full")

    estimators, rows = grid(RENO, [{}], FOLDS[:2])
    with pytest.raises(OSError, match="disk full"):
        fit_together(estimators, X, Y, rows, finished=finished)
    assert not any(name.endswith("_") for each in estimators for name in vars(each))


def test_a_stacks_epochs_are_told_before_it_is_finished(stacked):
    told = Told()
    estimators, rows = grid(RENO, [{}, {"beta": 3.0}], FOLDS[:2])
    fit_together(estimators, X, Y, rows, counter=told)
    before = told[: [n for n, _ in told].index(1)]
    assert sum(work for _, work in before) == pytest.approx(len(estimators))
    assert len(before) == 3 * len(estimators)


def test_a_stack_that_begins_anew_does_not_tell_its_epochs_twice(stacked, monkeypatch):
    whole, n_steps = loop.Stack.step, []

    def starved(self, rows, *arguments):
        n_steps.append(len(rows))
        if len(rows) == 2 and len(n_steps) > 6:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, rows, *arguments)

    monkeypatch.setattr(loop.Stack, "step", starved)
    told = Told()
    fit_together([clone(RENO) for _ in range(2)], X, Y, FOLDS[:2], counter=told)
    assert stacked == [2, 1, 1]
    assert sum(work for _, work in told) == pytest.approx(2)
    assert all(work >= 0 for _, work in told)


def test_torchs_state_is_pinned_and_put_back(stacked):
    before = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            (found,) = fit_together([clone(RENO)], X, Y, FOLDS[:1])
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), before)
    assert_alike(found, alone(RENO, FOLDS[0]))


def test_on_a_cpu_results_are_single_fits_to_the_last_bit_whatever_n_jobs():
    estimators, rows = grid(RENO, [{}, {"beta": 0.5}])
    found = {
        n_jobs: fit_together([clone(each) for each in estimators], X, Y, rows, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    }
    for ours, theirs in zip(found[1], found[2], strict=True):
        if isinstance(ours, Exception):
            assert str(ours) == str(theirs)
        else:
            assert ours.predict_proba(X).tobytes() == theirs.predict_proba(X).tobytes()
    expected = alone(estimators[0], rows[0])
    assert found[2][0].predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()
    assert "beta must be a number above 1" in str(found[2][-1])


def test_processes_pass_warnings_on_and_leave_a_callers_generator_to_this_one():
    labels = np.arange(60)  # a class a row
    state = np.random.RandomState(0)
    estimators = [
        FCNClassifier(max_epochs=1, random_state=0),
        FCNClassifier(max_epochs=1, random_state=state),
        FCNClassifier(max_epochs=1, random_state=1),
        FCNClassifier(max_epochs=1, random_state=state),
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fit_together(estimators, X, labels, [np.arange(60)] * 4, n_jobs=2)
    assert sum("single row" in str(each.message) for each in caught) == 4
    assert found[1].random_state is state
    again = np.random.RandomState(0)
    for i in (1, 3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = FCNClassifier(max_epochs=1, random_state=again).fit(X, labels)
        assert found[i].predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()


def test_on_joblibs_threads_fits_are_those_of_processes():
    estimators = [clone(RENO), clone(RENO).set_params(beta=3.0)]
    with parallel_config(backend="threading"):
        found = fit_together(estimators, X, Y, FOLDS[:2], n_jobs=2)
    for fitted, own in zip(found, FOLDS, strict=False):
        expected = alone(fitted, own)
        assert fitted.predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()


def test_as_many_rows_as_estimators_are_asked_for():
    with pytest.raises(ValueError, match="got 2 for 1 estimators"):
        fit_together([clone(RENO)], X, Y, FOLDS[:2])


def test_nothing_to_fit_gives_nothing():
    assert fit_together([], X, Y, []) == []


@pytest.mark.slow
def test_on_a_cpu_real_embeddings_give_the_predictions_of_single_fits(real):
    data, labels, reno, folds = real
    estimators, rows = grid(reno, POINTS[:2], folds[:2])
    for fitted, own in zip(
        fit_together(estimators, data, labels, rows, n_jobs=2), rows, strict=True
    ):
        expected = clone(fitted).fit(data[own], labels[own])
        assert fitted.predict_proba(data).tobytes() == expected.predict_proba(data).tobytes()
