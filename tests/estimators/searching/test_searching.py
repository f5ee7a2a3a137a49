"""A search as an estimator: nested, copied, interrupted, routed to."""

import pickle

import numpy as np
import pytest
import sklearn
from factories.classifiers import CLASSIFIERS, QUICK, easy_data
from factories.results_alike import assert_same_results
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.estimators import FCNClassifier, RENOClassifier
from reno_store.estimators.searching import RENOGridSearchCV
from reno_store.runtime.progress import Counter

GRID = {"lr": [1e-4, 1e-2], "dropout": [0.0, 0.3]}
SPEAKERS = np.repeat([f"s{i}" for i in range(10)], 6)


@pytest.fixture(scope="module")
def data():
    return easy_data()


@pytest.fixture
def search():
    return RENOGridSearchCV(clone(CLASSIFIERS["fcn"]), GRID, cv=2, scoring="neg_log_loss")


def test_a_clone_finds_the_same(search, data):
    found = clone(search.fit(*data))
    assert not hasattr(found, "cv_results_")
    assert_same_results(found.fit(*data).cv_results_, search.cv_results_)


def test_parameters_are_those_of_grid_search_and_memory():
    ours, theirs = (
        set(kind(FCNClassifier(), GRID).get_params(deep=False))
        for kind in (RENOGridSearchCV, GridSearchCV)
    )
    assert theirs - ours == set()
    assert ours - theirs == {"max_memory"}


def test_parameters_of_the_classifier_are_set_through_the_search(search):
    search.set_params(estimator__max_epochs=1, cv=3)
    assert search.estimator.max_epochs == 1
    assert search.get_params()["estimator__max_epochs"] == 1


def test_a_fitted_search_survives_a_pickle(search, data):
    X, y = data
    copy = pickle.loads(pickle.dumps(search.fit(X, y)))
    assert copy.predict_proba(X).tobytes() == search.predict_proba(X).tobytes()
    assert_same_results(copy.cv_results_, search.cv_results_)


def test_what_needs_the_best_is_not_there_before_it(search, data):
    X, y = data
    with pytest.raises(NotFittedError):
        search.predict(X)
    search.set_params(refit=False).fit(X, y)
    assert not hasattr(search, "predict")
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]


def test_scores_of_nested_cross_validation_are_those_of_grid_search(data):
    X, y = data
    for n_jobs in (None, 2):
        ours, theirs = (
            cross_val_score(
                kind(FCNClassifier(**QUICK), GRID, cv=2, scoring="neg_log_loss"),
                X,
                y,
                cv=2,
                n_jobs=n_jobs,
            )
            for kind in (RENOGridSearchCV, GridSearchCV)
        )
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_a_search_within_a_pipeline(search, data):
    X, y = data
    expected = search.fit(StandardScaler().fit_transform(X), y).best_score_
    pipeline = make_pipeline(StandardScaler(), clone(search)).fit(X, y)
    assert pipeline[-1].best_score_ == pytest.approx(expected, abs=1e-6)
    assert pipeline.predict(X).shape == (60,)


@pytest.mark.parametrize("kind", [RENOGridSearchCV, GridSearchCV])
@pytest.mark.parametrize("behind", [False, True])
def test_routing_hands_speakers_to_folds_and_to_fits_alike(kind, behind, data, monkeypatch):
    X, y = data
    seen = []
    real = FCNClassifier._held_out

    def watched(self, targets, groups, seed):
        seen.append(None if groups is None else tuple(groups))
        return real(self, targets, groups, seed)

    monkeypatch.setattr(FCNClassifier, "_held_out", watched)
    with sklearn.config_context(enable_metadata_routing=True):
        fcn = FCNClassifier(**QUICK).set_fit_request(groups=True)
        estimator = make_pipeline(StandardScaler(), fcn) if behind else fcn
        grid = {"fcnclassifier__lr": GRID["lr"]} if behind else {"lr": GRID["lr"]}
        cv = StratifiedGroupKFold(2)
        search = kind(estimator, grid, cv=cv).fit(X, y, groups=SPEAKERS)
    trains = [tuple(SPEAKERS[train]) for train, _ in StratifiedGroupKFold(2).split(X, y, SPEAKERS)]
    assert seen == trains * 2 + [tuple(SPEAKERS)]
    assert search.n_splits_ == 2
    if kind is RENOGridSearchCV:
        assert (search.n_batched_, search.n_plain_) == (4, 0)


def test_routing_refuses_speakers_that_nobody_has_asked_for(search, data):
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(UnsetMetadataPassedError, match="groups"),
    ):
        search.set_params(cv=StratifiedGroupKFold(2)).fit(*data, groups=SPEAKERS)


def test_ctrl_c_stops_the_search_and_leaves_no_half_of_it(search, data, monkeypatch):
    fits = []

    def interrupted(self, *arguments):
        fits.append(self)
        if len(fits) == 3:
            raise KeyboardInterrupt
        return real(self, *arguments)

    real = FCNClassifier._fit
    monkeypatch.setattr("reno_store.estimators.base.EmbeddingClassifier._fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search.fit(*data)
    assert len(fits) == 3
    assert not [name for name in vars(search) if name.endswith("_")]


def test_the_estimator_that_is_given_stays_as_it_was(search, data):
    before = search.estimator.get_params()
    search.fit(*data)
    assert search.estimator.get_params() == before
    assert set(vars(search.estimator)) == set(before)


def test_what_is_fitted_has_no_trace_of_how(search, data):
    seen = []

    def scoring(model, X, y):
        seen.append((type(model), "fit" in vars(model), model.n_epochs_))
        return model.score(X, y)

    search.set_params(scoring=scoring).fit(*data)
    assert seen == [(FCNClassifier, False, 2)] * 8


def test_progress_is_told_in_the_words_of_grid_search(search, data, capsys):
    search.set_params(verbose=1).fit(*data)
    assert "Fitting 2 folds for each of 4 candidates, totalling 8 fits" in capsys.readouterr().out


def test_the_bar_says_when_fits_are_scored(search, data, monkeypatch):
    said = []
    monkeypatch.setattr(Counter, "rename", lambda _, word: said.append(word))
    search.set_params(scoring=lambda model, X, y: said.append("a score") or 0.5, refit=False).fit(
        *data
    )
    assert said == ["scoring", *["a score"] * 8, "fitting"]


def test_it_is_a_public_name():
    import reno_store

    assert reno_store.RENOGridSearchCV is RENOGridSearchCV
    assert RENOClassifier  # the classifier it is named after
