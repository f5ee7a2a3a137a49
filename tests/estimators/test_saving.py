"""Classifiers in files: of skops, joblib, cloudpickle, pickle and mlflow."""

import copy
import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS, easy_data
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.estimators import FCNClassifier


@pytest.fixture(scope="module")
def data():
    return easy_data()


@pytest.fixture(scope="module", params=CLASSIFIERS)
def fitted(request, data):
    return clone(CLASSIFIERS[request.param]).fit(*data)


def name_of(classifier):
    return f"{type(classifier).__module__}.{type(classifier).__name__}"


def through_skops(classifier):
    io_ = pytest.importorskip("skops.io")
    return io_.loads(io_.dumps(classifier), trusted=[name_of(classifier)])


def through_joblib(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    return joblib.load(file)


def through_mlflow(classifier, tmp_path, monkeypatch, **how):
    sklearn = pytest.importorskip("mlflow.sklearn")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    sklearn.save_model(classifier, tmp_path / "model", **how)
    return sklearn.load_model(str(tmp_path / "model"))


WAYS = {
    "skops": through_skops,
    "joblib": through_joblib,
    "cloudpickle": lambda each: cloudpickle.loads(cloudpickle.dumps(each)),
    "pickle": lambda each: pickle.loads(pickle.dumps(each)),
    "deepcopy": copy.deepcopy,
}


def assert_the_same(copied, fitted, X):
    assert copied.predict_proba(X).tobytes() == fitted.predict_proba(X).tobytes()
    assert copied.predict(X).tolist() == fitted.predict(X).tolist()
    assert copied.decision_function(X).tobytes() == fitted.decision_function(X).tobytes()
    assert copied.history_ == fitted.history_
    assert copied.get_params() == fitted.get_params()
    assert copied.classes_.tolist() == fitted.classes_.tolist()
    for name in ("n_tokens_", "block_sizes_", "n_parameters_", "best_epoch_", "collapsed_"):
        assert getattr(copied, name, None) == getattr(fitted, name, None)


@pytest.mark.parametrize("way", WAYS)
def test_what_comes_back_predicts_the_same_to_the_last_bit(fitted, data, way):
    copied = WAYS[way](fitted)
    assert_the_same(copied, fitted, data[0])
    assert not copied.network_.training
    assert all(each.requires_grad for each in copied.network_.parameters())
    # and so does what comes of a copy
    assert_the_same(WAYS[way](copied), fitted, data[0])


def test_skops_needs_to_trust_the_class_and_nothing_else(fitted):
    io_ = pytest.importorskip("skops.io")
    assert io_.get_untrusted_types(data=io_.dumps(fitted)) == [name_of(fitted)]


def test_skops_takes_a_pipeline(data):
    io_ = pytest.importorskip("skops.io")
    X, y = data
    pipeline = make_pipeline(StandardScaler(), clone(CLASSIFIERS["reno"])).fit(X, y)
    copied = io_.loads(io_.dumps(pipeline), trusted=[name_of(pipeline[-1])])
    assert copied.predict_proba(X).tobytes() == pipeline.predict_proba(X).tobytes()


@pytest.mark.filterwarnings("ignore::UserWarning")  # mlflow's own, about type hints
@pytest.mark.parametrize(
    "how", [{}, {"serialization_format": "cloudpickle"}], ids=["default", "cloudpickle"]
)
def test_mlflow_gives_back_what_it_saved(fitted, data, tmp_path, monkeypatch, how):
    pytest.importorskip("mlflow")
    if not how:
        how = {"skops_trusted_types": [name_of(fitted)]}
    assert_the_same(through_mlflow(fitted, tmp_path, monkeypatch, **how), fitted, data[0])


@pytest.mark.parametrize("way", WAYS)
def test_a_classifier_that_is_not_fitted_is_copied_too(way):
    copied = WAYS[way](FCNClassifier(lr=0.01))
    assert copied.get_params() == FCNClassifier(lr=0.01).get_params()
    assert not hasattr(copied, "network_")


@pytest.mark.parametrize("way", WAYS)
def test_parameters_set_after_the_fit_change_no_network(data, way):
    X, y = data
    fitted = clone(CLASSIFIERS["reno"]).fit(X, y)
    before = fitted.predict_proba(X)
    fitted.set_params(n_tokens=5, align_dim=16, attention=False, norm="pre", block_sizes=(12, 12))
    copied = WAYS[way](WAYS[way](fitted))
    assert copied.predict_proba(X).tobytes() == before.tobytes()
    assert copied.get_params() == fitted.get_params()
    assert copied.block_sizes_ == (14, 10)


def test_state_holds_arrays_and_no_torch(fitted):
    saved = fitted.__getstate__()["network_"]
    assert all(type(each) is np.ndarray for each in saved["weights"].values())
    assert b"torch" not in pickle.dumps(fitted)


def test_opening_a_file_draws_no_random_numbers(fitted):
    file = pickle.dumps(fitted)
    before = torch.get_rng_state()
    pickle.loads(file)
    assert torch.equal(torch.get_rng_state(), before)


def test_files_of_versions_that_stored_the_module_open(fitted, data):
    old = object.__new__(type(fitted))
    old.__setstate__(dict(vars(fitted)))
    assert old.network_ is fitted.network_
    assert_the_same(WAYS["pickle"](old), fitted, data[0])


def test_a_copy_can_be_fitted_again(fitted, data):
    copied = WAYS["pickle"](fitted)
    again = copied.fit(*data)
    assert again.predict_proba(data[0]).tobytes() == fitted.predict_proba(data[0]).tobytes()


def test_weights_read_from_a_mapped_file_are_copied(fitted, data, tmp_path):
    joblib.dump(fitted, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert mapped.predict_proba(data[0]).tobytes() == fitted.predict_proba(data[0]).tobytes()
