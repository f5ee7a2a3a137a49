"""Confusion matrices: the paper's Figure 3."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.errors import RenoStoreError
from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.naming import cell_title, file_name, protocol_title
from reno_store.reports.figures.style import (
    COLUMN_WIDTH,
    FONT_SIZE,
    PAGE_WIDTH,
    SHARES,
    in_style,
    ink_on,
    new_canvas,
)
from reno_store.reports.figures.words import (
    LINE_HEIGHT,
    POINTS_PER_INCH,
    shorten_all,
    text_width,
    wrap,
)
from reno_store.studies import Cell

__all__ = ["confusion_figure"]

_WIDEST_LABEL = 1.25
_FEW = 12
"""Up to so many labels every cell has its numbers, and per cents their sign."""
_GAP = 0.05
_LARGEST_CELL = 0.62
_PADDING = 0.05
_TWO_LINES = 2.35 * FONT_SIZE / POINTS_PER_INCH


def confusion_figure(cell: Cell) -> Figure:
    """Show what a cell takes for what.

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
            f"{title} ({protocol_title(cell.protocol)}) has no confusion matrix: it was not "
            f"computed. {cell.reason}"
        )
    counts = cell.confusion().to_numpy()
    return Figure(
        name=file_name("confusion", cell.dataset, cell.protocol, cell.estimator, *_joined(cell)),
        kind="confusion",
        title=f"{title}, {protocol_title(cell.protocol)}",
        caption=_caption(cell, counts),
        dataset=cell.dataset,
        draw=functools.partial(_draw, counts, cell.labels, f"{title}, {cell.protocol}"),
    )


def _joined(cell: Cell) -> list[str]:
    return ["+".join(cell.models)]


def _caption(cell: Cell, counts: NDArray[np.int64]) -> str:
    sentences = [
        f"Confusion of {cell_title(cell)} on {cell.dataset} under the "
        f"{protocol_title(cell.protocol)}: rows are true labels, columns predicted ones. Each "
        "cell gives clips, and below them the per cent of the row, which the colour shows too. "
        f"Accuracy {100 * _accuracy(counts):.1f} % of {counts.sum():,} predictions, over "
        f"{cell.n} test folds.",
    ]
    if len(cell.seeds) > 1:
        sentences.append(f"Each clip counts once for each of {len(cell.seeds)} seeds.")
    if len(cell.labels) > _FEW:
        sentences.append("Cells without numbers have no clips.")
    if never := [label for label, n in zip(cell.labels, counts.sum(axis=0), strict=True) if not n]:
        sentences.append(f"Never predicted: {', '.join(never)}.")
    return " ".join(sentences)


def _accuracy(counts: NDArray[np.int64]) -> float:
    return float(np.trace(counts) / max(1, counts.sum()))


@dataclass(frozen=True, slots=True)
class _Layout:
    """Everything in inches; `rotated` is whether column labels stand upright."""

    labels: list[str]
    cell: float
    left: float
    bottom: float
    top: float
    width: float
    rotated: bool

    @property
    def side(self) -> float:
        return self.cell * len(self.labels)

    @property
    def height(self) -> float:
        return self.bottom + self.side + self.top


def _lay_out(texts: list[str], labels: tuple[str, ...], n_title_lines: int) -> _Layout:
    """Make cells as large as their numbers need, and the figure as wide as that takes.

    A column wide where that is enough; more than a page only where 7 points need it.
    """
    names = shorten_all(labels, _WIDEST_LABEL)
    widest = max(text_width(name) for name in names)
    needed = max(_TWO_LINES, *(text_width(text) + _PADDING for text in texts))
    left = widest + LINE_HEIGHT + 3 * _GAP
    n = len(labels)
    room = (COLUMN_WIDTH - left - _GAP) / n
    if room < needed:  # not one column then: as wide as reads well, a page if it may be
        room = min((PAGE_WIDTH - left - _GAP) / n, 1.25 * needed)
    cell = min(max(room, needed), max(needed, _LARGEST_CELL))
    whole = max(COLUMN_WIDTH, left + n * cell + _GAP)
    rotated = widest + _GAP > cell
    below = widest if rotated else LINE_HEIGHT
    return _Layout(
        labels=names,
        cell=cell,
        left=left + (whole - left - _GAP - n * cell) / 2,
        bottom=below + LINE_HEIGHT + 2 * _GAP,
        top=n_title_lines * LINE_HEIGHT + 2 * _GAP,
        width=whole,
        rotated=rotated,
    )


@in_style
def _draw(counts: NDArray[np.int64], labels: tuple[str, ...], title: str) -> Canvas:
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    sign = " %" if len(labels) <= _FEW else ""
    texts = [[f"{n:,}" for n in row] for row in counts.tolist()]
    per_cents = [[f"{100 * share:.0f}{sign}" for share in row] for row in shares.tolist()]
    flat = [text for row in (*texts, *per_cents) for text in row]
    layout = _lay_out(flat, labels, 1)
    lines = wrap(title, layout.width - 2 * _GAP)
    if len(lines) > 1:
        layout = _lay_out(flat, labels, len(lines))

    canvas = new_canvas(layout.width, layout.height)
    axes = canvas.add_axes(
        (
            layout.left / layout.width,
            layout.bottom / layout.height,
            layout.side / layout.width,
            layout.side / layout.height,
        )
    )
    edges = np.arange(len(labels) + 1) - 0.5
    axes.pcolormesh(
        edges, edges, shares, cmap=SHARES, vmin=0, vmax=1, edgecolors="#E4E4E4", linewidth=0.4
    )
    axes.invert_yaxis()
    # Half a line above the middle and half a line below, in parts of a cell.
    offset = _TWO_LINES / 4.4 / layout.cell
    for i, j in np.ndindex(*counts.shape):
        if len(labels) > _FEW and not counts[i, j]:
            continue
        ink = ink_on(SHARES(shares[i, j]))
        for text, y in ((texts[i][j], i - offset), (per_cents[i][j], i + offset)):
            axes.text(j, y, text, ha="center", va="center_baseline", color=ink)
    axes.set_xticks(
        range(len(labels)),
        layout.labels,
        rotation=90 if layout.rotated else 0,
        ha="center",
    )
    axes.set_yticks(range(len(labels)), layout.labels)
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    small = "" if sign else " (above: clips, below: % of the row)"
    middle = (layout.left + layout.side / 2) / layout.width
    canvas.text(middle, _GAP / layout.height, f"predicted label{small}", ha="center", va="bottom")
    beside = layout.left - max(text_width(name) for name in layout.labels) - 2 * _GAP
    canvas.text(
        beside / layout.width,
        (layout.bottom + layout.side / 2) / layout.height,
        "true label",
        rotation=90,
        ha="right",
        va="center",
    )
    canvas.text(
        0.5,
        1 - _GAP / layout.height,
        "\n".join(lines),
        ha="center",
        va="top",
        fontsize=FONT_SIZE,
        linespacing=1.25,
    )
    return canvas
