"""Printing what rich lays out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["print_wide"]

_WIDTH_OF_TEXT = 140


def print_wide(renderable: RenderableType) -> None:
    """Print to standard output; to a file or pipe, wide enough that no table is folded."""
    from rich.console import Console
    from rich.measure import Measurement

    width = None
    if not sys.stdout.isatty():
        endless = Console(width=100_000)
        needed = Measurement.get(endless, endless.options, renderable).maximum
        width = max(_WIDTH_OF_TEXT, needed)
    Console(width=width, highlight=False).print(renderable)
