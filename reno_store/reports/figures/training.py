"""Cross-entropy and divergence over the epochs of training."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.histories import (
    course_of,
    divergence_minimum,
    last_epochs,
    movement_of,
)
from reno_store.reports.figures.naming import cell_title, file_name, models_title, protocol_title
from reno_store.reports.figures.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    in_style,
    new_canvas,
)
from reno_store.reports.figures.words import LINE_HEIGHT, wrap
from reno_store.studies import Cell
from reno_store.studies.classifiers import describe_estimator

__all__ = ["training_figure"]

_CROSS_ENTROPY, _DIVERGENCE = "cross_entropy", "divergence_excess"
_SIDES = {"train": ("#0072B2", "o", "training"), "valid": ("#D55E00", "s", "held out")}
_NEARLY_FLAT = 0.1
_GAP = 0.06
_PANEL_HEIGHT = 1.25
_PER_NAT = {_CROSS_ENTROPY: 1.0, _DIVERGENCE: 1_000.0}
_UNITS = {_CROSS_ENTROPY: "cross-entropy (nats)", _DIVERGENCE: "excess (0.001 nats)"}
_BESIDE = 0.48
"""Inches left of a panel: its numbers and what they are."""


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
    stops = [epoch for cell in shown for epoch in last_epochs(cell)]
    ended = (
        f"{min(stops)} to {max(stops)} epochs"
        if min(stops) < max(stops)
        else (f"{stops[0]} epochs" if stops[0] > 1 else "1 epoch")
    )
    sentences = [
        f"Training on {dataset} under the {protocol_title(protocol)}, for each estimator on the "
        "models on which its accuracy is highest: "
        f"{'; '.join(cell_title(cell) for cell in shown)}. Lines are medians over the folds of "
        "all seeds, bands reach from the lowest fold to the highest. Folds stopped after "
        f"{ended}; lines go on thin and without marks where less than half of the folds were "
        "still training. Training losses are with dropout, those on held-out rows without.",
        *(_about_divergence(cell) for cell in shown if _has_divergence(cell)),
    ]
    return Figure(
        name=file_name("training", dataset, protocol),
        kind="training",
        title=f"{dataset}: training, {protocol_title(protocol)}",
        caption=" ".join(sentences),
        dataset=dataset,
        draw=functools.partial(_draw, tuple(shown)),
    )


def _has_divergence(cell: Cell) -> bool:
    return cell.estimator == "reno" and course_of(cell, f"train_{_DIVERGENCE}") is not None


def _about_divergence(cell: Cell) -> str:
    title = describe_estimator(cell.estimator).title
    words = f"{title}'s divergence is what Eq. 2 exceeds its minimum by"
    minimum = divergence_minimum(cell)
    if minimum is not None:
        words += f", which is {minimum:.3f}"
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


@in_style
def _draw(cells: Sequence[Cell]) -> Canvas:
    panels = [(cell, _CROSS_ENTROPY) for cell in cells]
    panels += [(cell, _DIVERGENCE) for cell in cells if _has_divergence(cell)]
    n_columns = min(len(panels), 3)
    width = COLUMN_WIDTH if n_columns == 1 else PAGE_WIDTH
    n_rows = -(-len(panels) // n_columns)
    panel_width = width / n_columns - _BESIDE - _GAP
    headings = [wrap(_heading(cell, what), panel_width + _BESIDE / 2) for cell, what in panels]
    lines = max(map(len, headings))
    row_height = lines * LINE_HEIGHT + _PANEL_HEIGHT + 2 * LINE_HEIGHT + 2.5 * _GAP
    title = wrap(f"{cells[0].dataset}, {protocol_title(cells[0].protocol)}", width - 2 * _GAP)
    above = (len(title) + 1) * LINE_HEIGHT + 2 * _GAP
    height = above + n_rows * row_height + _GAP

    canvas = new_canvas(width, height)
    canvas.text(0.5, 1 - _GAP / height, "\n".join(title), ha="center", va="top")
    of_entropy: list[Axes] = []
    for place, ((cell, what), heading) in enumerate(zip(panels, headings, strict=True)):
        row, column = divmod(place, n_columns)
        top = above + row * row_height + lines * LINE_HEIGHT + 0.5 * _GAP
        axes = canvas.add_axes(
            (
                (column * width / n_columns + _BESIDE) / width,
                1 - (top + _PANEL_HEIGHT) / height,
                panel_width / width,
                _PANEL_HEIGHT / height,
            )
        )
        _draw_panel(axes, cell, what)
        axes.set_title("\n".join(heading), pad=3)
        if what == _CROSS_ENTROPY:
            of_entropy.append(axes)
    # One scale for all, so that estimators can be compared.
    low = min(axes.get_ylim()[0] for axes in of_entropy)
    high = max(axes.get_ylim()[1] for axes in of_entropy)
    for axes in of_entropy:
        axes.set_ylim(min(low, 0.0), high)
    canvas.legend(
        handles=[_handle(side) for side in _SIDES],
        loc="upper center",
        bbox_to_anchor=(0.5, 1 - (len(title) * LINE_HEIGHT + 1.5 * _GAP) / height),
        ncols=2,
        borderaxespad=0,
        borderpad=0,
    )
    return canvas


def _heading(cell: Cell, what: str) -> str:
    title = describe_estimator(cell.estimator).title
    if what == _DIVERGENCE:
        return f"{title}: divergence above its minimum"
    return f"{title}, {models_title(cell.models)}"


def _draw_panel(axes: Axes, cell: Cell, what: str) -> None:
    for side, (colour, marker, _) in _SIDES.items():
        course = course_of(cell, f"{side}_{what}")
        if course is None:
            continue
        n, unit = course.n_trusted, _PER_NAT[what]
        axes.fill_between(
            course.epochs,
            unit * course.lowest,
            unit * course.highest,
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
        axes.plot(
            course.epochs[:n],
            unit * course.median[:n],
            color=colour,
            marker=marker,
            markersize=2.4,
            linewidth=1.1,
            label=side,
        )
        if n < len(course.epochs):
            axes.plot(
                course.epochs[n - 1 :],
                unit * course.median[n - 1 :],
                color=colour,
                linewidth=0.5,
                label=f"{side}, few folds",
            )
    axes.set_xlabel("epoch", labelpad=1.5)
    axes.set_ylabel(_UNITS[what], labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    if what == _DIVERGENCE:
        axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)


def _handle(side: str) -> Line2D:
    colour, marker, words = _SIDES[side]
    return Line2D(
        [],
        [],
        color=colour,
        marker=marker,
        markersize=3,
        linewidth=1.1,
        label=words,
    )
