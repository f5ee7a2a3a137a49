"""How maps are drawn: a panel for labels, one for speakers, legends below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.reports.figures.style import (
    COLUMN_WIDTH,
    EDGE,
    GREY,
    PADDING,
    PAGE_WIDTH,
    axes_size,
    fit,
    in_style,
    marker_handle,
    new_canvas,
    series_style,
)
from reno_store.reports.figures.text import shorten_all, text_width, wrap

__all__ = ["Panel", "draw_map"]

_N_LAYERS = 4
_RASTERIZED_FROM = 1_000
_HANDLE = 0.32
"""Inches of an entry's marker and blanks."""
_WIDEST_ENTRY = 1.5


@dataclass(frozen=True, slots=True)
class Panel:
    """What a panel shows.

    Attributes
    ----------
    heading : str
        Its title.
    series : dict[str, numpy.ndarray]
        Name -> rows of its points, in the order of the legend.
    others : str
        What the legend calls the other points; empty where there are none.
    other_rows : numpy.ndarray, optional
        Their rows; they are grey and behind the others.
    """

    heading: str
    series: dict[str, NDArray[np.int64]]
    others: str = ""
    other_rows: NDArray[np.int64] | None = None


@in_style
def draw_map(plane: NDArray[np.float32], panels: Sequence[Panel], title: str) -> Canvas:
    """Draw the same points in each panel.

    Parameters
    ----------
    plane : numpy.ndarray of float32, shape (n_clips, 2)
        Places of the clips.
    panels : Sequence[Panel]
        One or two.
    title : str
        Title of the figure.
    """
    width = PAGE_WIDTH if len(panels) > 1 else COLUMN_WIDTH
    room = width / len(panels) - 2 * PADDING
    canvas = new_canvas(width, room + 1)
    canvas.suptitle("\n".join(wrap(title, width - 2 * PADDING)))
    places: list[Axes] = canvas.subplots(1, len(panels), squeeze=False)[0].tolist()
    for axes, panel in zip(places, panels, strict=True):
        _scatter(axes, plane, panel)
        axes.set_title("\n".join(wrap(panel.heading, room)))
        _add_legend(axes, panel, room)
    fit(places[0], height=axes_size(places[0])[0])
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
    axes.spines[:].set(visible=True, color="#999999")


def _add_legend(axes: Axes, panel: Panel, room: float) -> None:
    names = shorten_all([*panel.series], _WIDEST_ENTRY)
    handles = [marker_handle(*series_style(number), name) for number, name in enumerate(names)]
    if panel.others:
        handles.append(marker_handle(GREY, "o", panel.others))
        handles[-1].set(markersize=3, markeredgewidth=0)
    entry = max(text_width(str(each.get_label())) for each in handles) + _HANDLE
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        ncols=max(1, min(len(handles), int(room / entry))),
    )
