"""Comparisons in words: one sentence each, that can be quoted alone.

Nothing is ever called equal because a test did not tell two scores apart: an undecided
comparison says with what differences the folds are compatible.
"""

from __future__ import annotations

import math

from reno_store.conclusions.comparisons import Comparison
from reno_store.studies import Cell
from reno_store.studies.classifiers import describe_estimator
from reno_store.studies.scores import METRIC_TITLES

__all__ = ["comparison_sentence", "in_points"]

_FEW_DEGREES = 3
"""With fewer degrees of freedom (2 or 3 folds) the 95 % quantile of t is 4.3 or 12.7."""


def in_points(difference: float, *, signed: bool = True) -> str:
    """Write a difference in percentage points, one decimal.

    Examples
    --------
    >>> in_points(0.0423), in_points(-0.1), in_points(-0.0001), in_points(0.2, signed=False)
    ('+4.2', '−10.0', '0.0', '20.0')
    """
    text = f"{100 * difference:+.1f}" if signed else f"{100 * abs(difference):.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def comparison_sentence(comparison: Comparison, n_family: int) -> str:
    """Say what a comparison allows one to conclude.

    Parameters
    ----------
    comparison : Comparison
        Its own `sentence` is not looked at.
    n_family : int
        How many comparisons p was adjusted for.
    """
    details = _details(comparison, n_family)
    if comparison.kind == "paper-speaker":
        return _leak(comparison, details)
    return _paired(comparison, details)


def _paired(comparison: Comparison, details: str) -> str:
    where = f"On {comparison.dataset} under protocol {comparison.protocol}"
    first, second, basis = _sides(comparison)
    metric = METRIC_TITLES[comparison.metric]
    if comparison.verdict in ("higher", "lower"):
        return (
            f"{where}, {first} scores {comparison.verdict} than {second} {basis}, by "
            f"{in_points(comparison.difference, signed=False)} points of {metric} ({details})."
        )
    return (
        f"{where}, no difference in {metric} between {first} and {second} {basis} may be "
        f"concluded: {_undecided(comparison)} ({details})."
    )


def _leak(comparison: Comparison, details: str) -> str:
    metric = METRIC_TITLES[comparison.metric]
    who = f"{_title(comparison.first)} with {_models(comparison.first)}"
    unheard = f"voices never heard in training (protocol {comparison.second.protocol})"
    if comparison.verdict in ("higher", "lower"):
        verb = {"higher": "overstates", "lower": "understates"}[comparison.verdict]
        return (
            f"On {comparison.dataset}, the paper's protocol {verb} the {metric} of {who} on "
            f"{unheard} by {in_points(comparison.difference, signed=False)} points ({details})."
        )
    return (
        f"On {comparison.dataset}, it may not be concluded whether the paper's protocol "
        f"overstates the {metric} of {who} on {unheard}: {_undecided(comparison)} ({details})."
    )


def _sides(comparison: Comparison) -> tuple[str, str, str]:
    """Name both sides, and what they have in common."""
    first, second = comparison.first, comparison.second
    if first.estimator == second.estimator:
        return _models(first), _models(second), f"with {_title(first)}"
    return _title(first), _title(second), f"on {_models(first)}"


def _title(cell: Cell) -> str:
    return describe_estimator(cell.estimator).title


def _models(cell: Cell) -> str:
    return " + ".join(cell.models)


def _undecided(comparison: Comparison) -> str:
    """Say why nothing may be concluded, and what remains possible."""
    points = in_points(comparison.difference)
    if comparison.verdict == "same":
        return "both score the same in every fold, which leaves no spread to test with"
    if math.isnan(comparison.df):
        return f"the difference is {points} points, and one fold shows no spread to test with"
    if math.isnan(comparison.p):
        return (
            f"the difference is {points} points in every fold, which leaves no spread to test with"
        )
    low, high = comparison.interval
    reach = f"{in_points(low)} to {in_points(high)} points"
    if low > 0 or high < 0:
        return (
            f"the mean difference is {points} points, and its interval, {reach}, would suffice "
            "if it stood alone, but not among all comparisons of its kind"
        )
    return (
        f"the mean difference is {points} points, and the folds are compatible with anything "
        f"from {reach}"
    )


def _details(comparison: Comparison, n_family: int) -> str:
    decided = comparison.verdict in ("higher", "lower")
    words = [_folds(comparison)]
    if not math.isnan(comparison.t):
        low, high = (in_points(end) for end in comparison.interval)
        # Welch's degrees of freedom are no whole number
        df = f"{comparison.df:.0f}" if comparison.paired else f"{comparison.df:.1f}"
        test = f"t({df}) = {_write_t(comparison.t)}, p {_p(comparison.p)}"
        if n_family > 1:
            test += f", after Holm's adjustment for {n_family} comparisons p "
            test += _p(comparison.p_holm)
        words = [f"95 % interval {low} to {high}" if decided else "95 % interval", *words, test]
        if comparison.df < _FEW_DEGREES:
            words += ["so few folds can show only very large differences"]
    return "; ".join(words)


def _folds(comparison: Comparison) -> str:
    first, second = _count(comparison.first), _count(comparison.second)
    if comparison.paired:
        return f"paired over {first}"
    both = f"{first} each" if first == second else f"{first} and {second}"
    return f"unpaired, since the protocols have no folds in common: {both}"


def _count(cell: Cell) -> str:
    n_folds, n_seeds = len(cell.outcomes[0]), len(cell.outcomes)
    folds = f"{n_folds} fold{'s' if n_folds != 1 else ''}"
    return folds if n_seeds == 1 else f"{folds} x {n_seeds} seeds"


def _write_t(t: float) -> str:
    text = f"{t:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")


def _p(p: float) -> str:
    """Write a p-value so that it does not seem to stand on the other side of 5 %."""
    if p < 0.001:
        return "< 0.001"
    text = f"{p:.3f}"
    return f"= {text if text != '0.050' else f'{p:.5f}'}"
