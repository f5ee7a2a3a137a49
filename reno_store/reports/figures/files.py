"""Figures: their names, and how they become files or part of a page."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from reno_store.errors import RenoStoreError, UnknownNameError
from reno_store.reports.figures.style import drawing_state
from reno_store.runtime.writing import check_folder, write_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["FIGURE_FORMATS", "Figure", "file_name", "name_apart", "save_figures", "to_svg"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a study, drawn on demand.

    Attributes
    ----------
    name : str
        Stem of its files, unique in the study: ``"confusion-jnv-paper-reno-mfcc+logmel"``.
    kind : str
        ``"scores"``, ``"confusion"``, ``"map"``, ``"class-f1"``, ``"training"``, ``"surface"`` or
        ``"transfer"``.
    title : str
        Heading on the page; the figure itself has none.
    caption : str
        What it shows, in about two lines.
    dataset : str
        Its dataset.
    draw : Callable
        Draws it.
    details : str
        How it was made, and how to read it.
    draw_narrow : Callable, optional
        Draws it for a narrow screen, `style.SCREEN_WIDTH` wide.
    """

    name: str
    kind: str
    title: str
    caption: str
    dataset: str
    draw: Callable[[], Canvas]
    details: str = ""
    draw_narrow: Callable[[], Canvas] | None = None


# No dates and no versions, so that the same study gives the same bytes.
FIGURE_FORMATS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "pdf": {"dpi": 300, "metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
        "png": {"dpi": 300, "metadata": {"Software": None}},
        "svg": {
            "dpi": 144,
            "metadata": {"Date": None, "Creator": None, "Format": None, "Type": None},
        },
    }
)
"""Format -> options of matplotlib."""

_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(xlink:href="#|url\(#)([^")]+)')
_ODD = re.compile(r"[^A-Za-z0-9._+=-]+")
_LONGEST_NAME = 150
"""File systems take 255 bytes, including an ending and a suffix."""


def file_name(*parts: str) -> str:
    """Return the stem of a file name made of parts.

    Examples
    --------
    >>> file_name("map", "my data/2", "wavlm-base?layer=9")
    'map-my_data_2-wavlm-base_layer=9'
    """
    name = "-".join(_ODD.sub("_", part) for part in parts)
    if len(name) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: _LONGEST_NAME - 9]}-{digest}"
    return name


def name_apart(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Add numbers to names that occur twice, ignoring case as some file systems do."""
    taken: set[str] = set()
    apart = []
    for figure in figures:
        name, number = figure.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{figure.name}-{number}"
        taken.add(name.casefold())
        apart.append(figure if name == figure.name else replace(figure, name=name))
    return tuple(apart)


def save_figures(
    figures: Iterable[Figure], folder: str | Path, formats: Iterable[str] = ("pdf", "png")
) -> list[Path]:
    """Write figures, each as ``NAME.FORMAT``. A file is written as a whole or not at all.

    Parameters
    ----------
    figures : Iterable[Figure]
        Figures with different names, such as those of `figures_of`. Each is drawn once.
    folder : str or Path
        The folder, made if missing. Files of the same names are replaced.
    formats : Iterable[str]
        ``"pdf"``, ``"png"`` (300 dots per inch) or ``"svg"``.

    Returns
    -------
    list[Path]
        The files, figure by figure.

    Raises
    ------
    UnknownNameError
        If a format is another.
    RenoStoreError
        If the folder cannot be written, or two figures have the same name; then nothing is
        drawn.
    """
    folder, figures, formats = Path(folder), list(figures), list(formats)
    for name in formats:
        if name not in FIGURE_FORMATS:
            raise UnknownNameError.among("format of figures", name, FIGURE_FORMATS)
    names = [figure.name for figure in figures]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RenoStoreError(
            f"{folder}: two figures have the name {min(twice)!r}; give each its own "
            "(dataclasses.replace)."
        )
    try:
        check_folder(folder)
    except OSError as error:
        raise RenoStoreError(
            f"{folder}: figures cannot be written there: {error.strerror or error}. "
            "Name another folder."
        ) from error
    paths = []
    for figure in figures:
        with drawing_state():
            canvas = figure.draw()
            for name in formats:
                path = folder / f"{figure.name}.{name}"
                write_output(path, _render(canvas, figure.name, name))
                paths.append(path)
            canvas.clear()
    return paths


def to_svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element that needs no fonts and no other files.

    Text becomes outlines. Ids begin with the figure's name, so that one page can have several.
    """
    with drawing_state():
        canvas = figure.draw()
        text = _render(canvas, figure.name, "svg").decode()
        canvas.clear()
    text = text[text.index("<svg") :]
    text = _ID.sub(rf'id="{figure.name}-\1"', text)
    text = _REFERENCE.sub(rf"\g<1>{figure.name}-\g<2>", text)
    label = escape(figure.title, quote=True)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _render(canvas: Any, name: str, to: str) -> bytes:
    mpl.rcParams["svg.hashsalt"] = name  # ids are random otherwise
    file = io.BytesIO()
    canvas.savefig(file, format=to, **FIGURE_FORMATS[to])
    return file.getvalue()
