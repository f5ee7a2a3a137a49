"""What RENOGridSearchCV finds is what GridSearchCV finds."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from factories.classifiers import CLASSIFIERS, easy_data
from factories.results_alike import TOLERANCE, assert_same_results
from factories.study_stores import make_study_store
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from reno_store.estimators import together
from reno_store.estimators.searching import PlainFitsWarning, RENOGridSearchCV
from reno_store.samples import EmbeddingLookup, open_store
from reno_store.studies import ProtocolSplitter

GRIDS = {
    "fcn": {"lr": [1e-3, 1e-2], "batch_size": [8, 16]},
    "cnn": {"dropout": [0.0, 0.3], "lr": [1e-3, 3e-3]},
    "concat": {"lr": [1e-3, 1e-2], "class_weight": [None, "balanced"]},
    "reno": {"beta": [1.5, 3.0], "delta": [0.1, 0.2], "lam": [0.4, 0.8]},
}
SPEAKERS = np.repeat([f"s{i}" for i in range(10)], 6)


@pytest.fixture(scope="module")
def data():
    return easy_data()


def both(estimator, grid, X, y, *, params=None, batched=True, **how):
    """Search with either; a search of ours with all fits together, unless said otherwise."""
    params = params or {}
    ours = RENOGridSearchCV(clone(estimator), grid, **how).fit(X, y, **params)
    theirs = GridSearchCV(clone(estimator), grid, **how).fit(X, y, **params)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert (ours.n_plain_ == 0) == batched
    assert ours.n_batched_ + ours.n_plain_ == len(ours.cv_results_["params"]) * ours.n_splits_
    names = {"n_splits_", "multimetric_", "best_index_", "best_params_"}
    for name in sorted(names & set(vars(theirs))):
        assert getattr(ours, name) == getattr(theirs, name), name
    counts = {"n_batched_", "n_plain_", "n_repeated_"}
    assert set(vars(ours)) - set(vars(theirs)) == counts | {"max_memory"}
    assert set(vars(theirs)) - set(vars(ours)) <= {"pre_dispatch", "_checked_cv_orig"} | {
        name for name in vars(theirs) if "callback" in name
    }
    assert str(ours.scorer_) == str(theirs.scorer_)
    return ours, theirs


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_same_is_found_for_each_classifier(name, data):
    X, y = data
    ours, theirs = both(
        CLASSIFIERS[name], GRIDS[name], X, y, cv=3, scoring="neg_log_loss", return_train_score=True
    )
    assert abs(ours.best_score_ - theirs.best_score_) <= TOLERANCE
    assert ours.predict(X).tolist() == theirs.predict(X).tolist()
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    assert ours.n_features_in_ == 24
    assert ours.refit_time_ > 0
    assert abs(ours.score(X, y) - theirs.score(X, y)) <= TOLERANCE
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=TOLERANCE)


def test_shapes_that_differ_within_a_grid_are_searched_too(data):
    both(CLASSIFIERS["reno"], {"n_tokens": [3, 4], "align_dim": [8, 16]}, *data, cv=2)


def test_all_fits_go_to_one_call(data, monkeypatch):
    calls = []

    def counted(estimators, *arguments, **options):
        calls.append(len(estimators))
        return together.fit_together(estimators, *arguments, **options)

    monkeypatch.setattr("reno_store.estimators.searching.training.fit_together", counted)
    RENOGridSearchCV(CLASSIFIERS["fcn"], GRIDS["fcn"], cv=3).fit(*data)
    assert calls == [12]
    calls.clear()
    pipeline = make_pipeline(StandardScaler(), CLASSIFIERS["fcn"])
    RENOGridSearchCV(pipeline, {"fcnclassifier__lr": [1e-3, 1e-2]}, cv=3).fit(*data)
    assert calls == [6]


@pytest.mark.parametrize("steps", [[], [StandardScaler()]])
def test_networks_are_scored_and_let_go_before_there_are_too_many(steps, data, monkeypatch):
    networks, n_alive = [], []

    def watched(estimators, *arguments, **options):
        gc.collect()
        n_alive.append(sum(each() is not None for each in networks))
        found = together.fit_together(estimators, *arguments, **options)
        networks.extend(weakref.ref(each.network_) for each in found)
        return found

    monkeypatch.setattr("reno_store.estimators.searching.training.fit_together", watched)
    monkeypatch.setattr("reno_store.estimators.searching.training.MEMBERS_AT_ONCE", 5)
    estimator = make_pipeline(*steps, CLASSIFIERS["fcn"])
    grid = {f"fcnclassifier__{name}": values for name, values in GRIDS["fcn"].items()}
    both(estimator, grid, *data, cv=3, scoring="neg_log_loss")
    assert n_alive == [0, 0, 0]


@pytest.mark.parametrize(("at_once", "n_repeated"), [(256, 6), (5, 5)])
def test_without_divergence_one_network_stands_for_every_beta_and_delta(
    at_once, n_repeated, data, monkeypatch
):
    monkeypatch.setattr("reno_store.estimators.searching.training.MEMBERS_AT_ONCE", at_once)
    grid = {"beta": [1.5, 3.0], "delta": [0.1, 0.2], "lam": [0.4, 1]}
    ours, _ = both(CLASSIFIERS["reno"], grid, *data, cv=2, scoring="neg_log_loss")
    assert (ours.n_batched_, ours.n_repeated_) == (16, n_repeated)


METRICS = {
    "several": ["accuracy", "neg_log_loss"],
    "named": {"right": make_scorer(accuracy_score), "loss": "neg_log_loss"},
    "function": lambda model, X, y: {"right": model.score(X, y), "width": X.shape[1]},
    "seen": lambda model, X, y: float(model.n_parameters_ + X.sum() / 1e6),
}


@pytest.mark.parametrize(
    ("scoring", "refit"),
    [
        ("several", "neg_log_loss"),
        ("several", False),
        ("named", "right"),
        ("named", lambda results: int(np.argmax(results["mean_test_loss"]))),
        ("function", "right"),
        ("seen", True),
        ("seen", False),
        ("seen", lambda results: len(results["params"]) - 1),
    ],
)
def test_metrics_and_ways_to_refit(scoring, refit, data):
    grid = {"lr": [1e-4, 1e-2]}
    found = both(
        CLASSIFIERS["fcn"],
        grid,
        *data,
        cv=2,
        scoring=METRICS[scoring],
        refit=refit,
        return_train_score=True,
    )
    for search in found:
        assert hasattr(search, "best_estimator_") == (refit is not False)
        assert hasattr(search, "best_score_") == hasattr(found[1], "best_score_")


def test_several_metrics_without_a_choice_are_refused(data):
    search = RENOGridSearchCV(CLASSIFIERS["fcn"], GRIDS["fcn"], scoring=METRICS["several"])
    with pytest.raises(ValueError, match="refit must be set to a scorer key"):
        search.fit(*data)


@pytest.mark.parametrize("cv", [StratifiedGroupKFold(3), ProtocolSplitter("speaker", 3)])
def test_speakers_make_the_folds(cv, data):
    ours, _ = both(
        CLASSIFIERS["fcn"],
        GRIDS["fcn"],
        *data,
        params={"groups": SPEAKERS},
        cv=cv,
        scoring="neg_log_loss",
    )
    plain = RENOGridSearchCV(CLASSIFIERS["fcn"], GRIDS["fcn"], cv=3, scoring="neg_log_loss")
    assert not np.allclose(
        ours.cv_results_["mean_test_score"], plain.fit(*data).cv_results_["mean_test_score"]
    )


def test_splits_given_one_by_one_and_as_masks(data):
    X, y = data
    folds = list(StratifiedKFold(3).split(X, y))
    both(CLASSIFIERS["fcn"], GRIDS["fcn"], X, y, cv=folds)
    masks = [(np.isin(np.arange(60), train), test) for train, test in folds]
    grid, how = GRIDS["fcn"], {"scoring": "neg_log_loss", "refit": False}
    ours = RENOGridSearchCV(CLASSIFIERS["fcn"], grid, cv=masks, **how).fit(X, y)
    theirs = GridSearchCV(CLASSIFIERS["fcn"], grid, cv=folds, **how).fit(X, y)
    assert_same_results(ours.cv_results_, theirs.cv_results_)


def test_columns_with_names(data):
    X, y = data
    names = [*(f"a:{i}" for i in range(14)), *(f"b:{i}" for i in range(10))]
    frame = pd.DataFrame(X, columns=names)
    reno = clone(CLASSIFIERS["reno"]).set_params(block_sizes=None)
    seen = []

    def scoring(model, X, y):
        seen.append((model.feature_names_in_.tolist(), model.block_sizes, model.block_sizes_))
        return model.score(X, y)

    ours, _ = both(reno, GRIDS["reno"], frame, pd.Series(y), cv=2, scoring=scoring)
    assert ours.feature_names_in_.tolist() == names
    assert {str(each) for each in seen} == {str((names, None, (14, 10)))}
    scaler = StandardScaler().set_output(transform="pandas")
    grid = {f"renoclassifier__{name}": values for name, values in GRIDS["reno"].items()}
    both(make_pipeline(scaler, reno), grid, frame, y, cv=2, scoring="neg_log_loss")


class TestPipelines:
    def test_the_steps_before_are_fitted_once_for_each_split(self, data):
        X, y = data
        fitted = []

        class Scaler(StandardScaler):
            def fit(self, X, y=None):
                fitted.append(len(X))
                return super().fit(X, y)

        pipeline = make_pipeline(Scaler(), PCA(6, random_state=0), CLASSIFIERS["fcn"])
        grid = {"fcnclassifier__lr": [1e-3, 1e-2], "fcnclassifier__dropout": [0.0, 0.3]}
        search = RENOGridSearchCV(pipeline, grid, cv=3, refit=False).fit(X, y)
        assert search.n_batched_ == 12
        assert fitted == [40] * 3

    @pytest.mark.parametrize(
        "steps",
        [
            [StandardScaler()],
            [StandardScaler(), PCA(6, random_state=0)],
            ["passthrough"],
            [SelectKBest(k=9), "passthrough"],
            [PCA(0.9)],  # as many columns as it takes, and not as many in each split
            [],
        ],
    )
    def test_the_same_is_found_behind(self, steps, data):
        X, y = data
        pipeline = make_pipeline(*steps, CLASSIFIERS["fcn"])
        grid = {f"fcnclassifier__{name}": values for name, values in GRIDS["fcn"].items()}
        seen = []

        def scoring(model, X, y):
            seen.append([type(step).__name__ for _, step in model.steps])
            return -np.log(model.predict_proba(X).max(axis=1)).mean()

        ours, theirs = both(
            pipeline, grid, 100 * X + 3, y, cv=3, scoring=scoring, return_train_score=True
        )
        assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]
        assert isinstance(ours.best_estimator_, Pipeline)
        assert ours.predict(X).tolist() == theirs.predict(X).tolist()

    def test_what_goes_in_need_not_be_numbers(self, data):
        X, y = data
        lookup = FunctionTransformer(lambda ids: X[[int(each) for each in ids]])
        pipeline = make_pipeline(lookup, StandardScaler(), CLASSIFIERS["fcn"])
        ids = np.array([str(i) for i in range(60)])
        both(pipeline, {"fcnclassifier__lr": [1e-3, 1e-2]}, ids, y, cv=3)

    def test_embeddings_are_looked_up_in_a_store(self, tmp_path):
        store = make_study_store(tmp_path / "my.zarr", cries={})
        samples = open_store(store).load("cries", ["mfcc", "logmel"])
        lookup = EmbeddingLookup(str(store), "cries", models=("mfcc", "logmel"))
        reno = clone(CLASSIFIERS["reno"]).set_params(block_sizes=None)
        pipeline = make_pipeline(lookup, reno)
        grid = {"renoclassifier__lam": [0.2, 0.8], "renoclassifier__beta": [2, 3]}
        both(pipeline, grid, samples.clip_ids, samples.y, cv=2, scoring="neg_log_loss")
        pairs = {"embeddinglookup__models": [("mfcc", "logmel"), ("logmel", "mfcc")]}
        with pytest.warns(PlainFitsWarning, match="embeddinglookup__models is not a parameter"):
            both(pipeline, pairs, samples.clip_ids, samples.y, cv=2, batched=False)

    def test_speakers_reach_the_last_step_under_its_name(self, data):
        pipeline = make_pipeline(StandardScaler(), CLASSIFIERS["fcn"])
        grid = {"fcnclassifier__lr": [1e-3, 1e-2]}
        how = {"cv": 3, "scoring": "neg_log_loss"}
        params = {"fcnclassifier__groups": SPEAKERS}
        ours, _ = both(pipeline, grid, *data, params=params, **how)
        without, _ = both(pipeline, grid, *data, **how)
        assert not np.allclose(
            ours.cv_results_["mean_test_score"], without.cv_results_["mean_test_score"]
        )

    def test_what_splits_train_on_is_held_together_only_as_far_as_there_is_room(
        self, data, monkeypatch
    ):
        X, y = data
        tables = []

        def counted(estimators, X, *arguments, **options):
            tables.append(len(X))
            return together.fit_together(estimators, X, *arguments, **options)

        monkeypatch.setattr("reno_store.estimators.searching.training.fit_together", counted)
        monkeypatch.setattr(
            "reno_store.estimators.searching.preparation.LARGEST_TABLE", 100 * 24 * 4
        )
        pipeline = make_pipeline(StandardScaler(), CLASSIFIERS["fcn"])
        both(pipeline, {"fcnclassifier__lr": [1e-3, 1e-2]}, X, y, cv=5, scoring="neg_log_loss")
        assert tables == [96, 96, 48]


def test_several_processes_find_the_same(data):
    one, two = (
        RENOGridSearchCV(
            CLASSIFIERS["fcn"], GRIDS["fcn"], cv=2, scoring="neg_log_loss", n_jobs=n_jobs
        ).fit(*data)
        for n_jobs in (1, 2)
    )
    assert_same_results(two.cv_results_, one.cv_results_)


@pytest.fixture
def timed(monkeypatch):
    """Fits whose epochs take 2 seconds each."""
    real = together.fit_together

    def slow(estimators, *arguments, finished, **how):
        def told(place, fitted):
            for epoch in fitted.history_:
                epoch["seconds"] = 2.0
            finished(place, fitted)

        return real(estimators, *arguments, finished=told, **how)

    monkeypatch.setattr("reno_store.estimators.searching.training.fit_together", slow)


@pytest.mark.usefixtures("timed")
def test_the_time_of_a_fit_is_that_of_its_epochs(data):
    fcn = clone(CLASSIFIERS["fcn"]).set_params(early_stopping=False)
    search = RENOGridSearchCV(fcn, {"max_epochs": [1, 3]}, cv=3, refit=False).fit(*data)
    assert search.cv_results_["mean_fit_time"].tolist() == [2.0, 6.0]
    assert search.cv_results_["std_fit_time"].tolist() == [0.0, 0.0]


@pytest.mark.usefixtures("timed")
def test_the_time_of_the_steps_before_is_shared_by_the_fits_of_their_split(data, monkeypatch):
    clock = iter(range(0, 2000, 120))
    fcn = clone(CLASSIFIERS["fcn"]).set_params(early_stopping=False, max_epochs=1)
    pipeline = make_pipeline(StandardScaler(), fcn)
    monkeypatch.setattr(
        "reno_store.estimators.searching.preparation.time.perf_counter", lambda: next(clock)
    )
    grid = {"fcnclassifier__lr": [1e-3, 1e-2]}
    search = RENOGridSearchCV(pipeline, grid, cv=3, refit=False).fit(*data)
    # 2 s by each fit, and 120 s for each split's scaler by two.
    assert search.cv_results_["mean_fit_time"].tolist() == [62.0] * 2
