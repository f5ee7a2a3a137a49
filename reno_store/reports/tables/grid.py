"""A grid as a table for a terminal."""

from __future__ import annotations

from operator import itemgetter

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reno_store.conclusions.grids import findings_of
from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies.grid import Grid
from reno_store.studies.protocols import PROTOCOLS
from reno_store.studies.scores import METRIC_TITLES, PAPER_METRICS
from reno_store.studies.study import settings_text

__all__ = ["SYMBOLS", "grid_renderable"]

SYMBOLS = {"beta": "β", "delta": "δ", "lam": "λ"}


def grid_renderable(grid: Grid) -> RenderableType:
    """Lay a grid out: its points, best first, in per cent, and what they allow to conclude."""
    parts: list[RenderableType] = [Text(_heading(grid))]
    if rare := rare_labels_note(grid.facts.rare_labels, grid.study.request.min_clips):
        parts += [Text(rare)]
    parts += [Padding(_table(grid), (1, 0))]
    parts += [
        Text(f"{settings_text(point.settings)} failed: {point.reason}")
        for point in grid.points
        if not point.computed
    ]
    parts += [Text(sentence) for sentence in (*findings_of(grid), *grid.study.notes)]
    return Group(*parts)


def _heading(grid: Grid) -> str:
    request, facts = grid.study.request, grid.facts
    left_out = f" ({facts.n_left_out:,} left out)" if facts.n_left_out else ""
    speakers = f"{facts.n_speakers} speakers" if facts.n_speakers else "speakers unknown"
    scaled = "standardised on each training fold" if request.standardize else "as stored"
    seeds = f"seed{'s' * (len(request.seeds) > 1)} {', '.join(map(str, request.seeds))}"
    n_points = "1 point" if len(grid.points) == 1 else f"{len(grid.points):,} points"
    return (
        f"{facts.name}: {facts.n_clips:,} clips{left_out}, {len(facts.labels)} labels, {speakers}; "
        f"RENO on {' + '.join(grid.models)}; embeddings {scaled}; {n_points}, "
        f"{grid.n_folds} folds, {seeds}.\n"
        f"Protocol {grid.protocol}: {PROTOCOLS[grid.protocol].description}.\n"
        "In per cent; always guessing the most frequent label gives an accuracy of "
        f"{facts.majority:.1%}."
    )


def _table(grid: Grid) -> FittedTable:
    columns = [
        TableColumn("rank", numeric=True),
        *(TableColumn(SYMBOLS.get(name, name), numeric=True) for name in grid.axes),
    ]
    for spare, metric in enumerate(PAPER_METRICS):
        title = METRIC_TITLES[metric]
        columns.append(TableColumn(title, numeric=True, bold=True, spare=spare))
        columns.append(TableColumn("sd", numeric=True, spare=2, title=f"sd of {title}"))
    columns += [TableColumn("n", numeric=True, spare=3), TableColumn("", wraps=True)]
    rows = []
    ranked = sorted(zip(grid.ranks(), grid.points, strict=True), key=itemgetter(0))
    for place, point in ranked:
        values = [_shown(point.settings[name]) for name in grid.axes]
        scores = [
            f"{100 * number:.1f}" if point.computed else "-"
            for metric in PAPER_METRICS
            for number in ((point.mean(metric), point.sd(metric)) if point.computed else (0, 0))
        ]
        marks = ["paper"] if grid.is_paper(point) else []
        if point.n_collapsed:
            marks.append(f"collapsed in {point.n_collapsed} of {point.n}")
        rank = str(place) if point.computed else "-"
        rows.append([rank, *values, *scores, str(point.n), ", ".join(marks)])
    return FittedTable(columns, rows, lines=box.SIMPLE_HEAD, elsewhere="the file of -o")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
