"""Maps, drawn: a panel for labels, a panel for speakers, legends beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from reno_store.reports.figures.style import (
    COLUMN_WIDTH,
    EDGE,
    GREY,
    PAGE_WIDTH,
    in_style,
    new_canvas,
    series_style,
)
from reno_store.reports.figures.words import LINE_HEIGHT, shorten_all, text_width, wrap

__all__ = ["Panel", "draw_map"]

_N_LAYERS = 4
_RASTERIZED_FROM = 1_000
_GAP = 0.06
_HANDLE = 0.2
_WIDEST_ENTRY = 1.5


@dataclass(frozen=True, slots=True)
class Panel:
    """What a panel shows.

    Attributes
    ----------
    heading : str
        Stands above it.
    series : dict[str, numpy.ndarray]
        Name -> rows of its points, in the order of the legend.
    others : str
        What the legend calls the other points; empty where there are none.
    other_rows : numpy.ndarray, optional
        Their rows; they are grey and lie below.
    """

    heading: str
    series: dict[str, NDArray[np.int64]]
    others: str = ""
    other_rows: NDArray[np.int64] | None = None


@in_style
def draw_map(plane: NDArray[np.float32], panels: Sequence[Panel], title: str) -> Canvas:
    """Draw the same points once a panel.

    Parameters
    ----------
    plane : numpy.ndarray of float32, shape (n_clips, 2)
        Where the clips lie.
    panels : Sequence[Panel]
        One or two.
    title : str
        Stands above them.
    """
    width = PAGE_WIDTH if len(panels) > 1 else COLUMN_WIDTH
    side = width / len(panels) - 2 * _GAP
    legends = [_lay_out_legend(panel, side) for panel in panels]
    beneath = max(rows for _, _, rows in legends) * LINE_HEIGHT + 3 * _GAP
    title_lines = wrap(title, width - 2 * _GAP)
    headings = [wrap(panel.heading, side) for panel in panels]
    above = (len(title_lines) + max(map(len, headings))) * LINE_HEIGHT + 2.5 * _GAP
    height = beneath + side + above
    canvas = new_canvas(width, height)
    canvas.text(0.5, 1 - _GAP / height, "\n".join(title_lines), ha="center", va="top")
    for place, (panel, legend) in enumerate(zip(panels, legends, strict=True)):
        left = place * width / len(panels) + _GAP
        axes = canvas.add_axes((left / width, beneath / height, side / width, side / height))
        _scatter(axes, plane, panel)
        axes.set_title("\n".join(headings[place]), pad=3)
        names, n_columns, _ = legend
        axes.legend(
            handles=_handles(panel, names),
            loc="upper center",
            bbox_to_anchor=(0.5, -_GAP / side),
            ncols=n_columns,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.0,
            handletextpad=0.4,
            columnspacing=1.0,
            labelspacing=0.22,
        )
    return canvas


def _scatter(axes: Axes, plane: NDArray[np.float32], panel: Panel) -> None:
    size = min(16.0, max(5.0, 6_000 / len(plane)))
    rasterized = len(plane) > _RASTERIZED_FROM
    if panel.other_rows is not None:
        axes.scatter(
            plane[panel.other_rows, 0],
            plane[panel.other_rows, 1],
            s=0.5 * size,
            c=GREY,
            marker="o",
            linewidths=0,
            rasterized=rasterized,
            gid="others",
        )
    # In turns, a part of each series at a time, or the last one would hide all others.
    for layer in range(_N_LAYERS):
        for number, (name, rows) in enumerate(panel.series.items()):
            colour, marker = series_style(number)
            part = rows[layer::_N_LAYERS]
            axes.scatter(
                plane[part, 0],
                plane[part, 1],
                s=size,
                c=colour,
                marker=marker,
                edgecolors=EDGE,
                linewidths=0.2,
                rasterized=rasterized,
                label=name,
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.03)
    axes.set_aspect("equal", adjustable="datalim")
    for spine in axes.spines.values():
        spine.set_color("#999999")


def _lay_out_legend(panel: Panel, width: float) -> tuple[list[str], int, int]:
    """Shorten names and find how many columns and rows they take."""
    names = shorten_all([*panel.series], _WIDEST_ENTRY)
    if panel.others:
        names.append(panel.others)
    entry = max(text_width(name) for name in names) + _HANDLE + 0.12
    n_columns = max(1, min(len(names), int(width / entry)))
    return names, n_columns, -(-len(names) // n_columns)


def _handles(panel: Panel, names: list[str]) -> list[Line2D]:
    styles = [series_style(number) for number in range(len(panel.series))]
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            markersize=4,
            markerfacecolor=colour,
            markeredgecolor=EDGE,
            markeredgewidth=0.4,
            label=name,
        )
        for name, (colour, marker) in zip(names, styles, strict=False)
    ]
    if panel.others:
        handles.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=3,
                markerfacecolor=GREY,
                markeredgewidth=0,
                label=names[-1],
            )
        )
    return handles
