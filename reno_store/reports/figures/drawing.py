"""What a figure is: a name, words, and a way to draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a study, not drawn yet.

    Attributes
    ----------
    name : str
        Stem of its files, unique in the study: ``"confusion-jnv-paper-reno-mfcc+logmel"``.
    kind : str
        ``"confusion"``, ``"map"``, ``"class-f1"``, ``"training"`` or ``"leak"``.
    title : str
        Heading on the page.
    caption : str
        What it shows and how to read it.
    dataset : str
        Which dataset it is of.
    draw : Callable
        Draws it.
    """

    name: str
    kind: str
    title: str
    caption: str
    dataset: str
    draw: Callable[[], Canvas]
