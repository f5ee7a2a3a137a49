"""The corrected resampled t-test, and Holm's adjustment for many of them.

Folds of a cross-validation share training clips, so their scores are correlated, and the
variance of their mean is larger than the usual var / J. Nadeau and Bengio (Inference for
the generalization error, Machine Learning 52, 2003) add the term n_test / n_train; Bouckaert
and Frank (Evaluating the replicability of significance tests for comparing learning
algorithms, PAKDD 2004) take it to repeated cross-validation, with J = folds x seeds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from reno_store.errors import ConclusionError

__all__ = [
    "CONFIDENCE",
    "LEVEL",
    "ROUNDING",
    "CorrectedTest",
    "Resamples",
    "adjust_holm",
    "paired_test",
    "unpaired_test",
]

CONFIDENCE = 0.95

LEVEL = 0.05
"""A difference counts as shown if its adjusted p is not larger."""

ROUNDING = 1e-12
"""Scores are ratios of small integers: two that differ, differ by far more than this."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """Scores, or differences of scores, of the folds of a cross-validation.

    Attributes
    ----------
    values : tuple[float, ...]
        One per fold, over all seeds.
    ratio : float
        n_test / n_train, the mean over the folds.
    n_folds : int
        J, the number of different folds that the values come from. It is smaller than the
        number of values where training was repeated on folds that do not differ between seeds.

    Raises
    ------
    ConclusionError
        If there is no value, one is not finite, the ratio is not positive, or `n_folds` is
        not between 1 and the number of values.
    """

    values: tuple[float, ...]
    ratio: float
    n_folds: int

    def __post_init__(self) -> None:
        if not self.values or not all(map(math.isfinite, self.values)):
            raise ConclusionError(
                f"scores of folds: expected finite numbers, at least one, got {self.values}."
            )
        if not (math.isfinite(self.ratio) and self.ratio > 0):
            raise ConclusionError(
                f"n_test / n_train: expected a positive number, got {self.ratio}."
            )
        if not 1 <= self.n_folds <= len(self.values):
            raise ConclusionError(
                f"number of folds: expected 1 to {len(self.values)}, as many as there are "
                f"scores, got {self.n_folds}."
            )

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return statistics.fmean(self.values)

    @property
    def varies(self) -> bool:
        """Whether the values differ by more than rounding."""
        return max(self.values) - min(self.values) > ROUNDING

    @property
    def squared_error(self) -> float:
        """Corrected variance of the mean, (1/J + n_test/n_train) var; NaN for one fold."""
        if self.n_folds < 2:
            return math.nan
        if not self.varies:
            return 0.0
        # statistics.variance takes ten times as long, which counts for thousands of comparisons.
        return (1 / self.n_folds + self.ratio) * float(np.var(self.values, ddof=1))


@dataclass(frozen=True, slots=True)
class CorrectedTest:
    """Result of a corrected t-test.

    Without any spread, `t` and `interval` are NaN. `p` is then 1 if the difference is zero,
    and NaN otherwise: the same difference in every fold looks certain, but a few folds with
    coarse scores produce it by chance, and nothing shows how often. With one fold everything
    except the difference is NaN.

    Attributes
    ----------
    difference : float
        Mean difference.
    interval : tuple[float, float]
        95 % confidence interval of it.
    t, df, p : float
        Statistic, degrees of freedom, two-sided p.
    """

    difference: float
    interval: tuple[float, float]
    t: float
    df: float
    p: float

    @property
    def same(self) -> bool:
        """Whether no fold shows a difference."""
        return math.isnan(self.t) and self.p == 1


def paired_test(differences: Resamples) -> CorrectedTest:
    """Test whether the mean of paired differences is zero.

    t = mean / SE with SE² = (1/J + n_test/n_train) var and J - 1 degrees of freedom.

    Parameters
    ----------
    differences : Resamples
        First minus second, both scored on the same fold.

    Examples
    --------
    >>> found = paired_test(Resamples((0.02, 0.04, 0.06, 0.08), ratio=1 / 3, n_folds=4))
    >>> f"{found.difference:.2f} t({found.df:g}) = {found.t:.3f}, p = {found.p:.3f}"
    '0.05 t(3) = 2.535, p = 0.085'
    """
    df = differences.n_folds - 1.0
    return _tested(differences.mean, differences.squared_error, df)


def unpaired_test(first: Resamples, second: Resamples) -> CorrectedTest:
    """Test whether two means from different folds are equal.

    Welch's test with the corrected variance of each side, SE² = SE₁² + SE₂², and
    Satterthwaite's degrees of freedom, SE⁴ / (SE₁⁴ / (J₁ - 1) + SE₂⁴ / (J₂ - 1)).

    Two protocols score the same clips, so their means tend to be positively correlated. The
    test ignores that, which makes SE too large rather than too small.

    Parameters
    ----------
    first, second : Resamples
        Scores of both sides.

    Examples
    --------
    >>> easy = Resamples((0.6, 0.7, 0.8), ratio=0.5, n_folds=3)
    >>> hard = Resamples((0.3, 0.4, 0.5), ratio=0.5, n_folds=3)
    >>> found = unpaired_test(easy, hard)
    >>> f"{found.difference:.2f} t({found.df:g}) = {found.t:.3f}, p = {found.p:.3f}"
    '0.30 t(4) = 2.324, p = 0.081'
    """
    squared = (first.squared_error, second.squared_error)
    total = sum(squared)
    if total > 0:
        parts = zip(squared, (first.n_folds, second.n_folds), strict=True)
        df = total**2 / sum(each**2 / (n_folds - 1) for each, n_folds in parts)
    else:
        df = first.n_folds + second.n_folds - 2.0
    return _tested(first.mean - second.mean, total, df)


def _tested(difference: float, squared_error: float, df: float) -> CorrectedTest:
    unknown = (math.nan, math.nan)
    if math.isnan(squared_error):
        return CorrectedTest(difference, unknown, math.nan, math.nan, math.nan)
    if squared_error == 0:
        equal = abs(difference) <= ROUNDING
        p = 1.0 if equal else math.nan
        return CorrectedTest(0.0 if equal else difference, unknown, math.nan, df, p)
    error = math.sqrt(squared_error)
    t = difference / error
    reach = float(stdtrit(df, (1 + CONFIDENCE) / 2)) * error
    p = min(1.0, 2 * float(stdtr(df, -abs(t))))
    return CorrectedTest(difference, (difference - reach, difference + reach), t, df, p)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so that together they err in 5 % of cases.

    Holm (A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6, 1979): the smallest is multiplied by m, the next by m - 1 and so on. No
    value is smaller than the one before it, or larger than 1.

    Parameters
    ----------
    p_values : Sequence[float]
        NaN where nothing could be tested. These stay NaN and count in m, so that m does not
        depend on the results.

    Returns
    -------
    list of float
        In the order of `p_values`.

    Examples
    --------
    >>> [round(p, 3) for p in adjust_holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    adjusted = [math.nan] * len(p_values)
    known = [place for place, p in enumerate(p_values) if not math.isnan(p)]
    largest = 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
