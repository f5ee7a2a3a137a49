"""Cross-entropy and divergence over the epochs of training."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reno_store.conclusions.names import estimator_title, models_title
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.text import wrap
from reno_store.studies import Cell

__all__ = ["training_figure"]

_CROSS_ENTROPY, _DIVERGENCE = "cross_entropy", "divergence_excess"
_SIDES = {"train": ("#0072B2", "o", "training"), "valid": ("#D55E00", "s", "held out")}
_NEARLY_FLAT = 0.1
_PANEL_HEIGHT = 1.25
_PER_NAT = {_CROSS_ENTROPY: 1.0, _DIVERGENCE: 1_000.0}
_UNITS = {_CROSS_ENTROPY: "cross-entropy (nats)", _DIVERGENCE: "excess (0.001 nats)"}
_BESIDE = 0.3
"""Inches around a panel that its heading does not use."""


def training_figure(cells: Sequence[Cell]) -> Figure | None:
    """Show how training went; None where no cell kept a history.

    Parameters
    ----------
    cells : Sequence[Cell]
        Computed, of one dataset and protocol, an estimator each.
    """
    shown = [cell for cell in cells if course_of(cell, "train_cross_entropy") is not None]
    if not shown:
        return None
    dataset, protocol = shown[0].dataset, shown[0].protocol
    stops = [len(fold.history) for cell in shown for fold in cell.folds if fold.history]
    ended = (
        f"{min(stops)} to {max(stops)} epochs"
        if min(stops) < max(stops)
        else (f"{stops[0]} epochs" if stops[0] > 1 else "1 epoch")
    )
    sentences = [
        "Each estimator on the models on which its accuracy is highest. Folds stopped after "
        f"{ended}; lines are thin and without marks where less than half of the folds were still "
        "training. Training losses include dropout, those on held-out rows do not.",
        *(_about_divergence(cell) for cell in shown if _has_divergence(cell)),
    ]
    return Figure(
        name=file_name("training", dataset, protocol),
        kind="training",
        title=f"{dataset}: training, protocol {protocol}",
        caption="Loss over the epochs: medians over the folds; bands reach from the lowest fold "
        "to the highest.",
        details=" ".join(sentences),
        dataset=dataset,
        draw=functools.partial(_draw, tuple(shown)),
        draw_narrow=functools.partial(_draw, tuple(shown), narrow=True),
    )


def _has_divergence(cell: Cell) -> bool:
    return cell.estimator == "reno" and course_of(cell, f"train_{_DIVERGENCE}") is not None


def _about_divergence(cell: Cell) -> str:
    title = estimator_title(cell)
    words = f"The divergence of {title} is the excess of Eq. 2 over its minimum"
    minimum = divergence_minimum(cell)
    if minimum is not None:
        words += f" of {minimum:.3f}"
    moved = movement_of(cell)
    if moved is None:
        return f"{words}."
    words += (
        f". In training it moves by {moved.divergence:.2g}, the cross-entropy by "
        f"{moved.cross_entropy:.2g} (highest epoch less lowest, medians over folds)"
    )
    if moved.share < _NEARLY_FLAT:
        share = f"{100 * moved.share:.1g} %" if moved.share >= 0.001 else "less than 0.1 %"
        return (
            f"{words}: the term is nearly flat. Weighted as in the loss, its movement is "
            f"{share} of the cross-entropy's. Mind the scale of its panel."
        )
    return f"{words}; weighted as in the loss, {moved.share:.2g} times as far."


@style.in_style
def _draw(cells: Sequence[Cell], *, narrow: bool = False) -> Canvas:
    panels = [(cell, _CROSS_ENTROPY) for cell in cells]
    panels += [(cell, _DIVERGENCE) for cell in cells if _has_divergence(cell)]
    n_columns = 1 if narrow else min(len(panels), 3)
    n_rows = -(-len(panels) // n_columns)
    width = style.COLUMN_WIDTH if n_columns == 1 else style.PAGE_WIDTH
    width = style.SCREEN_WIDTH if narrow else width

    canvas = style.new_canvas(width, 1 + 2 * n_rows)
    places: list[Axes] = canvas.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    for axes in places[len(panels) :]:
        axes.remove()
    for axes, (cell, what) in zip(places, panels, strict=False):
        _draw_panel(axes, cell, what)
        axes.set_title("\n".join(wrap(_heading(cell, what), width / n_columns - _BESIDE)))
    # One scale for all, so that estimators can be compared.
    of_entropy = places[: len(cells)]
    low = min(axes.get_ylim()[0] for axes in of_entropy)
    high = max(axes.get_ylim()[1] for axes in of_entropy)
    for axes in of_entropy:
        axes.set_ylim(min(low, 0.0), high)
    canvas.legend(
        handles=[
            Line2D([], [], color=colour, marker=marker, markersize=3, linewidth=1.1, label=words)
            for colour, marker, words in _SIDES.values()
        ],
        loc="outside upper center",
        ncols=2,
        handlelength=2.0,
    )
    style.fit(places[0], height=_PANEL_HEIGHT, rows=n_rows)
    return canvas


def _heading(cell: Cell, what: str) -> str:
    title = estimator_title(cell)
    if what == _DIVERGENCE:
        return f"{title}: divergence above its minimum"
    return f"{title}, {models_title(cell.models)}"


def _draw_panel(axes: Axes, cell: Cell, what: str) -> None:
    for side, (colour, marker, _) in _SIDES.items():
        course = course_of(cell, f"{side}_{what}")
        if course is None:
            continue
        n_folds, numbers = course.pop("n_folds"), _PER_NAT[what] * course
        # Later epochs show only the folds that stopped last.
        n = int((2 * n_folds >= n_folds.max()).sum())
        band: dict[str, Any] = {"color": colour, "alpha": 0.18, "linewidth": 0}
        axes.fill_between(numbers.index, numbers["lowest"], numbers["highest"], **band)
        line, late = numbers["median"].iloc[:n], numbers["median"].iloc[n - 1 :]
        axes.plot(line, color=colour, marker=marker, markersize=2.4, linewidth=1.1, label=side)
        if len(late) > 1:
            axes.plot(late, color=colour, linewidth=0.5, label=f"{side}, few folds")
    axes.set_xlabel("epoch")
    axes.set_ylabel(_UNITS[what])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    if what == _DIVERGENCE:
        axes.set_ylim(bottom=0)
    axes.grid(axis="y")


def course_of(cell: Cell, key: str) -> pd.DataFrame | None:
    """Align one number of the histories by epoch; None where no fold has it.

    Returns
    -------
    pandas.DataFrame or None
        Columns ``median``, ``lowest`` and ``highest`` over the folds that were still training,
        and ``n_folds``, their number; indexed by the epoch, from 1.
    """
    histories = [{n: e.get(key) for n, e in enumerate(fold.history, 1)} for fold in cell.folds]
    rows = pd.DataFrame(histories, dtype="float64")
    rows = rows.where(np.isfinite(rows)).dropna(axis="columns", how="all")
    if rows.empty:
        return None
    columns = {"median": rows.median(), "lowest": rows.min(), "highest": rows.max()}
    return pd.DataFrame({**columns, "n_folds": rows.count()})


class Movement(NamedTuple):
    """The range over the epochs of both parts of RENO's loss: medians over folds.

    The highest minus the lowest epoch, not the last minus the first: on real data the divergence
    rises first and then falls to zero. `share` is the range of the divergence, weighted by 1 - λ,
    divided by that of the cross-entropy, weighted by λ; infinite where that does not move.
    """

    divergence: float
    cross_entropy: float
    share: float


def movement_of(cell: Cell) -> Movement | None:
    """Compare the ranges of divergence and cross-entropy; None where no fold has both."""
    keys = ("train_divergence_excess", "train_cross_entropy")
    moved = [
        [max(column) - min(column) for column in zip(*epochs, strict=True)]
        for fold in cell.folds
        if len(fold.history) > 1 and all(key in epoch for epoch in fold.history for key in keys)
        for epochs in [[[epoch[key] for key in keys] for epoch in fold.history]]
    ]
    if not moved:
        return None
    divergence, cross_entropy = map(statistics.median, zip(*moved, strict=True))
    lam = float(cell.parameters.get("lam", 0.4))
    weighted = lam * cross_entropy
    share = (1 - lam) * divergence / weighted if weighted else math.inf
    return Movement(divergence, cross_entropy, share)


def divergence_minimum(cell: Cell) -> float | None:
    """Compute the minimum of Eq. 2, log(1 + δ·M) / (β - 1); None where it is not known."""
    known = cell.parameters
    if known.get("distribution") != "softmax" or not {"beta", "delta", "align_dim"} <= known.keys():
        return None
    beta, delta, align_dim = (float(known[key]) for key in ("beta", "delta", "align_dim"))
    return math.log1p(delta * align_dim) / (beta - 1) if beta > 1 else None
