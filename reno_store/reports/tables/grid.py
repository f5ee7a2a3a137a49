"""A grid of hyperparameters as a table for a terminal."""

from __future__ import annotations

from operator import itemgetter

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reno_store.conclusions.grids import findings_of
from reno_store.conclusions.names import SYMBOLS, estimator_title, models_title, settings_title
from reno_store.reports.tables.terminal import describe
from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.runtime.numbers import count, decimal
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies.grid import Grid
from reno_store.studies.protocols import PROTOCOLS
from reno_store.studies.scores import METRIC_TITLES, PAPER_METRICS

__all__ = ["grid_renderable"]


def grid_renderable(grid: Grid) -> RenderableType:
    """Lay a grid out: its points in per cent, best first, and what they show."""
    request, facts, first = grid.study.request, grid.facts, grid.points[0]
    scaled = "standardised on each training fold" if request.standardize else "as stored"
    seeds = f"seed{'s' * (len(first.seeds) > 1)} {', '.join(map(str, first.seeds))}"
    heading = (
        f"{describe(facts)}; {estimator_title(first.estimator)} on {models_title(first.models)}; "
        f"embeddings {scaled}; {count(len(grid.points), 'point')}, {grid.n_folds} folds, {seeds}.\n"
        f"Protocol {first.protocol}: {PROTOCOLS[first.protocol].description}.\n"
        "In per cent; always guessing the most frequent label gives an accuracy of "
        f"{100 * facts.majority:.1f} %."
    )
    failed = [
        f"{settings_title(point.settings)} failed: {point.reason}"
        for point in grid.points
        if not point.computed
    ]
    rare = [rare_labels_note(facts.rare_labels, request.min_clips)] if facts.rare_labels else []
    findings = findings_of(grid) if grid.scored else []
    return Group(
        *map(Text, [heading, *rare]),
        Padding(_table(grid), (1, 0)),
        *map(Text, [*failed, *findings, *grid.study.notes]),
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
    for rank, point in sorted(zip(grid.ranks(), grid.points, strict=True), key=itemgetter(0)):
        numbers = ["-"] * 2 * len(PAPER_METRICS)
        if point.computed:
            numbers = [
                decimal(100 * number)
                for metric in PAPER_METRICS
                for number in (point.mean(metric), point.sd(metric))
            ]
        marks = ["paper"] * (point is grid.paper)
        if point.n_collapsed:
            marks.append(f"collapsed in {point.n_collapsed} of {point.n}")
        values = [point.settings[name] for name in grid.axes]
        shown = [f"{each:g}" if isinstance(each, float) else str(each) for each in values]
        place = str(rank) if point.computed else "-"
        rows.append([place, *shown, *numbers, str(point.n), ", ".join(marks)])
    return FittedTable(columns, rows, lines=box.SIMPLE_HEAD, elsewhere="the CSV file")
