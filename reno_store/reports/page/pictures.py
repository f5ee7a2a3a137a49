"""Figures inside the page: an SVG becomes the ``data:`` address of an image.

An image rather than elements of the page, because ids of two SVGs could clash, and because a
browser runs no script in an image and loads nothing for it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reno_store.errors import RenoStoreError
from reno_store.reports.figures import Figure

__all__ = ["Picture", "make_pictures"]

_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "in": 96.0, "mm": 96 / 25.4, "cm": 96 / 2.54}
_SIZE = r'\b{side}\s*=\s*["\']\s*([0-9.]+)\s*([a-z]*)\s*["\']'
_WIDE_PX = 480
_KINDS = {
    "confusion": "Confusion matrix",
    "map": "Map of embeddings",
    "class-f1": "F1 of each class",
    "training": "Losses over training",
    "transfer": "Accuracy across corpora",
    "leak": "Paper's protocol vs speaker-disjoint folds",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, drawn.

    Attributes
    ----------
    id : str
        Id of its element.
    title, caption, dataset : str
        As of the figure.
    alt : str
        Description for those who do not see it.
    address : str
        The image as a ``data:`` address.
    width_px, height_px : int
        Its natural size.
    """

    id: str
    title: str
    caption: str
    dataset: str
    alt: str
    address: str
    width_px: int
    height_px: int

    @property
    def is_wide(self) -> bool:
        """Whether it fills a row."""
        return self.width_px >= _WIDE_PX


def make_pictures(
    figures: Sequence[Figure], to_svg: Callable[[Figure], str]
) -> tuple[Picture, ...]:
    """Draw figures.

    Parameters
    ----------
    figures : Sequence[Figure]
        In the order of the page.
    to_svg : Callable
        Figure -> SVG, with a width and a height.

    Raises
    ------
    RenoStoreError
        If the result is not an SVG with a width and a height.
    """
    return tuple(_make(number, figure, to_svg(figure)) for number, figure in enumerate(figures, 1))


def _make(number: int, figure: Figure, svg: str) -> Picture:
    width_px, height_px = _read_size(figure.name, svg)
    kind = _KINDS.get(figure.kind, "Figure")
    return Picture(
        id=f"figure-{number}",
        title=figure.title,
        caption=figure.caption,
        dataset=figure.dataset,
        alt=f"{kind}: {figure.title}. The caption describes it.",
        address="data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode(),
        width_px=width_px,
        height_px=height_px,
    )


def _read_size(name: str, svg: str) -> tuple[int, int]:
    root = re.search(r"<svg\b[^>]*>", svg)
    sizes = []
    for side in ("width", "height"):
        found = root and re.search(_SIZE.format(side=side), root.group())
        if not found or found.group(2) not in _PIXELS:
            raise RenoStoreError(
                f"figure {name!r}: expected an SVG whose root has a {side} in pt, px, in, mm or "
                f"cm, got {svg[:60]!r}."
            )
        sizes.append(round(float(found.group(1)) * _PIXELS[found.group(2)]))
    return sizes[0], sizes[1]
