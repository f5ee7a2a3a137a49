"""How the page writes numbers and names."""

from __future__ import annotations

import math
from collections.abc import Iterable

from reno_store.studies import Cell
from reno_store.studies.classifiers import describe_estimator
from reno_store.studies.scores import COLLAPSED, Metric

__all__ = [
    "NOTHING",
    "sort_value",
    "write_count",
    "write_estimator",
    "write_interval",
    "write_list",
    "write_models",
    "write_p",
    "write_points",
    "write_reason",
    "write_score",
]

NOTHING = "–"
"""Stands where there is no number."""


def write_score(cell: Cell, metric: Metric) -> str:
    """Write mean and standard deviation over the folds in per cent: ``"62.3 ± 2.1"``."""
    spread = f" ± {100 * cell.sd(metric):.1f}" if cell.n > 1 else ""
    return f"{100 * cell.mean(metric):.1f}{spread}{COLLAPSED if cell.n_collapsed else ''}"


def write_points(share: float) -> str:
    """Write a difference in percentage points, with its sign.

    Examples
    --------
    >>> write_points(-0.0312), write_points(0.0312), write_points(-0.0001)
    ('−3.1', '+3.1', '0.0')
    >>> write_points(float("nan"))
    '–'
    """
    if not math.isfinite(share):
        return NOTHING
    size = f"{abs(100 * share):.1f}"
    return size if float(size) == 0 else ("+" if share > 0 else "−") + size


def write_interval(interval: tuple[float, float]) -> str:
    """Write an interval in percentage points: ``"−1.2 to +3.4"``."""
    if not all(map(math.isfinite, interval)):
        return NOTHING
    return " to ".join(map(write_points, interval))


def write_p(p: float) -> str:
    """Write a p value.

    Examples
    --------
    >>> write_p(0.0312), write_p(0.00002), write_p(float("nan"))
    ('0.031', '< 0.001', '–')
    """
    if not math.isfinite(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def write_count(number: int, noun: str) -> str:
    """Write a number of things, in the singular where it is one.

    Examples
    --------
    >>> write_count(1, "clip"), write_count(1440, "clip")
    ('1 clip', '1,440 clips')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def write_list(words: Iterable[str]) -> str:
    """Write words one after the other.

    Examples
    --------
    >>> write_list(["a"]), write_list(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def write_estimator(name: str) -> str:
    """Give an estimator's title."""
    return describe_estimator(name).title


def write_models(models: Iterable[str]) -> str:
    """Write the models of a cell."""
    return " + ".join(models)


def write_reason(cell: Cell) -> str:
    """Say that a cell was not computed, and why.

    Examples
    --------
    >>> write_reason(Cell("jnv", "paper", "cnn", ("mfcc",), reason="jnv has no speakers"))
    'not computed: jnv has no speakers'
    >>> write_reason(Cell("jnv", "paper", "cnn", ("mfcc",), reason="not computed yet"))
    'not computed yet'
    """
    said = "not computed"
    if not cell.reason or cell.reason.startswith(said):
        return cell.reason or said
    return f"{said}: {cell.reason}"


def sort_value(number: float | None) -> float | None:
    """Give what a column is sorted by; None, which stands last, for what is no number."""
    return number if number is not None and math.isfinite(number) else None
