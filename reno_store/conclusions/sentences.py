"""Comparisons in words, one sentence each, that can be quoted alone.

A comparison that shows no difference is called inconclusive, never equal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reno_store.conclusions.names import cell_title, estimator_title, models_title
from reno_store.runtime.numbers import count, decimal, interval, p_value, points
from reno_store.studies import Cell
from reno_store.studies.classifiers import LINEAR_PROBE
from reno_store.studies.scores import METRIC_TITLES

if TYPE_CHECKING:
    from reno_store.conclusions.comparisons import Comparison

__all__ = ["comparison_sentence", "probe_sentences"]

_FEW_DEGREES = 3
"""With fewer degrees of freedom (2 or 3 folds) the 95 % quantile of t is 4.3 or 12.7."""

_MOST_NAMED = 6


def comparison_sentence(comparison: Comparison) -> str:
    """Return the result of a comparison with its numbers.

    Returns
    -------
    str
        Such as "jnv, protocol paper: RENO vs Concat on mfcc + logmel: inconclusive (+1.2 points
        of accuracy, 95 % interval −3.0 to +5.4, p = 0.480; paired over 5 folds, t(4) = 0.79)."
    """
    first, second = comparison.first, comparison.second
    if not comparison.paired:
        who = (
            f"{first.dataset}: {cell_title(first)}, protocol {first.protocol} vs "
            f"{second.protocol} (voices never heard in training)"
        )
    elif first.estimator == second.estimator:
        sides = f"{models_title(first.models)} vs {models_title(second.models)}"
        who = f"{_place(comparison)}: {sides} with {estimator_title(first)}"
    else:
        sides = f"{estimator_title(first)} vs {estimator_title(second)}"
        who = f"{_place(comparison)}: {sides} on {models_title(first.models)}"
    verdict = "inconclusive" if comparison.verdict == "same" else comparison.verdict
    return f"{who}: {verdict} ({_numbers(comparison)})."


def _place(comparison: Comparison) -> str:
    return f"{comparison.dataset}, protocol {comparison.protocol}"


def _numbers(comparison: Comparison) -> str:
    metric = METRIC_TITLES[comparison.metric]
    difference = f"{points(100 * comparison.difference)} points of {metric}"
    folds = _folds(comparison)
    if math.isnan(comparison.t):
        if comparison.verdict == "same":
            where = f"the same {metric} in every fold"
        else:
            one = math.isnan(comparison.df)
            where = f"{difference} in {'a single fold' if one else 'every fold'}"
        return f"{where}, so there is no spread to test with; {folds}"
    low, high = comparison.interval
    p = f"p {p_value(comparison.p_holm, sign='= ')}"
    if comparison.n_family > 1:
        p += (
            f" after Holm's adjustment for {comparison.n_family} comparisons, "
            f"{p_value(comparison.p)} alone"
        )
    # Welch's degrees of freedom are not a whole number.
    df = decimal(comparison.df, 0 if comparison.paired else 1)
    few = "; so few folds show only very large differences" if comparison.df < _FEW_DEGREES else ""
    return (
        f"{difference}, 95 % interval {interval((100 * low, 100 * high))}, {p}; {folds}, "
        f"t({df}) = {decimal(comparison.t, 2)}{few}"
    )


def _folds(comparison: Comparison) -> str:
    first, second = _count(comparison.first), _count(comparison.second)
    if comparison.paired:
        return f"paired over {first}"
    both = f"{first} each" if first == second else f"{first} and {second}"
    return f"unpaired, since the protocols share no folds: {both}"


def _count(cell: Cell) -> str:
    folds = count(len(cell.outcomes[0]), "fold")
    return folds if len(cell.outcomes) == 1 else f"{folds} x {len(cell.outcomes)} seeds"


def probe_sentences(comparisons: Iterable[Comparison]) -> list[str]:
    """Return how the paper's networks compare with logistic regression on the same embeddings.

    Parameters
    ----------
    comparisons : Iterable[Comparison]
        Those of `compare_study`. Other kinds are ignored.

    Returns
    -------
    list of str
        A sentence for each dataset, protocol and metric, in the order of the comparisons.
    """
    groups: dict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for each in comparisons:
        if each.kind == "network-probe":
            groups[each.dataset, each.protocol, each.metric].append(each)
    return [_probe_sentence(own) for own in groups.values()]


def _probe_sentence(comparisons: Sequence[Comparison]) -> str:
    first = comparisons[0]
    higher, lower = (
        [each for each in comparisons if each.verdict == name] for name in ("higher", "lower")
    )
    others = [each for each in comparisons if each not in (*higher, *lower)]
    parts = [f"higher for {len(higher)} of {count(len(comparisons), 'network')}"]
    parts += [f"lower for {len(lower)} ({_named(lower)})"] if lower else []
    parts += [f"inconclusive for {len(others)} ({_named(others)})"] if others else []
    return (
        f"{_place(first)}: {METRIC_TITLES[first.metric]} vs {estimator_title(LINEAR_PROBE)} on the "
        f"same embeddings is {'; '.join(parts)}."
    )


def _named(comparisons: Sequence[Comparison]) -> str:
    """Name networks with their differences in points, the lowest first."""
    ordered = sorted(comparisons, key=lambda each: each.difference)
    names = [
        f"{cell_title(each.first)} {points(100 * each.difference)}"
        for each in ordered[:_MOST_NAMED]
    ]
    n_more = len(ordered) - len(names)
    return ", ".join([*names, *([f"{n_more} more"] if n_more else [])])
