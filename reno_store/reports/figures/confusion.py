"""Confusion matrices: the paper's Figure 3."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.conclusions.names import cell_title
from reno_store.errors import RenoStoreError
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.text import POINTS_PER_INCH, shorten_all, text_width
from reno_store.runtime.numbers import count
from reno_store.studies import Cell

__all__ = ["confusion_figure", "draw_confusion", "label_columns"]

_WIDEST_LABEL = 1.25
_FEW = 12
"""With more labels, empty cells have no numbers and per cents no sign."""
_FEW_NARROW = 8
"""Up to as many labels, the matrix fits a telephone."""
_LARGEST_CELL = 0.62
_PADDING = 0.05
_TWO_LINES = 2.35 * style.FONT_SIZE / POINTS_PER_INCH


def confusion_figure(cell: Cell) -> Figure:
    """Show which labels a cell confuses.

    Parameters
    ----------
    cell : Cell
        A computed cell.

    Raises
    ------
    RenoStoreError
        If the cell was not computed.
    """
    title = f"{cell.dataset}: {cell_title(cell)}"
    if not cell.computed:
        raise RenoStoreError(
            f"{title} (protocol {cell.protocol}) has no confusion matrix: it was not computed. "
            f"{cell.reason}"
        )
    counts = cell.confusion().to_numpy()
    parts = (cell.dataset, cell.protocol, cell.name, "+".join(cell.models))
    return Figure(
        name=file_name("confusion", *parts),
        kind="confusion",
        title=f"{cell.dataset}: confusion of {cell_title(cell)}, protocol {cell.protocol}",
        caption="How the clips of each true label (row) are predicted: their number, and the per "
        "cent of the row (colour).",
        details=_details(cell, counts),
        dataset=cell.dataset,
        draw=functools.partial(_draw, counts, cell.labels),
        draw_narrow=functools.partial(_draw, counts, cell.labels, narrow=True)
        if len(cell.labels) <= _FEW_NARROW
        else None,
    )


def _details(cell: Cell, counts: NDArray[np.int64]) -> str:
    accuracy = 100 * float(np.trace(counts) / max(1, counts.sum()))
    sentences = [
        f"Accuracy {accuracy:.1f} % of {counts.sum():,} predictions, over "
        f"{count(cell.n, 'test fold')}."
    ]
    if len(cell.seeds) > 1:
        sentences.append(f"Each clip counts once for each of {len(cell.seeds)} seeds.")
    if len(cell.labels) > _FEW:
        sentences.append("Cells without numbers have no clips.")
    if never := [label for label, n in zip(cell.labels, counts.sum(axis=0), strict=True) if not n]:
        sentences.append(f"Never predicted: {', '.join(never)}.")
    return " ".join(sentences)


@style.in_style
def _draw(counts: NDArray[np.int64], labels: tuple[str, ...], *, narrow: bool = False) -> Canvas:
    """Draw the matrix; a narrow one has the per cents alone."""
    n = len(labels)
    column = style.SCREEN_WIDTH if narrow else style.COLUMN_WIDTH
    canvas = style.new_canvas(column)
    axes = canvas.subplots()
    draw_confusion(axes, counts, labels, narrow=narrow)
    widest = max(text_width(line) for text in axes.texts for line in text.get_text().split("\n"))
    needed = max(0.0 if narrow else _TWO_LINES, widest + _PADDING)
    room = column - _margin(canvas)
    cell = min(max(room / n, needed), max(needed, _LARGEST_CELL))
    if room / n < needed:  # wider than a column, and no wider than a page if possible
        cell = max(needed, min((room + style.PAGE_WIDTH - column) / n, 1.25 * needed))
    width = max(column, column - room + n * cell)
    label_columns(axes, labels, cell, narrow=narrow)
    canvas.set_size_inches(width, n * cell + 1)
    style.fit(axes, height=n * cell)
    return canvas


def draw_confusion(
    axes: Axes, counts: NDArray[np.int64], labels: Sequence[str], *, narrow: bool = False
) -> None:
    """Draw clips by true and predicted label on axes; `label_columns` adds the predicted ones.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Empty axes.
    counts : numpy.ndarray of int64, shape (n_labels, n_labels)
        Clips by true label (rows) and predicted label (columns).
    labels : Sequence[str]
        Names of the labels.
    narrow : bool
        Whether to write the per cents alone.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    n, sign = len(labels), " %" if len(labels) <= _FEW and not narrow else ""
    edges = np.arange(n + 1) - 0.5
    axes.pcolormesh(
        edges, edges, shares, cmap=style.SHARES, vmin=0, vmax=1, edgecolors="#E4E4E4", linewidth=0.4
    )
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_yticks(range(n), _names(labels, narrow=narrow))
    axes.set_ylabel("true label")
    small = " (% of the row)" if narrow else "" if sign else " (above: clips, below: % of the row)"
    axes.set_xlabel(f"predicted label{small}")
    for i, j in np.ndindex(*counts.shape):
        if n <= _FEW or counts[i, j]:
            clips = "" if narrow else f"{counts[i, j]:,}\n"
            axes.text(
                j,
                i,
                f"{clips}{100 * shares[i, j]:.0f}{sign}",
                ha="center",
                va="center",
                linespacing=1.1,
                in_layout=False,  # the margins are measured before cells have their size
                color=style.ink_on(style.SHARES(shares[i, j])),
            )


def label_columns(axes: Axes, labels: Sequence[str], cell: float, *, narrow: bool = False) -> None:
    """Name the columns, upright where a name is wider than a cell (inches)."""
    names = _names(labels, narrow=narrow)
    rotated = max(map(text_width, names)) + _PADDING > cell
    axes.set_xticks(range(len(names)), names, rotation=90 if rotated else 0, ha="center")


def _names(labels: Sequence[str], *, narrow: bool) -> list[str]:
    return shorten_all(labels, _WIDEST_LABEL / 2 if narrow else _WIDEST_LABEL)


def _margin(canvas: Canvas) -> float:
    """Return the width in inches of what is left and right of the axes."""
    (axes,) = canvas.axes
    axes.set_aspect("auto")
    margin = canvas.get_size_inches()[0] - style.axes_size(axes)[0]
    axes.set_aspect("equal")
    return float(margin)
