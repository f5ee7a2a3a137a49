"""Classifiers to fit together, their single fits, and what makes two fits alike."""

import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS, easy_data
from sklearn.base import clone

__all__ = [
    "FOLDS",
    "POINTS",
    "QUICK",
    "RENO",
    "X",
    "Y",
    "alone",
    "assert_alike",
    "assert_same_weights",
    "grid",
]

X, Y = easy_data()
FOLDS = [np.sort(np.random.default_rng(i).permutation(60)[:n]) for i, n in enumerate((48, 48, 41))]
QUICK = {"max_epochs": 3, "batch_size": 8, "random_state": 0}
RENO = clone(CLASSIFIERS["reno"]).set_params(**QUICK)
POINTS = [{}, {"beta": 3.0, "lam": 0.9}, {"delta": 0.0}, {"lam": 1.0}]


def grid(estimator, points=POINTS, folds=FOLDS):
    pairs = [(point, rows) for point in points for rows in folds]
    return [clone(estimator).set_params(**p) for p, _ in pairs], [rows for _, rows in pairs]


def alone(estimator, rows, data=X, groups=None):
    return clone(estimator).fit(data[rows], Y[rows], None if groups is None else groups[rows])


def assert_alike(found, expected, *, tolerance=1e-3):
    assert found.n_epochs_ == expected.n_epochs_
    assert found.best_epoch_ == expected.best_epoch_
    assert set(vars(found)) == set(vars(expected))
    for ours, theirs in zip(found.history_, expected.history_, strict=True):
        assert list(ours) == list(theirs)
        for key in ours.keys() - {"seconds"}:
            assert ours[key] == pytest.approx(theirs[key], abs=tolerance)
    difference = np.abs(found.predict_proba(X) - expected.predict_proba(X)).max()
    assert difference < tolerance
    assert found.n_parameters_ == expected.n_parameters_


def assert_same_weights(found, expected, *, tolerance):
    pairs = zip(found.network_.parameters(), expected.network_.parameters(), strict=True)
    for ours, theirs in pairs:
        assert ours.dtype == torch.float64
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)
