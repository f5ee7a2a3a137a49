"""Where there is no difference, 5 % of tests may find one; where there is, most must."""

import numpy as np
import pytest
from scipy import stats

from reno_store.conclusions import Resamples, paired_test, unpaired_test

N_TRIALS, RATIO = 2_000, 0.25


def correlated(rng, n_folds, *, n_trials=N_TRIALS):
    """Scores that share n_test / (n_test + n_train) of their variance, as folds do."""
    shared = RATIO / (1 + RATIO)
    common = rng.normal(size=(n_trials, 1))
    return np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=(n_trials, n_folds))


def rate(trials, effect=0.0):
    tests = (paired_test(Resamples(tuple(row), RATIO, len(row))) for row in trials + effect)
    return np.mean([test.p <= 0.05 for test in tests])


@pytest.mark.parametrize(("n_folds", "at_least"), [(5, 0.10), (15, 0.25), (50, 0.45)])
def test_correlated_folds_are_seldom_called_different(n_folds, at_least):
    trials = correlated(np.random.default_rng(n_folds), n_folds)
    assert 0.03 < rate(trials) < 0.07
    naive = stats.ttest_1samp(trials, 0, axis=1).pvalue <= 0.05
    assert naive.mean() > at_least


def test_a_large_difference_is_found():
    trials = correlated(np.random.default_rng(0), 5, n_trials=500)
    assert rate(trials, effect=3.0) > 0.9
    assert 0.15 < rate(trials, effect=1.0) < 0.6  # five folds do not show a small one


def test_protocols_without_a_leak_are_seldom_called_different():
    rng = np.random.default_rng(3)
    sides = correlated(rng, 5), 2 * correlated(rng, 4)
    tests = [
        unpaired_test(Resamples(tuple(one), RATIO, 5), Resamples(tuple(other), RATIO, 4))
        for one, other in zip(*sides, strict=True)
    ]
    assert np.mean([test.p <= 0.05 for test in tests]) < 0.07


def centroid_hits(X, y, test):
    """Whether the nearest class mean of the training rows is right on the test rows."""
    train = np.setdiff1d(np.arange(len(y)), test)
    means = np.stack([X[train][y[train] == label].mean(axis=0) for label in (0, 1)])
    distances = ((X[test][:, None] - means) ** 2).sum(axis=2)
    return (distances.argmin(axis=1) == y[test]).mean()


def test_real_cross_validation_of_equal_models_is_seldom_called_different():
    """Two feature sets of one distribution, on a new sample each time: 4 x 5 folds."""
    n_rows, n_trials = 60, 250
    found, naive = 0, 0
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        y = np.arange(n_rows) % 2
        views = [rng.normal(size=(n_rows, 4)) + 0.4 * y[:, None] for _ in range(2)]
        differences = []
        for _ in range(4):
            for test in np.array_split(rng.permutation(n_rows), 5):
                one, other = (centroid_hits(view, y, test) for view in views)
                differences.append(one - other)
        found += paired_test(Resamples(tuple(differences), RATIO, 20)).p <= 0.05
        naive += stats.ttest_1samp(differences, 0).pvalue <= 0.05
    assert found / n_trials <= 0.07
    assert naive / n_trials > 0.2
