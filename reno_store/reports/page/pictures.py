"""Figures as images inside a page."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reno_store.errors import RenoStoreError
from reno_store.reports.figures import Figure
from reno_store.reports.figures.style import FONT_SIZE

__all__ = ["Image", "Picture", "leave_out", "picture_of"]

_SIZES = re.compile(r'<svg\b[^>]*?\swidth="([0-9.]+)pt"\s+height="([0-9.]+)pt"')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ID = re.compile(r'\s+id="([^"]*)"')
_REFERENCE = re.compile(r'(href="#|url\(#)([^")]+)')
_BLANKS = re.compile(r"\s+")
_PIXELS_PER_POINT = 12 / FONT_SIZE
"""The smallest text of a figure has 12 pixels."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as a ``data:`` address, its width and height in pixels.

    An image rather than elements of the page, because ids of two SVGs could clash, and because a
    browser runs no script in an image and loads nothing for it.
    """

    address: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, and how it looks on a wide and on a narrow screen.

    Attributes
    ----------
    figure : Figure
        The figure.
    wide : Image
        As in print.
    narrow : Image or None
        For telephones, where the figure has one.
    """

    figure: Figure
    wide: Image
    narrow: Image | None


def picture_of(figure: Figure, to_svg: Callable[[Figure], str]) -> Picture:
    """Draw a figure.

    Raises
    ------
    RenoStoreError
        If the result of `to_svg` is not an SVG with a width and a height.
    """
    narrow = None
    if figure.draw_narrow is not None:
        named = replace(figure, name=f"{figure.name}-narrow", draw=figure.draw_narrow)
        narrow = _image(named, to_svg)
    return Picture(figure, _image(figure, to_svg), narrow)


def _image(figure: Figure, to_svg: Callable[[Figure], str]) -> Image:
    svg = to_svg(figure)
    sizes = _SIZES.search(svg)
    if sizes is None:
        raise RenoStoreError(
            f"figure {figure.name!r}: expected an SVG with a width and a height in pt, got "
            f"{svg[:60]!r}."
        )
    width, height = (round(float(each) * _PIXELS_PER_POINT) for each in sizes.groups())
    address = "data:image/svg+xml;base64," + base64.b64encode(_compact(svg).encode()).decode()
    return Image(address, width, height)


def _compact(svg: str) -> str:
    """Shorten an SVG by a third: without comments and line breaks, and with short ids.

    Ids of different images may be equal.
    """
    svg = _COMMENT.sub("", svg)
    used = dict.fromkeys(name for _, name in _REFERENCE.findall(svg))
    short = {name: f"i{number:x}" for number, name in enumerate(used)}
    svg = _ID.sub(lambda found: f' id="{short[found[1]]}"' if found[1] in short else "", svg)
    svg = _REFERENCE.sub(lambda found: found[1] + short[found[2]], svg)
    return _BLANKS.sub(" ", svg).replace("> <", "><")


def leave_out(pictures: Sequence[Picture], excess: int) -> tuple[list[Picture], list[Figure]]:
    """Leave out images until as many bytes are saved.

    Those for narrow screens go first, then whole figures from the last. Maps go before others.

    Parameters
    ----------
    pictures : Sequence[Picture]
        All pictures.
    excess : int
        How many bytes to save.

    Returns
    -------
    tuple of list
        The pictures that are left, and the figures that are not.
    """
    kept: dict[int, Picture] = dict(enumerate(pictures))
    maps = [place for place, each in kept.items() if each.figure.kind == "map"]
    others = [place for place in kept if place not in maps]
    for places in (maps, others):
        for place in places[::-1]:
            narrow = kept[place].narrow
            if excess > 0 and narrow is not None:
                excess -= len(narrow.address)
                kept[place] = replace(kept[place], narrow=None)
        for place in places[::-1]:
            if excess > 0:
                excess -= len(kept.pop(place).wide.address)
    return list(kept.values()), [each.figure for n, each in enumerate(pictures) if n not in kept]
