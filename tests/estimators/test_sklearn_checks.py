"""scikit-learn's own checks of what it expects of an estimator, all of them."""

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from reno_store.estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
)

# Eight epochs are enough for the accuracy that the checks expect.
CLASSIFIERS = [
    FCNClassifier(max_epochs=8),
    CNNClassifier(max_epochs=8),
    ConcatClassifier(block_sizes="even", max_epochs=8),
    RENOClassifier(block_sizes="even", max_epochs=8),
]


@parametrize_with_checks(CLASSIFIERS)
def test_classifier_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


class Plain(ClassifierMixin, BaseEstimator):
    """A classifier whose tags turn no check off."""

    def __init__(self, class_weight=None):
        self.class_weight = class_weight

    def fit(self, X, y):
        """Take anything."""

    def predict(self, X):
        """Give nothing."""

    def predict_proba(self, X):
        """Give nothing."""


def names_of_checks(estimator):
    return {check.func.__name__ for _, check in estimator_checks_generator(estimator)}


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda each: type(each).__name__)
def test_no_check_is_turned_off(classifier):
    assert names_of_checks(classifier) >= names_of_checks(Plain())
