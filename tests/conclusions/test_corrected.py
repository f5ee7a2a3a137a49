"""The corrected t-test against formulas written out, published numbers and edge cases."""

import math

import numpy as np
import pytest
from scipy import stats

from reno_store.conclusions import Resamples, adjust_holm, paired_test, unpaired_test
from reno_store.errors import ConclusionError

DIFFERENCES = (0.031, -0.012, 0.054, 0.02, 0.008, 0.044, -0.003, 0.017, 0.06, 0.025)
SIDES = ((0.71, 0.64, 0.69, 0.75, 0.66), (0.52, 0.61, 0.39, 0.47))


def folds(values, ratio=0.25, n_folds=None):
    return Resamples(tuple(values), ratio, n_folds or len(values))


def test_paired_test_is_the_formula_of_nadeau_and_bengio():
    found = paired_test(folds(DIFFERENCES))
    error = np.sqrt((1 / 10 + 0.25) * np.var(DIFFERENCES, ddof=1))
    mean = np.mean(DIFFERENCES)
    assert found.difference == pytest.approx(mean)
    assert found.t == pytest.approx(mean / error)
    assert found.df == 9
    assert found.p == pytest.approx(2 * stats.t.sf(mean / error, 9))
    assert found.interval == pytest.approx(stats.t.interval(0.95, 9, mean, error))


def test_paired_test_by_hand():
    # mean 0.05, var 0.002/3, SE^2 = (1/4 + 1/3) 0.002/3 = 0.0003889, t = 0.05/0.01972
    found = paired_test(folds((0.02, 0.04, 0.06, 0.08), 1 / 3))
    assert found.t == pytest.approx(2.535463, abs=1e-6)
    assert found.p == pytest.approx(0.0850, abs=5e-5)


def test_scikit_learns_published_example():
    """Its 'Statistical comparison of models using grid search': 10 x 10 folds of 100 rows.

    Uncorrected t 2.611, p 0.005; corrected t 0.750, p 0.227, both one-sided.
    """
    pattern = np.random.default_rng(0).normal(size=100)
    pattern = (pattern - pattern.mean()) / pattern.std(ddof=1)
    differences = 0.01 + 0.0382971 * pattern
    naive = stats.ttest_1samp(differences, 0)
    assert (naive.statistic, naive.pvalue / 2) == pytest.approx((2.611, 0.005), abs=6e-4)
    found = paired_test(folds(differences.tolist(), 10 / 90))
    assert (found.t, found.p / 2) == pytest.approx((0.750, 0.227), abs=6e-4)
    assert found.df == 99


def test_sign_follows_the_order():
    ours, theirs = paired_test(folds(DIFFERENCES)), paired_test(folds([-d for d in DIFFERENCES]))
    assert (theirs.t, theirs.difference) == pytest.approx((-ours.t, -ours.difference))
    assert theirs.p == pytest.approx(ours.p)
    assert theirs.interval == pytest.approx((-ours.interval[1], -ours.interval[0]))


def test_a_test_passes_5_percent_where_its_interval_leaves_zero_out():
    for shift in np.linspace(-0.1, 0.1, 41):
        found = paired_test(folds([d + shift for d in DIFFERENCES]))
        assert (found.p < 0.05) == (found.interval[0] > 0 or found.interval[1] < 0)


def test_values_of_the_same_folds_are_not_counted_twice():
    found = paired_test(folds(DIFFERENCES, 0.25, n_folds=5))
    error = np.sqrt((1 / 5 + 0.25) * np.var(DIFFERENCES, ddof=1))
    assert found.df == 4
    assert found.t == pytest.approx(np.mean(DIFFERENCES) / error)


def test_unpaired_test_is_welch_with_each_sides_corrected_variance():
    first, second = SIDES
    found = unpaired_test(folds(first, 0.25), folds(second, 1 / 3))
    one = (1 / 5 + 0.25) * np.var(first, ddof=1)
    other = (1 / 4 + 1 / 3) * np.var(second, ddof=1)
    df = (one + other) ** 2 / (one**2 / 4 + other**2 / 3)
    difference, error = np.mean(first) - np.mean(second), np.sqrt(one + other)
    assert found.df == pytest.approx(df)
    assert found.t == pytest.approx(difference / error)
    assert found.p == pytest.approx(2 * stats.t.sf(difference / error, df))
    assert found.interval == pytest.approx(stats.t.interval(0.95, df, difference, error))


