"""Surface: a grid's accuracy over two hyperparameters, a map per value of a third."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from reno_store.conclusions.grids import findings_of
from reno_store.conclusions.names import SYMBOLS, estimator_title, models_title
from reno_store.errors import RenoStoreError
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name, save_figures
from reno_store.reports.figures.text import LINE_HEIGHT, text_width, wrap
from reno_store.runtime.numbers import decimal, listing, plain
from reno_store.studies import Cell, Grid
from reno_store.studies.scores import COLLAPSED

__all__ = ["save_surface", "surface_figure"]

_AROUND_TEXT = 0.18
_FRAME = 0.035
"""Inches between a cell's edge and its frame, so that neighbours do not hide it."""
_MARGIN = 1.1
"""About the inches that axis labels and the colour bar take."""
_COLOURS = "cividis"


def surface_figure(grid: Grid) -> Figure:
    """Draw a grid's accuracy: the first axis to the right, the second upwards, maps for the third.

    Parameters
    ----------
    grid : Grid
        At least one of its points was scored. At most three axes have several values.

    Raises
    ------
    RenoStoreError
        If more axes have several values.
    """
    names, models = _axes_of(grid), models_title(grid.models)
    title = estimator_title(grid.estimator)
    framed = " The paper's point is framed." if grid.paper else ""
    caption = f"Accuracy (%), mean ± standard deviation over {grid.over}.{framed}"
    details = " ".join(
        [
            "The scale of colours spans at least one standard deviation over folds to either side, "
            "so that a surface looks flat where it is no rougher than folds are.",
            *findings_of(grid),
        ]
    )
    return Figure(
        name=file_name("surface", grid.dataset, grid.protocol, "+".join(grid.models)),
        kind="surface",
        title=f"{grid.dataset}: {listing(map(_symbol, names))} of {title} on {models}",
        caption=caption,
        details=details,
        dataset=grid.dataset,
        draw=functools.partial(_draw, grid, names),
    )


def save_surface(grid: Grid, path: str | Path) -> Path:
    """Write a grid's surface to a file, as a whole or not at all.

    Parameters
    ----------
    grid : Grid
        As for `surface_figure`.
    path : str or Path
        Ends in ``.pdf``, ``.png`` (300 dots per inch) or ``.svg``.

    Raises
    ------
    UnknownNameError
        If the ending is another.
    RenoStoreError
        If the file cannot be written, or as `surface_figure`.
    """
    path = Path(path)
    figure = replace(surface_figure(grid), name=path.stem)
    return save_figures([figure], path.parent, [path.suffix.removeprefix(".")])[0]


def _axes_of(grid: Grid) -> list[str]:
    """Return the axes to draw: all, or of more than three those with several values."""
    names = list(grid.axes)
    if len(names) > 3:
        names = [name for name in names if len(grid.axes[name]) > 1]
    if not 1 <= len(names) <= 3:
        raise RenoStoreError(
            f"a surface shows one to three hyperparameters; this grid has {len(names)} "
            f"({', '.join(names) or 'none'})."
        )
    return names


def _symbol(name: str) -> str:
    return SYMBOLS.get(name, name)


