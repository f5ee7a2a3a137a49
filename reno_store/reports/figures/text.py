"""Text on figures: how wide it is, and how it is wrapped or shortened to fit."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from reno_store.reports.figures.style import FONT_SIZE

__all__ = ["LINE_HEIGHT", "POINTS_PER_INCH", "shorten_all", "text_width", "wrap"]

POINTS_PER_INCH = 72.0
_PARTS = re.compile(r"[^\s?&_-]*[?&_-]?\s*")
LINE_HEIGHT = 1.35 * FONT_SIZE / POINTS_PER_INCH
"""Inches from one line of text to the next."""


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Return the width of a line of text in inches, without kerning, which only narrows it."""
    return sum(map(_advance, text)) * size / POINTS_PER_INCH


@functools.lru_cache(maxsize=4096)
def _advance(char: str) -> float:
    """Return the width of a character, in parts of the font size."""
    font = FontProperties(family="DejaVu Sans")
    # Between bars, because a blank has no outline.
    path = TextPath((0, 0), f"|{char}|", size=100, prop=font, usetex=False)
    bars = TextPath((0, 0), "||", size=100, prop=font, usetex=False)
    return float(path.get_extents().width - bars.get_extents().width) / 100


def wrap(text: str, width: float, size: float = FONT_SIZE) -> list[str]:
    """Break text into lines of at most `width` inches, inside a word if necessary.

    Lines break at blanks, and after signs that are common in names of models.
    """
    lines = [""]
    for word in _PARTS.findall(text):
        if text_width((lines[-1] + word).rstrip(), size) <= width:
            lines[-1] += word
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if lines[-1] and text_width(lines[-1] + char, size) > width:
                lines.append("")
            lines[-1] += char
    return [line.rstrip() for line in lines]


def shorten_all(texts: Sequence[str], width: float) -> list[str]:
    """Cut the middle out of texts wider than `width` inches; different texts stay different.

    Where two would look the same, both start with their number.
    """
    lines = [" ".join(text.split()) for text in texts]
    short = [_shorten(text, width) for text in lines]
    if len(set(short)) == len(set(texts)):
        return short
    return [
        one if short.count(one) == 1 else _shorten(f"{number}: {whole}", width, keep_end=False)
        for number, (one, whole) in enumerate(zip(short, lines, strict=True), start=1)
    ]


def _shorten(text: str, width: float, *, keep_end: bool = True) -> str:
    if text_width(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        end = kept // 3 if keep_end else 0
        cut = f"{text[: kept - end].rstrip()}…{text[len(text) - end :].lstrip() if end else ''}"
        if text_width(cut) <= width:
            return cut
    return text[:1] + "…"