def test_unpaired_test_becomes_scipys_welch_without_the_correction():
    found = unpaired_test(*(folds(side, 1e-15) for side in SIDES))
    welch = stats.ttest_ind(*SIDES, equal_var=False)
    assert (found.t, found.df, found.p) == pytest.approx((welch.statistic, welch.df, welch.pvalue))


def test_no_difference_in_any_fold_is_no_evidence_and_no_certainty():
    for found in (
        paired_test(folds((0.0,) * 5)),
        unpaired_test(folds((0.5,) * 5), folds((0.5,) * 4)),
    ):
        assert found.same
        assert (found.difference, found.p) == (0, 1)
        assert math.isnan(found.t)
        assert all(map(math.isnan, found.interval))


def test_the_same_difference_in_every_fold_leaves_nothing_to_test_with():
    # 0.525 - 0.5 and 0.55 - 0.525 differ in their last bit
    for found in (
        paired_test(folds((0.525 - 0.5, 0.55 - 0.525, 0.025))),
        unpaired_test(folds((0.525,) * 3), folds((0.5,) * 3)),
    ):
        assert not found.same
        assert found.difference == pytest.approx(0.025)
        assert all(map(math.isnan, (found.t, found.p, *found.interval)))


def test_one_fold_gives_its_difference_and_no_test():
    for found in (
        paired_test(folds((0.1,))),
        unpaired_test(folds((0.6,)), folds((0.4, 0.6))),
        unpaired_test(folds((0.6, 0.6)), folds((0.5,))),
    ):
        assert found.difference == pytest.approx(0.1)
        assert all(map(math.isnan, (found.t, found.df, found.p, *found.interval)))


def test_a_side_without_spread_leaves_the_others_degrees_of_freedom():
    found = unpaired_test(folds((0.5,) * 5), folds(SIDES[1]))
    assert found.df == pytest.approx(3)


@pytest.mark.parametrize(
    ("values", "ratio", "n_folds", "told"),
    [
        ((0.1, math.nan), 0.25, 2, "expected finite numbers, at least one, got .*nan"),
        ((0.1, math.inf), 0.25, 2, "expected finite numbers"),
        ((), 0.25, 0, "expected finite numbers"),
        ((0.1, 0.2), 0.0, 2, "n_test / n_train: expected a positive number, got 0.0"),
        ((0.1, 0.2), math.nan, 2, "expected a positive number, got nan"),
        ((0.1, 0.2), 0.25, 3, "expected 1 to 2, .* got 3"),
        ((0.1, 0.2), 0.25, 0, "got 0"),
    ],
)
def test_what_cannot_be_tested_is_refused(values, ratio, n_folds, told):
    with pytest.raises(ConclusionError, match=told):
        Resamples(values, ratio, n_folds)


def test_holm_by_hand():
    # sorted 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1, which may not fall below 0.06
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.6, 0.7]) == [1, 1]
    assert adjust_holm([0.03]) == [0.03]
    assert adjust_holm([]) == []


def test_holm_rejects_what_its_stepwise_procedure_rejects():
    rng = np.random.default_rng(1)
    for _ in range(50):
        p_values = (rng.random(6) ** 3).tolist()
        rejected = set()
        for rank, place in enumerate(np.argsort(p_values).tolist()):
            if p_values[place] > 0.05 / (6 - rank):
                break
            rejected.add(place)
        adjusted = adjust_holm(p_values)
        assert {place for place, p in enumerate(adjusted) if p <= 0.05} == rejected


def test_what_could_not_be_tested_still_counts_among_the_comparisons():
    adjusted = adjust_holm([math.nan, 0.01, 0.02])
    assert math.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx([0.03, 0.04])
