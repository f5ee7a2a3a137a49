"""What cannot be fitted together is fitted one by one, which is said once."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS, QUICK, easy_data
from factories.results_alike import assert_same_results
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.estimators import FCNClassifier
from reno_store.estimators.searching import PlainFitsWarning, RENOGridSearchCV

LR = {"lr": [1e-3, 1e-2]}


class OwnFit(FCNClassifier):
    """A classifier that does something before it is fitted."""

    def fit(self, X, y, groups=None):
        return super().fit(np.asarray(X) * 2, y, groups)


class OwnPipeline(Pipeline):
    pass


@pytest.fixture(scope="module")
def data():
    return easy_data()


def searched(estimator, grid, X, y, **how):
    """Search with either; give ours and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PlainFitsWarning)
        ours = RENOGridSearchCV(estimator, grid, cv=2, **how).fit(X, y)  # the line warned of
    theirs = GridSearchCV(estimator, grid, cv=2, **how).fit(X, y)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    told = [str(each.message) for each in caught if each.category is PlainFitsWarning]
    source = Path(__file__).read_text("utf-8").splitlines()
    assert caught[0].filename == __file__
    assert source[caught[0].lineno - 1].endswith("# the line warned of")
    return ours, told


@pytest.mark.parametrize(
    ("estimator", "grid", "why"),
    [
        (LogisticRegression(), {"C": [0.1, 1]}, "LogisticRegression is not one of reno-store's"),
        (OwnFit(**QUICK), LR, "OwnFit overrides fit"),
        (
            OwnPipeline([("fcn", FCNClassifier(**QUICK))]),
            {"fcn__lr": [1e-3, 1e-2]},
            "only scikit-learn's own Pipeline",
        ),
    ],
)
def test_estimators_that_are_not_ours(estimator, grid, why, data):
    ours, told = searched(estimator, grid, *data)
    assert (ours.n_batched_, ours.n_plain_) == (0, 4)
    assert len(told) == 1
    assert told[0].startswith("all fits are done one by one, as GridSearchCV does, not together: ")
    assert why in told[0]


def test_preprocessing_in_the_grid_is_fitted_plainly_and_the_rest_together(data):
    pipeline = Pipeline([("pca", PCA(5, random_state=0)), ("fcn", FCNClassifier(**QUICK))])
    grid = [{"fcn__lr": [1e-3, 1e-2]}, {"pca__n_components": [2, 3], "fcn__lr": [1e-2]}]
    ours, told = searched(pipeline, grid, *data, scoring="neg_log_loss", return_train_score=True)
    assert (ours.n_batched_, ours.n_plain_) == (4, 4)
    assert len(told) == 1
    assert "4 of 8 fits" in told[0]
    assert "pca__n_components is not a parameter of the last step 'fcn'" in told[0]


def test_a_grid_that_replaces_the_classifier(data):
    pipeline = Pipeline([("scale", StandardScaler()), ("last", FCNClassifier(**QUICK))])
    grid = [
        {"last": [LogisticRegression()], "last__C": [0.1, 1]},
        {"last": [CLASSIFIERS["cnn"], CLASSIFIERS["fcn"]]},
    ]
    ours, _ = searched(pipeline, grid, *data)
    assert ours.n_plain_ == 8


@pytest.mark.parametrize("form", [lambda X: X.tolist(), lambda X: X.astype(object)])
def test_inputs_that_are_no_tables_of_numbers(form, data):
    X, y = data
    ours, told = searched(FCNClassifier(**QUICK), LR, form(X), y)
    assert ours.n_plain_ == 4
    assert "not an array or DataFrame of numbers" in told[0]


def test_an_array_that_stays_on_disk_is_a_table(data, tmp_path):
    np.save(tmp_path / "X.npy", data[0])
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    search = RENOGridSearchCV(FCNClassifier(**QUICK), LR, cv=2, scoring="neg_log_loss")
    means = search.fit(X, data[1]).cv_results_["mean_test_score"]
    assert search.n_plain_ == 0
    assert means.tolist() == search.fit(*data).cv_results_["mean_test_score"].tolist()


def test_fit_parameters_that_only_other_steps_take(data):
    pipeline = make_pipeline(StandardScaler(), FCNClassifier(**QUICK))
    search = RENOGridSearchCV(pipeline, {"fcnclassifier__lr": [1e-3, 1e-2]}, cv=2)
    with pytest.warns(PlainFitsWarning, match="standardscaler__sample_weight go to steps before"):
        search.fit(*data, standardscaler__sample_weight=np.ones(60))
    assert search.n_plain_ == 4


def test_nothing_is_said_where_all_fits_go_together(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RENOGridSearchCV(FCNClassifier(**QUICK), LR, cv=2).fit(*data)


class Aliased(ClassifierMixin, BaseEstimator):
    """Takes a parameter by another name, as LightGBM, CatBoost and skorch do."""

    def __init__(self, strategy="prior"):
        self.strategy = strategy

    def set_params(self, **params):
        for name, value in params.items():
            setattr(self, "strategy" if name in ("kind", "module__kind") else name, value)
        return self

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.guess_ = self.classes_[-1 if self.strategy == "last" else 0]
        return self

    def predict(self, X):
        return np.full(len(X), self.guess_)


@pytest.mark.parametrize("name", ["kind", "module__kind"])
def test_parameters_of_estimators_that_are_not_ours_are_left_to_them(name, data):
    ours, _ = searched(Aliased(), {name: ["first", "last"]}, *data)
    assert ours.n_plain_ == 4
    ours, _ = searched(
        make_pipeline(StandardScaler(), Aliased()), {f"aliased__{name}": ["first", "last"]}, *data
    )
    assert ours.n_plain_ == 4


class AliasedScaler(StandardScaler):
    def set_params(self, **params):
        return super().set_params(**{{"mean": "with_mean"}.get(k, k): v for k, v in params.items()})


def test_parameters_of_steps_before_ours_are_left_to_them_too(data):
    pipeline = Pipeline([("scale", AliasedScaler()), ("fcn", FCNClassifier(**QUICK))])
    ours, _ = searched(pipeline, {"scale__mean": [True, False], "fcn__lr": [1e-3]}, *data)
    assert ours.n_plain_ == 4


def test_grids_without_parameters_are_run_over_estimators_that_are_not_ours(data):
    ours, _ = searched(LogisticRegression(), {}, *data)
    assert ours.n_plain_ == 2


def test_parameters_of_skorch_estimators_are_searched(data):
    skorch = pytest.importorskip("skorch")
    X, y = data
    net = skorch.NeuralNetClassifier(
        Tiny, module__hidden=3, max_epochs=1, train_split=None, verbose=0
    )
    y = np.unique(y, return_inverse=True)[1]
    search = RENOGridSearchCV(net, {"module__hidden": [2, 4]}, cv=2)
    with pytest.warns(PlainFitsWarning):
        search.fit(X, y)
    assert search.best_estimator_.module_[0].out_features in (2, 4)


class Tiny(torch.nn.Sequential):
    def __init__(self, hidden=3):
        super().__init__(torch.nn.Linear(24, hidden), torch.nn.Linear(hidden, 3))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_pre_dispatch_is_taken(n_jobs, data):
    ours, _ = searched(LogisticRegression(), {"C": [0.1, 1]}, *data, n_jobs=n_jobs, pre_dispatch=1)
    assert ours.get_params()["pre_dispatch"] == 1
    together = RENOGridSearchCV(FCNClassifier(**QUICK), LR, cv=2, pre_dispatch="n_jobs")
    assert together.fit(*data).n_plain_ == 0