@style.in_style
def _draw(grid: Grid, names: Sequence[str]) -> Canvas:
    across, up, third = [*names, "", ""][:3]
    n_across, n_up = len(grid.axes[across]), len(grid.axes.get(up, "1"))
    panels: Sequence[Any] = grid.axes.get(third, (None,))
    headings = [f"{_symbol(third)} = {plain(value)}" if third else "" for value in panels]

    # Cells as large as their text needs, maps as wide as their headings.
    texts = [line for point in grid.points for line in _text(point).split("\n")]
    texts += [plain(value) for value in grid.axes[across]]
    cell_width = max(map(text_width, texts)) + _AROUND_TEXT
    cell_width = max(cell_width, (max(map(text_width, headings)) + style.PADDING) / n_across)
    cell_height = 2 * LINE_HEIGHT + _AROUND_TEXT
    map_width = n_across * cell_width
    fitting = int((style.PAGE_WIDTH - _MARGIN) / (map_width + 2 * style.PADDING))
    n_columns = max(1, min(len(panels), fitting))
    n_rows = -(-len(panels) // n_columns)
    is_narrow = n_columns * map_width + _MARGIN < style.COLUMN_WIDTH
    if is_narrow:  # maps fill a column
        map_width = (style.COLUMN_WIDTH - _MARGIN) / n_columns
        cell_width = map_width / n_across

    scale = _scale(grid)
    canvas = style.new_canvas(n_columns * map_width + _MARGIN, n_rows * n_up * cell_height + 1)
    places: list[Axes] = canvas.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    for axes in places[len(panels) :]:
        axes.remove()
    for number, (axes, value) in enumerate(zip(places, panels, strict=False)):
        for point in grid.points:
            if not third or point.settings[third] == value:
                column = grid.axes[across].index(point.settings[across])
                row = grid.axes[up].index(point.settings[up]) if up else 0
                frame = (_FRAME / cell_width, _FRAME / cell_height) if point is grid.paper else None
                _draw_point(axes, point, (column, row), scale, frame)
        axes.set(xlim=(-0.5, n_across - 0.5), ylim=(-0.5, n_up - 0.5), title=headings[number])
        axes.set_xticks(range(n_across), map(plain, grid.axes[across]))
        axes.set_xlabel(_symbol(across))
        axes.set_yticks([])
        if up and number % n_columns == 0:
            axes.set_yticks(range(n_up), map(plain, grid.axes[up]))
            short = len(_symbol(up)) == 1
            axes.set_ylabel(
                _symbol(up),
                rotation=0 if short else 90,
                va="center" if short else "bottom",
            )
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    bar = canvas.colorbar(ScalarMappable(scale, _COLOURS), ax=places[: len(panels)], fraction=0.03)
    ticks = [float(scale.inverse(share)) for share in (0, 0.5, 1)]
    bar.set_ticks(ticks, labels=list(map(decimal, ticks)))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)

    words = [
        f"{grid.dataset}, {estimator_title(grid.estimator)} on {models_title(grid.models)}, "
        f"protocol {grid.protocol}",
        f"accuracy (%), mean ± sd over {grid.over}"
        + "; framed: the paper's point" * (grid.paper is not None)
        + f";{COLLAPSED}: collapsed in some fold" * any(p.n_collapsed for p in grid.points),
    ]
    room = (
        style.COLUMN_WIDTH - 2 * style.PADDING if is_narrow else n_columns * map_width + _MARGIN / 2
    )
    canvas.suptitle("\n".join(line for text in words for line in wrap(text, room)))
    width = None if is_narrow else map_width
    style.fit(places[0], width=width, height=n_up * cell_height, columns=n_columns, rows=n_rows)
    return canvas


def _scale(grid: Grid) -> Normalize:
    means = [100 * point.mean("accuracy") for point in grid.scored]
    middle = (min(means) + max(means)) / 2
    # Differences smaller than those between folds are noise and must not fill the scale; a
    # tenth of a point is the last digit that is shown.
    reach = max((max(means) - min(means)) / 2, 100 * grid.spread_over_folds(), 0.1)
    return Normalize(middle - reach, middle + reach)


def _draw_point(
    axes: Axes,
    point: Cell,
    place: tuple[int, int],
    scale: Normalize,
    frame: tuple[float, float] | None,
) -> None:
    x, y = place
    colours = mpl.colormaps[_COLOURS]
    fill = colours(scale(100 * point.mean("accuracy"))) if point.computed else style.GREY
    ink = style.ink_on(fill)
    corner = (x - 0.5, y - 0.5)
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=fill, edgecolor="white", linewidth=0.6))
    axes.text(x, y, _text(point), ha="center", va="center", color=ink, linespacing=1.25)
    if frame is not None:
        wide, high = frame
        inner = (corner[0] + wide, corner[1] + high)
        line: dict[str, Any] = {"edgecolor": ink, "linewidth": 1.6, "label": "paper"}
        axes.add_patch(Rectangle(inner, 1 - 2 * wide, 1 - 2 * high, fill=False, **line))


def _text(point: Cell) -> str:
    if not point.computed:
        return "failed"
    mark = COLLAPSED if point.n_collapsed else ""
    mean, sd = 100 * point.mean("accuracy"), 100 * point.sd("accuracy")
    return f"{decimal(mean)}{mark}\n± {decimal(sd)}"
