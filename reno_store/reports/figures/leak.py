"""Leak: how much of a score is lost when the test speakers were never heard in training."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reno_store.conclusions.names import estimator_title, models_title
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.text import shorten_all, text_width, wrap
from reno_store.runtime.numbers import points
from reno_store.studies import Cell

__all__ = ["leak_figure"]

_OPEN, _DISJOINT = ("#D55E00", "D"), ("#0072B2", "o")
_ROW = 0.157
_WIDEST_NAME = 2.4
_LEAST_PLOT = 1.65
"""Inches for the plot and the numbers at its right."""


def leak_figure(pairs: Sequence[tuple[Cell, Cell]], *, majority: float) -> Figure:
    """Show the accuracy under the paper's protocol and under a speaker-disjoint one.

    Parameters
    ----------
    pairs : Sequence[tuple[Cell, Cell]]
        At least one; computed cells that differ in the protocol alone, ``paper`` first.
    majority : float
        Accuracy of always guessing the most frequent label, in [0, 1].
    """
    first, second = pairs[0]
    drops = [_drop(pair) for pair in pairs]
    caption = (
        f"Accuracy on {first.dataset} under protocol {first.protocol}, whose folds share "
        f"speakers, and under {second.protocol}, whose test speakers were never heard in "
        "training. Marks are means over the folds of all seeds, lines one standard deviation to "
        f"either side; on the right, {first.protocol} minus {second.protocol} in points, "
        f"{points(min(drops))} to {points(max(drops))}. {sum(drop > 0 for drop in drops)} of "
        f"{len(pairs)} are lower under {second.protocol}. The protocols also differ in what early "
        "stopping holds out. Folds share clips, so whether lines overlap is no test. Dotted: "
        f"always guessing the most frequent label ({100 * majority:.1f} %)."
    )
    return Figure(
        name=file_name("leak", first.dataset, second.protocol),
        kind="leak",
        title=f"{first.dataset}: {first.protocol} vs {second.protocol}",
        caption=caption,
        dataset=first.dataset,
        draw=functools.partial(_draw, tuple(pairs), majority),
    )


def _drop(pair: tuple[Cell, Cell]) -> float:
    return 100 * (pair[0].mean("accuracy") - pair[1].mean("accuracy"))


@style.in_style
def _draw(pairs: Sequence[tuple[Cell, Cell]], majority: float) -> Canvas:
    first, second = pairs[0]
    names = shorten_all([models_title(one.models) for one, _ in pairs], _WIDEST_NAME)
    titles = [estimator_title(one) for one, _ in pairs]
    # A line with each estimator's title above its rows.
    left, right = [], []
    rows: list[tuple[int, tuple[Cell, Cell]]] = []
    for title in dict.fromkeys(titles):
        left.append(title)
        right.append("" if rows else "points")
        for pair, name, own in zip(pairs, names, titles, strict=True):
            if own == title:
                rows.append((len(left), pair))
                left.append(name)
                right.append(points(_drop(pair)))

    narrow = max(map(text_width, left)) + _LEAST_PLOT <= style.COLUMN_WIDTH
    width = style.COLUMN_WIDTH if narrow else style.PAGE_WIDTH
    canvas = style.new_canvas(width)
    axes = canvas.subplots()
    for y, pair in rows:
        _draw_pair(axes, y, pair)
    axes.axvline(100 * majority, color="#666666", linewidth=0.8, linestyle=":", zorder=1)
    axes.set_ylim(len(left) - 0.5, -0.5)
    axes.set_yticks(range(len(left)), left)
    headings = set(range(len(left))) - {y for y, _ in rows}
    for y in headings:
        axes.get_yticklabels()[y].set_fontweight("bold")
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(right)), right)
    for each in (axes, beside):
        each.tick_params(axis="y", length=0)
        each.spines[:].set_visible(False)
    axes.spines["bottom"].set_visible(True)
    axes.set_xlabel("accuracy (%)")
    axes.grid(axis="x")
    title = f"{first.dataset}: protocols {first.protocol} and {second.protocol}"
    canvas.legend(
        handles=[
            style.marker_handle(*_OPEN, first.protocol),
            style.marker_handle(*_DISJOINT, second.protocol),
        ],
        loc="outside upper center",
        ncols=2,
        title="\n".join(wrap(title, width - 0.1)),
    )
    style.fit(axes, height=len(left) * _ROW)
    return canvas


def _draw_pair(axes: Axes, y: int, pair: tuple[Cell, Cell]) -> None:
    means = [100 * cell.mean("accuracy") for cell in pair]
    axes.plot(means, [y, y], color="#888888", linewidth=1.6, zorder=2, label="between")
    # The lines are a little apart, or one would hide the other.
    for cell, mean, (colour, marker), shift in zip(
        pair, means, (_OPEN, _DISJOINT), (-0.14, 0.14), strict=True
    ):
        sd = 100 * cell.sd("accuracy") if cell.n > 1 else 0.0
        axes.hlines(
            y + shift, max(0.0, mean - sd), min(100.0, mean + sd), colors=colour, linewidth=0.7
        )
        own = {"markersize": 3.8, "label": cell.protocol}
        style.plot_markers(axes, [mean], [y], colour, marker, **own)
