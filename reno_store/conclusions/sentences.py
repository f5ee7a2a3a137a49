"""Comparisons in words, one sentence each, that can be quoted alone.

A comparison that shows no difference is called inconclusive, never equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reno_store.conclusions.names import comparison_title
from reno_store.runtime.numbers import interval, p_value, points
from reno_store.studies.scores import METRIC_TITLES

if TYPE_CHECKING:
    from reno_store.conclusions.comparisons import Comparison

__all__ = ["comparison_sentence", "counted", "verdict_words"]

_FEW_DEGREES = 3
"""With fewer degrees of freedom (2 or 3 folds) the 95 % quantile of t is 4.3 or 12.7."""

_VERDICTS = {"same": "inconclusive", "guessing": "neither beats guessing"}


def comparison_sentence(comparison: Comparison) -> str:
    """Return the result of a comparison with its numbers.

    Returns
    -------
    str
        Such as "jnv, protocol paper: RENO vs Concat on mfcc + logmel: inconclusive (+1.2 points,
        95 % interval −3.0 to +5.4, p = 0.480)."
    """
    where = comparison.dataset
    if comparison.paired:
        where += f", protocol {comparison.protocol}"
    title = comparison_title(comparison.first, comparison.second)
    return f"{where}: {title}: {verdict_words(comparison)}."


def verdict_words(comparison: Comparison, *, numbers: bool = True) -> str:
    """Return a verdict: ``"inconclusive (+1.2 points, 95 % interval −3.0 to +5.4, p = 0.480)"``."""
    verdict = _VERDICTS.get(comparison.verdict, comparison.verdict)
    return f"{verdict} ({_numbers(comparison)})" if numbers else verdict


def _numbers(comparison: Comparison) -> str:
    unit = "points"
    if comparison.metric != "accuracy":
        unit += f" of {METRIC_TITLES[comparison.metric]}"
    difference = f"{points(100 * comparison.difference)} {unit}"
    if math.isnan(comparison.t):
        where = "a single fold" if math.isnan(comparison.df) else "every fold"
        return f"{difference} in {where}, so there is no spread to test with"
    low, high = comparison.interval
    few = "; so few folds show only very large differences" * (comparison.df < _FEW_DEGREES)
    return (
        f"{difference}, 95 % interval {interval((100 * low, 100 * high))}, "
        f"p {p_value(comparison.p_holm, sign='= ')}{few}"
    )


def counted(comparisons: Sequence[Comparison]) -> str:
    """Count verdicts: ``"higher in 2, inconclusive in 4 of 6"``."""
    verdicts = [each.verdict for each in comparisons]
    numbers = {
        "higher": verdicts.count("higher"),
        "lower": verdicts.count("lower"),
        "inconclusive": verdicts.count("inconclusive") + verdicts.count("same"),
        "no better than guessing": verdicts.count("guessing"),
    }
    parts = [f"{name} in {n}" for name, n in numbers.items() if n]
    return f"{', '.join(parts)} of {len(comparisons)}"
