"""The four classifiers, small and quick, and data that they learn."""

import numpy as np

from reno_store.estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
)

__all__ = ["CLASSIFIERS", "FUSIONS", "LABELS", "QUICK", "easy_data"]

QUICK = {"max_epochs": 2, "random_state": 0}
SMALL = {"n_tokens": 4, "align_dim": 8}
CLASSIFIERS = {
    "fcn": FCNClassifier(**QUICK),
    "cnn": CNNClassifier(n_tokens=4, **QUICK),
    "concat": ConcatClassifier(block_sizes=(14, 10), **SMALL, **QUICK),
    "reno": RENOClassifier(block_sizes=(14, 10), **SMALL, **QUICK),
}
FUSIONS = ["concat", "reno"]
LABELS = np.array(["cry", "laugh", "scream"])


def easy_data():
    """60 rows of 24 columns; two classes of three show in the first and last of them."""
    y = np.arange(60) % 3
    X = np.random.default_rng(0).normal(size=(60, 24)).astype(np.float32)
    X[:, :6] += 3 * (y == 0)[:, None]
    X[:, -6:] += 3 * (y == 1)[:, None]
    return X, LABELS[y]
