"""Printing what rich lays out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["print_wide"]

_WIDTH_WITHOUT_TERMINAL = 140


def print_wide(renderable: RenderableType) -> None:
    """Print to standard output; to a file or pipe, wide enough that no table is folded."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    Console(width=width, highlight=False).print(renderable)
