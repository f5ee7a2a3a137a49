"""Surface: accuracy over β and δ, a map for each λ, with the spread over folds in each cell."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from reno_store.conclusions.grids import findings_of
from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.naming import file_name
from reno_store.reports.figures.saving import save_figures
from reno_store.reports.figures.style import (
    COLUMN_WIDTH,
    GREY,
    PAGE_WIDTH,
    in_style,
    ink_on,
    new_canvas,
)
from reno_store.reports.figures.words import LINE_HEIGHT, text_width, wrap
from reno_store.studies import Cell, Grid
from reno_store.studies.scores import COLLAPSED

__all__ = ["save_surface", "surface_figure"]

_GAP = 0.06
_PADDING = 0.18
_FRAME = 0.035
"""Inches between a cell's edge and the frame in it, so that neighbours do not hide it."""
_BAR = 0.12
_COLOURS = "cividis"


def surface_figure(grid: Grid) -> Figure:
    """Draw a grid's accuracy: β to the right, δ upwards, a map for each λ.

    Parameters
    ----------
    grid : Grid
        At least one of its points was scored.
    """
    models = " + ".join(grid.models)
    framed = (
        " The paper's point is framed."
        if any(grid.is_paper(point) for point in grid.points)
        else ""
    )
    caption = (
        f"Accuracy (%) of RENO on {models}, {grid.dataset}, protocol {grid.protocol}: mean ± "
        f"standard deviation over {grid.over}. Colours are means; their scale spans at "
        "least a standard deviation over folds to either side, so that a surface looks flat "
        f"where it is no rougher than folds are.{framed} " + " ".join(findings_of(grid))
    )
    return Figure(
        name=file_name("surface", grid.dataset, grid.protocol, "+".join(grid.models)),
        kind="surface",
        title=f"{grid.dataset}: β, δ and λ of RENO on {models}",
        caption=caption,
        dataset=grid.dataset,
        draw=functools.partial(_draw, grid),
    )


