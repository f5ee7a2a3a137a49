"""The four classifiers as scikit-learn knows estimators: labels, copies, searches, errors."""

import io
import pickle

import joblib
import numpy as np
import pytest
from factories.classifiers import CLASSIFIERS, FUSIONS, LABELS, QUICK, easy_data
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from reno_store.estimators import FCNClassifier, base


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array([7, -1, 3]),
        np.array(["b", "ü", "a"], dtype=object),
        np.array([2.0, 0.0, 1.0]),
    ],
    ids=["str", "int", "object", "float"],
)
def test_labels_of_any_kind_come_back(classifier, data, labels):
    X, y = data
    y = labels[np.searchsorted(LABELS, y)]
    classifier.set_params(max_epochs=15).fit(X, y)
    assert classifier.classes_.tolist() == sorted(labels.tolist())
    predicted = classifier.predict(X)
    assert predicted.shape == (60,)
    assert predicted.dtype == classifier.classes_.dtype
    assert (predicted == y).mean() > 0.6


def test_probabilities_are_of_the_classes_in_their_order(classifier, data):
    X, y = data
    probabilities = classifier.fit(X, y).predict_proba(X)
    assert probabilities.shape == (60, 3)
    assert probabilities.dtype == np.float64
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (classifier.predict(X) == LABELS[probabilities.argmax(axis=1)]).all()


def test_each_row_is_predicted_by_itself(classifier, data):
    X, y = data
    whole = classifier.fit(X, y).predict_proba(X)
    single = np.concatenate([classifier.predict_proba(X[row : row + 1]) for row in range(60)])
    np.testing.assert_allclose(single, whole, rtol=0, atol=1e-7)


def test_many_rows_are_predicted_in_pieces(data, monkeypatch):
    X, y = data
    fitted = FCNClassifier(**QUICK).fit(X, y)
    whole = fitted.predict_proba(X)
    monkeypatch.setattr(base, "_ROWS_PER_PREDICTION", 7)
    np.testing.assert_allclose(fitted.predict_proba(X), whole, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_predictions_of_realistic_size_do_not_depend_on_the_company(name):
    # Long sums, where float32 would show who is predicted together.
    rng = np.random.default_rng(0)
    X, y = 30 * rng.normal(size=(200, 1728)), rng.permutation(np.arange(200) % 3)
    fitted = clone(CLASSIFIERS[name])
    if name in FUSIONS:
        fitted.set_params(block_sizes=(960, 768))
    whole = fitted.fit(X, y).predict_proba(X)
    some = rng.permutation(200)[:37]
    np.testing.assert_allclose(fitted.predict_proba(X[some]), whole[some], rtol=0, atol=1e-7)
    np.testing.assert_allclose(fitted.predict_proba(X[::-1])[::-1], whole, rtol=0, atol=1e-7)


def test_prediction_leaves_dropout_out(classifier, data):
    X, y = data
    classifier.fit(X, y)
    assert classifier.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_fit_needs_no_scikit_learn_shaped_input(data):
    X, y = data
    by_lists = FCNClassifier(**QUICK).fit(X.tolist(), y.tolist())
    by_arrays = FCNClassifier(**QUICK).fit(X, y)
    assert by_lists.predict_proba(X).tobytes() == by_arrays.predict_proba(X).tobytes()


def test_fit_returns_itself_and_changes_no_parameter_and_no_input(classifier, data):
    X, y = (each.copy() for each in data)
    before = classifier.get_params()
    assert classifier.fit(X, y) is classifier
    assert classifier.get_params() == before
    assert np.array_equal(X, data[0])
    assert np.array_equal(y, data[1])


def test_fitting_again_forgets_what_was(classifier, data):
    X, y = data
    first = classifier.fit(X, y).predict_proba(X)
    classifier.fit(X[::-1], np.where(y == "cry", "sob", "giggle"))
    assert classifier.classes_.tolist() == ["giggle", "sob"]
    assert classifier.fit(X, y).predict_proba(X).tobytes() == first.tobytes()


def test_clones_are_equal_and_unfitted(classifier, data):
    X, y = data
    copy = clone(classifier.fit(X, y))
    assert copy.get_params() == classifier.get_params()
    with pytest.raises(NotFittedError, match="not fitted"):
        copy.predict(X)
    assert copy.fit(X, y).predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_parameters_can_be_read_and_set(classifier):
    changed = {"lr": 0.01, "dropout": 0.5, "max_epochs": 7}
    assert classifier.set_params(**changed) is classifier
    assert {name: classifier.get_params()[name] for name in changed} == changed
    with pytest.raises(ValueError, match="Invalid parameter 'learning_rate'"):
        classifier.set_params(learning_rate=0.01)


CHANGES = {
    "align_dim": 16,
    "attention": False,
    "batch_size": 7,
    "beta": 1.5,
    "block_sizes": [12, 12],
    "class_weight": "balanced",
    "delta": 0.0,
    "device": "auto",
    "distribution": None,
    "dropout": 0.5,
    "early_stopping": False,
    "input_dropout": 0.5,
    "lam": 0.9,
    "norm": "pre",
    "lr": 0.01,
    "max_epochs": 3,
    "n_heads": 4,
    "n_iter_no_change": 1,
    "n_tokens": 5,
    "random_state": 5,
    "residual": False,
    "validation_fraction": 0.3,
    "verbose": 1,
}


def test_every_parameter_can_be_set_kept_by_clones_and_fitted_with(classifier, data):
    defaults = classifier.get_params()
    for name, default in defaults.items():
        changed = clone(classifier).set_params(**{name: CHANGES[name]})
        assert CHANGES[name] != default
        assert clone(changed).get_params() == {**defaults, name: CHANGES[name]}
        assert changed.fit(*data).get_params() == {**defaults, name: CHANGES[name]}


@pytest.mark.parametrize("copied_with", [pickle, joblib], ids=["pickle", "joblib"])
def test_pickled_copies_predict_the_same(classifier, data, copied_with):
    X, y = data
    file = io.BytesIO()
    copied_with.dump(classifier.fit(X, y), file)
    file.seek(0)
    copy = copied_with.load(file)
    assert copy.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    assert copy.predict(X).tolist() == classifier.predict(X).tolist()
    assert copy.history_ == classifier.history_
