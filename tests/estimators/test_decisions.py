"""Scores before the softmax, log-probabilities, and the link to the documentation."""

import importlib.metadata
from email.message import Message
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest
from factories.classifiers import CLASSIFIERS, LABELS, easy_data
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import get_scorer
from sklearn.utils import estimator_html_repr

from reno_store.estimators import documentation


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def three():
    return easy_data()


@pytest.fixture(scope="module")
def two(three):
    X, y = three
    return X[y != "scream"], y[y != "scream"]


def test_decision_of_two_classes_is_the_log_odds_of_the_second(classifier, two):
    X, y = two
    decision = classifier.fit(X, y).decision_function(X)
    assert decision.shape == (len(X),)
    assert decision.dtype == np.float64
    first, second = classifier.predict_proba(X).T
    np.testing.assert_allclose(decision, np.log(second / first), rtol=0, atol=1e-9)
    assert (classifier.predict(X) == classifier.classes_[(decision > 0).astype(int)]).all()


def test_decision_of_more_classes_is_their_logits(classifier, three):
    X, y = three
    decision = classifier.fit(X, y).decision_function(X)
    assert decision.shape == (len(X), 3)
    assert decision.dtype == np.float64
    np.testing.assert_allclose(softmax(decision, axis=1), classifier.predict_proba(X), atol=1e-12)
    assert (classifier.predict(X) == LABELS[decision.argmax(axis=1)]).all()


def test_log_probabilities_are_the_logarithm_of_the_probabilities(classifier, three):
    X, y = three
    logarithms = classifier.fit(X, y).predict_log_proba(X)
    assert logarithms.shape == (len(X), 3)
    np.testing.assert_allclose(logarithms, np.log(classifier.predict_proba(X)), rtol=0, atol=1e-9)


def test_log_probabilities_are_finite_where_a_probability_is_none(classifier, three):
    X, y = three
    classifier.fit(X, y)
    far = 1e6 * X[:3]
    logarithms = classifier.predict_log_proba(far)
    assert (classifier.predict_proba(far) == 0).any()
    assert np.isfinite(logarithms).all()
    expected = log_softmax(classifier.decision_function(far), axis=1)
    np.testing.assert_allclose(logarithms, expected, rtol=1e-12)


def test_each_row_is_decided_by_itself(classifier, three):
    X, y = three
    whole = classifier.fit(X, y).decision_function(X)
    single = np.concatenate([classifier.decision_function(X[row : row + 1]) for row in range(60)])
    np.testing.assert_allclose(single, whole, rtol=0, atol=1e-7)


def test_scorers_and_calibration_of_scikit_learn_take_it(classifier, two):
    X, y = two
    classifier.fit(X, y)
    assert 0.5 < get_scorer("roc_auc")(classifier, X, y) <= 1
    calibrated = CalibratedClassifierCV(classifier, cv=2, method="sigmoid").fit(X, y)
    assert calibrated.predict_proba(X).shape == (len(X), 2)


@pytest.fixture
def declared(monkeypatch):
    """Have the package declare addresses in its metadata."""

    def declare(*entries):
        message = Message()
        for entry in entries:
            message["Project-URL"] = entry
        monkeypatch.setattr(importlib.metadata, "metadata", lambda name: message)
        documentation._declared_url.cache_clear()

    yield declare
    documentation._declared_url.cache_clear()


def test_representation_links_to_the_declared_documentation(classifier, declared):
    declared("Repository, https://code.example/reno", "Documentation, https://docs.example/reno")
    assert classifier._get_doc_link() == "https://docs.example/reno"
    assert 'href="https://docs.example/reno' in estimator_html_repr(classifier)


def test_representation_links_to_the_class_where_no_address_is_declared(classifier, declared):
    declared()
    path = Path(url2pathname(urlparse(classifier._get_doc_link()).path))
    assert f"class {type(classifier).__name__}(" in path.read_text("utf-8")
    assert f'href="{classifier._get_doc_link()}' in estimator_html_repr(classifier)
    assert BaseEstimator()._get_doc_link().startswith("https://scikit-learn.org")
