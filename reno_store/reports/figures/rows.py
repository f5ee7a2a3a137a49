"""Rows of a figure, one below the other, of different heights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Place", "stack_rows"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is: its upper and lower end, and its marks. Downwards, in rows or lines."""

    top: float
    marks: float
    bottom: float


def stack_rows(heights: Sequence[float], marks: float | None = None) -> list[Place]:
    """Put rows one below the other.

    Parameters
    ----------
    heights : Sequence[float]
        Of each row.
    marks : float, optional
        How far above the lower end of its row a mark is; in the middle by default.
    """
    ends = list(itertools.accumulate(heights))
    return [
        Place(end - height, end - (height / 2 if marks is None else marks), end)
        for end, height in zip(ends, heights, strict=True)
    ]
