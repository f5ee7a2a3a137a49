"""Figures as images inside a page."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reno_store.errors import RenoStoreError
from reno_store.reports.figures import Figure
from reno_store.reports.figures.style import FONT_SIZE

__all__ = ["Image", "Picture", "picture_of", "without_maps"]

_SIZES = re.compile(r'<svg\b[^>]*?\swidth="([0-9.]+)pt"\s+height="([0-9.]+)pt"')
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
    address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return Image(address, width, height)


def without_maps(pictures: Sequence[Picture], excess: int) -> tuple[list[Picture], list[Figure]]:
    """Leave out maps until as many bytes are saved: those for narrow screens, then whole ones.

    Returns
    -------
    tuple of list
        The pictures that are left, and the figures that are not.
    """
    kept, left_out = list(pictures), []
    maps = [place for place, each in enumerate(kept) if each.figure.kind == "map"]
    for place in maps:
        narrow = kept[place].narrow
        if narrow is not None:
            excess -= len(narrow.address)
            kept[place] = replace(kept[place], narrow=None)
    while excess > 0 and maps:
        picture = kept.pop(maps.pop())
        excess -= len(picture.wide.address)
        left_out.append(picture.figure)
    return kept, left_out[::-1]
