"""F1 of each class, estimators next to one another."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.conclusions.names import cell_title
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.text import LINE_HEIGHT, shorten_all
from reno_store.studies import Cell

__all__ = ["class_f1", "class_f1_figure", "class_f1_spread"]

_ONE_COLUMN_UP_TO = 10
"""More labels are shown in two panels."""
_STEP, _SMALL_STEP, _MANY = 0.085, 0.066, 5
"""Inches between two estimators; the smaller for more than five."""
_WIDEST_LABEL = 1.2


def class_f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute each class's F1 from a confusion matrix.

    Parameters
    ----------
    counts : numpy.ndarray of int64, shape (n_labels, n_labels)
        Rows are true labels, columns predicted ones.

    Returns
    -------
    numpy.ndarray of float64, shape (n_labels,)
        In [0, 1]; 0 for a class that is never predicted, NaN for one that has no clips and is
        never predicted.
    """
    right = np.diag(counts).astype(np.float64)
    either = counts.sum(axis=0) + counts.sum(axis=1)
    scores = np.full(len(counts), np.nan)
    np.divide(2 * right, either, out=scores, where=either > 0)
    return scores


def class_f1_spread(cell: Cell) -> NDArray[np.float64]:
    """Compute the quartiles of each class's F1 over the folds that test it.

    Returns
    -------
    numpy.ndarray of float64, shape (n_labels, 2)
        First and third quartile; NaN for a class that no fold tests.
    """
    n_labels = len(cell.labels)
    folds = np.full((cell.n, n_labels), np.nan)
    for row, outcome in zip(folds, cell.folds, strict=True):
        counts = np.zeros((n_labels, n_labels), np.int64)
        np.add.at(counts, (list(outcome.true), list(outcome.predicted)), 1)
        tested = counts.sum(axis=1) > 0
        row[tested] = class_f1(counts)[tested]
    spread = np.full((n_labels, 2), np.nan)
    for label in range(n_labels):
        scores = folds[:, label][~np.isnan(folds[:, label])]
        if len(scores):
            spread[label] = np.quantile(scores, [0.25, 0.75])
    return spread


def class_f1_figure(cells: Sequence[Cell]) -> Figure:
    """Show how well estimators recognize each class.

    Parameters
    ----------
    cells : Sequence[Cell]
        At least one; computed, of one dataset and protocol, one per estimator.
    """
    dataset, protocol = cells[0].dataset, cells[0].protocol
    n_folds = " or ".join(str(n) for n in sorted({cell.n for cell in cells}))
    caption = (
        "F1 of each class, for each estimator on the models on which its accuracy is highest. "
        "Lines: the middle half of the folds."
    )
    details = (
        f"Marks are from the predictions of all {n_folds} test folds together, lines from the "
        "first to the third quartile of the folds that test the class. A class that is never "
        "predicted has an F1 of 0. Where an estimator was tried on several models, they were "
        "chosen on the folds that are shown."
    )
    return Figure(
        name=file_name("class-f1", dataset, protocol),
        kind="class-f1",
        title=f"{dataset}: F1 by class, protocol {protocol}",
        caption=caption,
        details=details,
        dataset=dataset,
        draw=functools.partial(_draw, tuple(cells)),
        draw_narrow=functools.partial(_draw, tuple(cells), narrow=True),
    )


@style.in_style
def _draw(cells: Sequence[Cell], *, narrow: bool = False) -> Canvas:
    labels = cells[0].labels
    n_panels = 1 if narrow or len(labels) <= _ONE_COLUMN_UP_TO else 2
    width = style.COLUMN_WIDTH if n_panels == 1 else style.PAGE_WIDTH
    width = style.SCREEN_WIDTH if narrow else width
    per_panel = -(-len(labels) // n_panels)
    step = _STEP if len(cells) <= _MANY else _SMALL_STEP
    row = max(1.5 * LINE_HEIGHT, (len(cells) + 1.2) * step)
    names = shorten_all(labels, _WIDEST_LABEL)
    styles = style.styles_of(cell.estimator for cell in cells)

    canvas = style.new_canvas(width)
    panels: list[Axes] = canvas.subplots(1, n_panels, squeeze=False)[0].tolist()
    scores = [(class_f1(cell.confusion().to_numpy()), class_f1_spread(cell)) for cell in cells]
    for number, axes in enumerate(panels):
        places = range(number * per_panel, min(len(labels), (number + 1) * per_panel))
        _draw_panel(axes, cells, scores, places, step / row)
        # The same range in both, so that rows are level.
        axes.set_ylim((number + 1) * per_panel - 0.5, number * per_panel - 0.5)
        axes.set_yticks([*places], [names[place] for place in places])
    entries = shorten_all([cell_title(cell) for cell in cells], width - 0.4)
    canvas.legend(
        handles=[
            style.marker_handle(*styles[cell.estimator], entry)
            for cell, entry in zip(cells, entries, strict=True)
        ],
        loc="outside upper center",
    )
    style.fit(panels[0], height=per_panel * row)
    return canvas


def _draw_panel(
    axes: Axes,
    cells: Sequence[Cell],
    scores: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    places: range,
    step: float,
) -> None:
    for place in places[::2]:
        axes.axhspan(place - 0.5, place + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
    rows = np.array(places)
    styles = style.styles_of(cell.estimator for cell in cells)
    for number, (cell, (pooled, spread)) in enumerate(zip(cells, scores, strict=True)):
        colour, marker = styles[cell.estimator]
        y = rows + (number - (len(cells) - 1) / 2) * step
        low, high = 100 * spread[rows].T
        axes.hlines(y, low, high, colors=colour, linewidth=1.1, zorder=2, gid=cell.estimator)
        own = {"markersize": 3.4, "label": cell.estimator, "clip_on": False}
        style.plot_markers(axes, 100 * pooled[rows], y, colour, marker, **own)
    axes.set_xlim(0, 100)
    axes.set_xlabel("F1 (%)")
    axes.grid(axis="x", zorder=1)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
