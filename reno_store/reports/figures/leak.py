"""Leak: how much of a score goes when the test speakers were never heard in training."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.naming import file_name, models_title
from reno_store.reports.figures.style import COLUMN_WIDTH, EDGE, PAGE_WIDTH, in_style, new_canvas
from reno_store.reports.figures.words import (
    LINE_HEIGHT,
    POINTS_PER_INCH,
    shorten_all,
    text_width,
    wrap,
)
from reno_store.studies import Cell
from reno_store.studies.classifiers import describe_estimator

__all__ = ["leak_figure"]

_OPEN, _DISJOINT = ("#D55E00", "D"), ("#0072B2", "o")
_GAP = 0.06
_ROW = 0.157
_WIDEST_NAME = 2.4
_LEAST_PLOT = 1.2


def leak_figure(pairs: Sequence[tuple[Cell, Cell]], *, majority: float) -> Figure:
    """Show the accuracy under the paper's protocol and under a speaker-disjoint one.

    Parameters
    ----------
    pairs : Sequence[tuple[Cell, Cell]]
        At least one; computed cells alike but for the protocol, ``paper`` first.
    majority : float
        What always guessing the most frequent label scores, in [0, 1].
    """
    first, second = pairs[0]
    drops = [100 * (one.mean("accuracy") - other.mean("accuracy")) for one, other in pairs]
    lower = sum(drop > 0 for drop in drops)
    caption = (
        f"Accuracy on {first.dataset} under the protocol {first.protocol}, whose folds share "
        f"speakers, and under {second.protocol}, whose test speakers were never heard in "
        "training. Marks are means over the folds of all seeds, lines one standard deviation to "
        f"either side; on the right, {first.protocol} minus {second.protocol} in points, "
        f"{_signed(min(drops))} to {_signed(max(drops))}. {lower} of {len(pairs)} are lower under "
        f"{second.protocol}. The protocols also differ in what early stopping holds out. Folds "
        "share clips, so whether lines overlap is no test. Dotted: always guessing the most "
        f"frequent label ({100 * majority:.1f} %)."
    )
    return Figure(
        name=file_name("leak", first.dataset, second.protocol),
        kind="leak",
        title=f"{first.dataset}: {first.protocol} against {second.protocol}",
        caption=caption,
        dataset=first.dataset,
        draw=functools.partial(_draw, tuple(pairs), majority),
    )


@in_style
def _draw(pairs: Sequence[tuple[Cell, Cell]], majority: float) -> Canvas:
    cells = [one for one, _ in pairs]
    names = shorten_all([models_title(cell.models) for cell in cells], _WIDEST_NAME)
    headings = {cell.estimator: describe_estimator(cell.estimator).title for cell in cells}
    beside = max(map(text_width, [*names, *headings.values()])) + 2.5 * _GAP
    numbers = text_width("+88.8") + 2 * _GAP
    narrow = beside + numbers + _LEAST_PLOT <= COLUMN_WIDTH
    width = COLUMN_WIDTH if narrow else PAGE_WIDTH
    title = wrap(
        f"{cells[0].dataset}: protocols {pairs[0][0].protocol} and {pairs[0][1].protocol}",
        width - 2 * _GAP,
    )
    # A line for each estimator's name above its rows.
    rows: list[tuple[Cell, Cell] | str] = []
    for estimator, heading in headings.items():
        rows += [heading, *(pair for pair in pairs if pair[0].estimator == estimator)]
    named = dict(zip(map(id, cells), names, strict=True))

    above = (len(title) + 2) * LINE_HEIGHT + 3 * _GAP
    below = 2 * LINE_HEIGHT + 2 * _GAP
    shown = len(rows) * _ROW
    height = above + shown + below
    canvas = new_canvas(width, height)
    canvas.text(0.5, 1 - _GAP / height, "\n".join(title), ha="center", va="top")
    axes = canvas.add_axes(
        (
            beside / width,
            below / height,
            (width - beside - numbers) / width,
            shown / height,
        )
    )
    for y, row in enumerate(rows):
        if isinstance(row, str):
            axes.annotate(
                row,
                (0, y),
                xycoords=("axes fraction", "data"),
                xytext=(-(beside - _GAP) * POINTS_PER_INCH, 0),
                textcoords="offset points",
                va="center_baseline",
                fontweight="bold",
                annotation_clip=False,
            )
            continue
        _draw_pair(axes, y, row, named[id(row[0])], numbers - _GAP)
    axes.axvline(100 * majority, color="#666666", linewidth=0.8, linestyle=":", zorder=1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xlabel("accuracy (%)", labelpad=1.5)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    canvas.text(
        1 - _GAP / width, 1 - (above - 0.6 * _GAP) / height, "points", ha="right", va="bottom"
    )
    canvas.legend(
        handles=[
            _handle(_OPEN, pairs[0][0].protocol),
            _handle(_DISJOINT, pairs[0][1].protocol),
        ],
        loc="upper center",
        bbox_to_anchor=(0.5, 1 - (len(title) * LINE_HEIGHT + 1.5 * _GAP) / height),
        ncols=2,
        borderaxespad=0,
        borderpad=0,
        handlelength=1.0,
    )
    return canvas


def _draw_pair(axes: Axes, y: int, pair: tuple[Cell, Cell], name: str, room: float) -> None:
    means = [100 * cell.mean("accuracy") for cell in pair]
    axes.plot(means, [y, y], color="#888888", linewidth=1.6, zorder=2, label="between")
    # The lines lie a little apart, or one would hide the other.
    for cell, mean, (colour, marker), shift in zip(
        pair, means, (_OPEN, _DISJOINT), (-0.14, 0.14), strict=True
    ):
        sd = 100 * cell.sd("accuracy") if cell.n > 1 else 0.0
        axes.hlines(
            y + shift, max(0.0, mean - sd), min(100.0, mean + sd), colors=colour, linewidth=0.7
        )
        axes.plot(
            [mean],
            [y],
            linestyle="",
            marker=marker,
            markersize=3.8,
            markerfacecolor=colour,
            markeredgecolor=EDGE,
            markeredgewidth=0.35,
            zorder=3,
            label=cell.protocol,
        )
    for text, x, align, offset in (
        (name, 0, "right", -3),
        (_signed(means[0] - means[1]), 1, "right", room * POINTS_PER_INCH),
    ):
        axes.annotate(
            text,
            (x, y),
            xycoords=("axes fraction", "data"),
            xytext=(offset, 0),
            textcoords="offset points",
            ha=align,
            va="center_baseline",
            annotation_clip=False,
        )


def _signed(points: float) -> str:
    text = f"{points:+.1f}".replace("-", "\N{MINUS SIGN}")
    return text if any(digit in text for digit in "123456789") else "0.0"


def _handle(style: tuple[str, str], words: str) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=style[1],
        markersize=4,
        markerfacecolor=style[0],
        markeredgecolor=EDGE,
        markeredgewidth=0.35,
        label=words,
    )
