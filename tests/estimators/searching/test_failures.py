"""Grids that are refused, and candidates that fail."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from factories.classifiers import QUICK, easy_data
from factories.results_alike import assert_same_results
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.errors import SearchError, TrainingError
from reno_store.estimators import FCNClassifier, RENOClassifier
from reno_store.estimators.searching import RENOGridSearchCV

pytestmark = pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
RENO = RENOClassifier(block_sizes=(14, 10), n_tokens=4, align_dim=8, **QUICK)


@pytest.fixture(scope="module")
def data():
    return easy_data()


@pytest.fixture
def untrained(monkeypatch):
    """Fail where anything is trained."""

    def fail(*_):
        raise AssertionError("trained")

    monkeypatch.setattr("reno_store.estimators.base.EmbeddingClassifier._fit", fail)


@pytest.mark.usefixtures("untrained")
class TestRefused:
    @pytest.mark.parametrize("grid", [{}, [], [{}]])
    def test_an_empty_grid(self, grid, data):
        with pytest.raises(SearchError, match="at least one parameter with a list of values"):
            RENOGridSearchCV(RENO, grid).fit(*data)

    def test_a_parameter_without_values(self, data):
        with pytest.raises(ValueError, match="non-empty sequence"):
            RENOGridSearchCV(RENO, {"beta": []}).fit(*data)

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [("betta", "beta"), ("lamb", "lam"), ("max_epoch", "max_epochs")],
    )
    def test_a_parameter_that_does_not_exist(self, name, nearest, data):
        with pytest.raises(SearchError, match=f"no parameter {name!r} .did you mean {nearest!r}"):
            RENOGridSearchCV(RENO, {"beta": [2.0], name: [1]}).fit(*data)

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("renoclassifier__betta", "renoclassifier__beta"),
            ("beta", "renoclassifier__beta"),
            ("betta", "renoclassifier__beta"),
            ("renoclasifier__lam", "renoclassifier__lam"),
            ("with_mean", "standardscaler__with_mean"),
        ],
    )
    def test_a_parameter_that_no_step_has(self, name, nearest, data):
        pipeline = make_pipeline(StandardScaler(), RENO)
        with pytest.raises(SearchError, match=f"{name!r} .did you mean {nearest!r}"):
            RENOGridSearchCV(pipeline, [{"renoclassifier__lam": [0.2]}, {name: [2]}]).fit(*data)

    def test_a_name_that_is_no_string(self, data):
        with pytest.raises(SearchError, match=r"no parameter 1; 'betta' .did you mean"):
            RENOGridSearchCV(RENO, {1: [2], "betta": [2.0]}).fit(*data)

    def test_a_class_in_place_of_an_estimator(self, data):
        with pytest.raises(SearchError, match=r"an instance, such as FCNClassifier\(\.\.\.\)"):
            RENOGridSearchCV(FCNClassifier, {"lr": [0.1]}).fit(*data)

    def test_all_that_are_wrong_are_told_at_once(self, data):
        with pytest.raises(SearchError, match=r"'betta' .*'lamm' .*It has: align_dim, "):
            RENOGridSearchCV(RENO, {"betta": [2], "lamm": [1], "delta": [0]}).fit(*data)

    @pytest.mark.parametrize("max_memory", [0, -1, 1.5, "2GB", True])
    def test_memory_that_is_no_number_of_bytes(self, max_memory, data):
        with pytest.raises(SearchError, match="whole number of bytes"):
            RENOGridSearchCV(RENO, {"lam": [0.2]}, max_memory=max_memory).fit(*data)

    def test_a_setting_that_scikit_learn_refuses(self, data):
        with pytest.raises(ValueError, match="return_train_score"):
            RENOGridSearchCV(RENO, {"lam": [0.2]}, return_train_score="yes").fit(*data)


FAILING = {"beta": [0.5, 2.0], "lam": [0.2, 0.8]}


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scoring", ["neg_log_loss", ["accuracy", "neg_log_loss"]])
def test_a_candidate_that_fails_gets_the_error_score_and_the_others_go_on(scoring, n_jobs, data):
    found = []
    for kind in (RENOGridSearchCV, GridSearchCV):
        search = kind(
            RENO,
            FAILING,
            cv=2,
            scoring=scoring,
            refit=False,
            error_score=-9.0,
            return_train_score=True,
            n_jobs=n_jobs,
        )
        with pytest.warns(FitFailedWarning, match="4 fits failed out of a total of 8") as warned:
            found.append(search.fit(*data))
        (told,) = [str(each.message) for each in warned if each.category is FitFailedWarning]
        assert "4 fits failed with the following error" in told
        assert "beta must be a number above 1, got 0.5" in told
    assert_same_results(found[0].cv_results_, found[1].cv_results_)


def test_a_candidate_that_diverges_is_ranked_last(data):
    X, y = data
    grid = {"lr": [1e-3, 1e30]}
    with pytest.warns(FitFailedWarning, match="training diverged"):
        search = RENOGridSearchCV(FCNClassifier(**QUICK), grid, cv=2).fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    assert search.cv_results_["rank_test_score"].tolist() == [1, 2]
    assert search.best_params_ == {"lr": 1e-3}


def test_a_failure_is_raised_where_that_is_asked(data):
    search = RENOGridSearchCV(FCNClassifier(**QUICK), {"lr": [1e-3, 1e30]}, error_score="raise")
    with pytest.raises(TrainingError, match="training diverged"):
        search.fit(*data)
    assert not hasattr(search, "cv_results_")


def test_where_all_fail_the_search_fails(data):
    search = RENOGridSearchCV(RENO, {"beta": [0.5, 0.9]}, cv=2)
    with pytest.raises(ValueError, match="All the 4 fits failed"):
        search.fit(*data)


def test_a_split_whose_preprocessing_fails_takes_its_candidates_with_it(data):
    X, y = data

    class Picky(StandardScaler):
        def fit(self, X, y=None):
            if np.isclose(X, first).all(axis=1).any():
                raise ValueError("not this row")
            return super().fit(X, y)

    first = X[0]
    pipeline = make_pipeline(Picky(), FCNClassifier(**QUICK))
    grid = {"fcnclassifier__lr": [1e-3, 1e-2]}
    found = []
    for kind in (RENOGridSearchCV, GridSearchCV):
        search = kind(pipeline, grid, cv=2, refit=False, scoring="neg_log_loss")
        with pytest.warns(FitFailedWarning, match="2 fits failed with the following"):
            found.append(search.fit(X, y).cv_results_)
    assert_same_results(*found)
    assert np.isfinite(found[0]["split0_test_score"]).all()
    assert np.isnan(found[0]["split1_test_score"]).all()


def test_splits_that_are_none_are_refused(data):
    with pytest.raises(SearchError, match="no splits"):
        RENOGridSearchCV(RENO, {"lam": [0.2]}, cv=iter([])).fit(*data)


def test_the_bar_counts_those_that_are_refused_before_they_are_fitted(data, monkeypatch):
    X, y = data
    names = [f"a:{i}" for i in range(14)] + [f"b:{i}" for i in range(10)]
    table = pd.DataFrame(X, columns=names)
    told = []

    class Told:
        def advance(self, n=1, *, work=None):
            told.append(n)

        def rename(self, description):
            pass

    monkeypatch.setattr(
        "reno_store.estimators.searching.candidates.counting", lambda *_, **__: nullcontext(Told())
    )
    grid = {"block_sizes": [(14, 10), (1, 1)]}
    search = RENOGridSearchCV(RENO, grid, cv=2, refit=False)
    with pytest.warns(FitFailedWarning, match="block_sizes"):
        search.fit(table, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert sum(told) == 4