def save_surface(grid: Grid, path: str | Path) -> Path:
    """Write a grid's surface to a file, whole or not at all.

    Parameters
    ----------
    grid : Grid
        At least one of its points was scored.
    path : str or Path
        Ends in ``.pdf``, ``.png`` (300 dots an inch) or ``.svg``.

    Raises
    ------
    UnknownNameError
        If the ending is another.
    RenoStoreError
        If the file cannot be written.
    """
    path = Path(path)
    figure = replace(surface_figure(grid), name=path.stem)
    return save_figures([figure], path.parent, [path.suffix.removeprefix(".")])[0]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Everything in inches; maps stand in rows of `n_columns`."""

    cell_width: float
    cell_height: float
    n_columns: int
    left: float
    above: float
    map_width: float
    map_height: float
    width: float
    height: float

    def place(self, number: int) -> tuple[float, float]:
        """Left and lower edge of the n-th map."""
        row, column = divmod(number, self.n_columns)
        x = self.left + column * (self.map_width + 2 * _GAP)
        top = self.above + row * (self.map_height + 3 * LINE_HEIGHT + 3 * _GAP) + LINE_HEIGHT + _GAP
        return x, self.height - top - self.map_height


def _lay_out(grid: Grid, bar: float, n_lines: int) -> _Layout:
    n_beta, n_delta, n_lam = (len(grid.axes[name]) for name in ("beta", "delta", "lam"))
    texts = [line for point in grid.points for line in _lines(point)]
    ticks = [f"{value:g}" for value in grid.axes["beta"]]
    cell_width = max(map(text_width, [*texts, *ticks])) + _PADDING
    # A map's heading is no wider than the map.
    heading = max(text_width(_heading(lam)) for lam in grid.axes["lam"])
    cell_width = max(cell_width, (heading + _GAP) / n_beta)
    cell_height = 2 * LINE_HEIGHT + _PADDING
    left = max(text_width(f"{value:g}") for value in grid.axes["delta"]) + LINE_HEIGHT + 3 * _GAP
    map_width, map_height = n_beta * cell_width, n_delta * cell_height
    room = PAGE_WIDTH - left - bar
    n_columns = max(1, min(n_lam, int((room + 2 * _GAP) / (map_width + 2 * _GAP))))
    n_rows = math.ceil(n_lam / n_columns)
    above = n_lines * LINE_HEIGHT + 2 * _GAP
    taken = left + n_columns * map_width + (n_columns - 1) * 2 * _GAP + bar
    width = max(taken, COLUMN_WIDTH)
    return _Layout(
        cell_width,
        cell_height,
        n_columns,
        left + (width - taken) / 2,
        above,
        map_width,
        map_height,
        width=width,
        height=above + n_rows * (map_height + 3 * LINE_HEIGHT + 3 * _GAP) + _GAP,
    )


@in_style
def _draw(grid: Grid) -> Canvas:
    means = [100 * point.mean("accuracy") for point in grid.scored]
    middle = (min(means) + max(means)) / 2
    # Less than folds differ by is noise, and should not fill the scale; a tenth of a point is
    # the last digit that is shown.
    reach = max((max(means) - min(means)) / 2, 100 * grid.spread_over_folds(), 0.1)
    scale = Normalize(middle - reach, middle + reach)
    bar = 2 * _GAP + _BAR + text_width("100.0") + LINE_HEIGHT + 3 * _GAP
    title = f"{grid.dataset}, RENO on {' + '.join(grid.models)}, protocol {grid.protocol}"
    said = f"accuracy (%), mean ± sd over {grid.over}"
    if any(grid.is_paper(point) for point in grid.points):
        said += "; framed: the paper's point"
    if any(point.n_collapsed for point in grid.points):
        said += f";{COLLAPSED}: collapsed in some fold"
    layout = _lay_out(grid, bar, 1)
    lines = [line for text in (title, said) for line in wrap(text, layout.width - 2 * _GAP)]
    layout = _lay_out(grid, bar, len(lines))

    canvas = new_canvas(layout.width, layout.height)
    canvas.text(
        0.5, 1 - _GAP / layout.height, "\n".join(lines), ha="center", va="top", linespacing=1.25
    )
    for number, lam in enumerate(grid.axes["lam"]):
        x, y = layout.place(number)
        axes = canvas.add_axes(
            (
                x / layout.width,
                y / layout.height,
                layout.map_width / layout.width,
                layout.map_height / layout.height,
            )
        )
        points = [point for point in grid.points if point.settings["lam"] == lam]
        _draw_map(axes, grid, points, scale, layout, first=number % layout.n_columns == 0)
        axes.set_title(_heading(lam), pad=3)
    _draw_bar(canvas, scale, layout)
    return canvas


def _draw_map(
    axes: Axes,
    grid: Grid,
    points: list[Cell],
    scale: Normalize,
    layout: _Layout,
    *,
    first: bool,
) -> None:
    colours = mpl.colormaps[_COLOURS]
    beta, delta = grid.axes["beta"], grid.axes["delta"]
    for point in points:
        column, row = beta.index(point.settings["beta"]), delta.index(point.settings["delta"])
        fill = colours(scale(100 * point.mean("accuracy"))) if point.computed else GREY
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=fill, edgecolor="white", linewidth=0.6))
        ink = ink_on(fill)
        lines = _lines(point)
        for place, text in enumerate(lines):
            y = row + ((len(lines) - 1) / 2 - place) * LINE_HEIGHT / layout.cell_height
            axes.text(column, y, text, ha="center", va="center_baseline", color=ink)
        if grid.is_paper(point):
            wide, high = _FRAME / layout.cell_width, _FRAME / layout.cell_height
            axes.add_patch(
                Rectangle(
                    (corner[0] + wide, corner[1] + high),
                    1 - 2 * wide,
                    1 - 2 * high,
                    fill=False,
                    edgecolor=ink,
                    linewidth=1.6,
                    label="paper",
                )
            )
    axes.set_xlim(-0.5, len(beta) - 0.5)
    axes.set_ylim(-0.5, len(delta) - 0.5)
    axes.set_xticks(range(len(beta)), [f"{value:g}" for value in beta])
    axes.set_xlabel("β", labelpad=1)
    if first:
        axes.set_yticks(range(len(delta)), [f"{value:g}" for value in delta])
        axes.set_ylabel("δ", rotation=0, va="center", labelpad=5)
    else:
        axes.set_yticks([])
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_bar(canvas: Canvas, scale: Normalize, layout: _Layout) -> None:
    x, bottom = layout.place(layout.n_columns - 1)
    axes = canvas.add_axes(
        (
            (x + layout.map_width + 2 * _GAP) / layout.width,
            bottom / layout.height,
            _BAR / layout.width,
            layout.map_height / layout.height,
        )
    )
    shown = canvas.colorbar(ScalarMappable(scale, _COLOURS), cax=axes)
    ticks = [float(scale.inverse(share)) for share in (0, 0.5, 1)]
    shown.set_ticks(ticks, labels=[f"{tick:.1f}" for tick in ticks])
    shown.outline.set_visible(False)
    axes.tick_params(length=0, pad=2)


def _lines(point: Cell) -> tuple[str, ...]:
    if not point.computed:
        return ("failed",)
    mark = COLLAPSED if point.n_collapsed else ""
    return f"{100 * point.mean('accuracy'):.1f}{mark}", f"± {100 * point.sd('accuracy'):.1f}"


def _heading(lam: float) -> str:
    return f"λ = {lam:g}"
