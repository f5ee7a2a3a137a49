"""Figures into files and into a page."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl

from reno_store.errors import RenoStoreError, UnknownNameError
from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.style import drawing_state
from reno_store.runtime.writing import write_whole

__all__ = ["FIGURE_FORMATS", "save_figures", "to_svg"]

_PNG_DPI = 300

# No dates and no versions, so that the same study gives the same bytes.
FIGURE_FORMATS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "pdf": {"dpi": 300, "metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
        "png": {"dpi": _PNG_DPI, "metadata": {"Software": None}},
        "svg": {
            "dpi": 200,
            "metadata": {"Date": None, "Creator": None, "Format": None, "Type": None},
        },
    }
)
"""Format -> how matplotlib is to write it."""

_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(xlink:href="#|url\(#)([^")]+)')


def save_figures(
    figures: Iterable[Figure], folder: str | Path, formats: Iterable[str] = ("pdf", "png")
) -> list[Path]:
    """Write figures, each as ``NAME.FORMAT``; a file appears whole or not at all.

    Parameters
    ----------
    figures : Iterable[Figure]
        With different names, as `figures_of` gives them. Each is drawn once.
    folder : str or Path
        Where to; it is made if it is not there. Files of the same names are replaced.
    formats : Iterable[str]
        ``"pdf"``, ``"png"`` (300 dots an inch) or ``"svg"``.

    Returns
    -------
    list[Path]
        The files, figure by figure.

    Raises
    ------
    UnknownNameError
        If a format is another.
    RenoStoreError
        If the folder cannot be written, or two figures have one name; nothing is drawn then.
    """
    folder, figures, formats = Path(folder), list(figures), list(formats)
    for name in formats:
        if name not in FIGURE_FORMATS:
            raise UnknownNameError.among("format of figures", name, FIGURE_FORMATS)
    names = [figure.name for figure in figures]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RenoStoreError(
            f"{folder}: two figures are called {min(twice)!r}, and one would replace the other; "
            "give each a name of its own (dataclasses.replace)."
        )
    _check_folder(folder)
    paths = []
    for figure in figures:
        with drawing_state():
            canvas = figure.draw()
            for name in formats:
                path = folder / f"{figure.name}.{name}"
                _write(path, _render(canvas, figure.name, name))
                paths.append(path)
            canvas.clear()
    return paths


def to_svg(figure: Figure) -> str:
    """Draw a figure as an ``<svg>`` element that stands in a page without anything else.

    Text is outlines, so no font is needed; ids begin with the figure's name, so that several
    stand in one page.
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


def _check_folder(folder: Path) -> None:
    """Find out before an hour's drawing, not after, that a folder takes no files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RenoStoreError(
            f"{folder}: figures cannot be written there: {error.strerror or error}. "
            "Name another folder."
        ) from error


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise RenoStoreError(
            f"{path}: cannot be written: {error.strerror or error}. Name another folder."
        ) from error
