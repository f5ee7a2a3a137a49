"""How numbers are written for people: scores, differences, intervals, p-values, counts.

Every table, figure, sentence and page uses these functions, so that a number looks the same
wherever it appears. Scores are in per cent, differences in percentage points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = [
    "NOTHING",
    "count",
    "decimal",
    "interval",
    "listing",
    "p_value",
    "per_cent",
    "plain",
    "points",
    "score",
]

NOTHING = "–"
"""Written where there is no number."""


def decimal(number: float, digits: int = 1) -> str:
    """Write a number with a true minus sign and without a negative zero.

    Examples
    --------
    >>> decimal(-3.14159), decimal(-0.04), decimal(2, digits=2)
    ('−3.1', '0.0', '2.00')
    """
    text = f"{number:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def score(mean: float | None, sd: float | None = None, mark: str = "") -> str:
    """Write a mean with its standard deviation, both in per cent; nothing without a mean.

    Examples
    --------
    >>> score(62.34, 2.08), score(62.34), score(12.5, 0.3, " †"), score(None)
    ('62.3 ± 2.1', '62.3', '12.5 ± 0.3 †', '')
    """
    if mean is None or not math.isfinite(mean):
        return ""
    known = sd is not None and math.isfinite(sd)
    return f"{mean:.1f}{f' ± {sd:.1f}' if known else ''}{mark}"


def points(difference: float | None) -> str:
    """Write a difference in percentage points with its sign.

    Examples
    --------
    >>> points(3.12), points(-10), points(-0.01), points(float("nan"))
    ('+3.1', '−10.0', '0.0', '–')
    """
    if difference is None or not math.isfinite(difference):
        return NOTHING
    text = decimal(difference)
    return f"+{text}" if difference > 0 and float(text) else text


def interval(ends: tuple[float, float]) -> str:
    """Write an interval in percentage points.

    Examples
    --------
    >>> interval((-1.2, 3.4)), interval((float("nan"), 3.4))
    ('−1.2 to +3.4', '–')
    """
    return " to ".join(map(points, ends)) if all(map(math.isfinite, ends)) else NOTHING


def p_value(p: float, *, sign: str = "") -> str:
    """Write a p-value, so that rounding never moves it across 5 %.

    Parameters
    ----------
    p : float
        In [0, 1], or NaN.
    sign : str
        Written before a value that is not ``"<"``, such as ``"= "``.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.00002), p_value(0.04998), p_value(float("nan"))
    ('0.031', '< 0.001', '0.04998', '–')
    >>> p_value(0.0312, sign="= ")
    '= 0.031'
    """
    if not math.isfinite(p):
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    text = f"{p:.3f}"
    return sign + (text if text != "0.050" else f"{p:.5f}")


def per_cent(share: float, digits: int = 1) -> str:
    """Write a share as per cent; a positive share is never rounded to zero.

    Examples
    --------
    >>> per_cent(0.1234), per_cent(0.0001), per_cent(0.5, digits=0)
    ('12.3 %', '<0.1 %', '50 %')
    """
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"<{least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def plain(value: object) -> str:
    """Write a hyperparameter: a float with the digits that it needs, anything else as it is.

    Examples
    --------
    >>> plain(2.0), plain(0.05), plain("balanced")
    ('2', '0.05', 'balanced')
    """
    return f"{value:g}" if isinstance(value, float) else str(value)


def count(number: int, noun: str) -> str:
    """Write a number of things, in the singular for one.

    Examples
    --------
    >>> count(1, "clip"), count(1440, "clip")
    ('1 clip', '1,440 clips')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listing(words: Iterable[str]) -> str:
    """Join words with commas and an "and".

    Examples
    --------
    >>> listing(["a"]), listing(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
