"""What `evaluate` and `grid` show in a terminal: each fold or seed, and each point of a grid."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from operator import itemgetter

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reno_store.conclusions import answers_of
from reno_store.conclusions.grids import findings_of
from reno_store.conclusions.names import SYMBOLS, estimator_title, models_title, settings_title
from reno_store.reports.tables.notes import collapsed_note, fold_names, untested_note
from reno_store.reports.tables.terminal import describe
from reno_store.reports.tables.transfer_notes import transfer_notes
from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.runtime.numbers import count, decimal, plain
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import PROTOCOLS, Cell, DatasetFacts, Grid, Study
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, PAPER_METRICS

__all__ = ["evaluation_renderable", "grid_renderable"]

_MOST_FOLDS = 30
"""A table with more folds (such as speakers) shows mean and sd alone."""


def evaluation_renderable(study: Study) -> RenderableType:
    """Lay a study out fold by fold: a table per dataset and protocol, in per cent.

    With several seeds, each seed's mean takes the place of its folds. The sentences of the
    answer follow.

    Parameters
    ----------
    study : Study
        Computed or not.
    """
    parts: list[RenderableType] = []
    for facts in study.datasets:
        cells = list(study.select(dataset=facts.name))
        numbers = " or ".join(map(str, dict.fromkeys(len(c.outcomes[0]) for c in cells if c.n)))
        seeds, scaled, guessing = _facts(study, facts)
        folds = f"{numbers or 'no'} fold{'s' * (numbers != '1')}"
        parts.append(Text(f"{describe(facts)}; {folds}, {seeds}; {scaled}.\n{guessing[0]}"))
        parts += map(Text, guessing[1:])
        for protocol in dict.fromkeys(cell.protocol for cell in cells):
            own = [cell for cell in cells if cell.protocol == protocol]
            parts.append(Text(f"\nProtocol {protocol}: {PROTOCOLS[protocol].description}."))
            if computed := [cell for cell in own if cell.computed]:
                parts.append(Padding(_folds(computed), (1, 0)))
            parts += [Text(note) for note in _notes(own, len(facts.labels))]
    parts += map(Text, study.notes)
    sentences = [sentence for answer in answers_of(study) for sentence in answer.sentences]
    parts += [Text(f"\n{sentence}") for sentence in sentences]
    return Group(*parts)


def grid_renderable(grid: Grid) -> RenderableType:
    """Lay a grid out: its points in per cent, best first, and what they show."""
    facts, first = grid.facts, grid.points[0]
    seeds, scaled, guessing = _facts(grid.study, facts)
    heading = (
        f"{describe(facts)}; {estimator_title(first.estimator)} on {models_title(first.models)}; "
        f"{scaled}; {count(len(grid.points), 'point')}, {grid.n_folds} folds, {seeds}.\n"
        f"Protocol {first.protocol}: {PROTOCOLS[first.protocol].description}.\n{guessing[0]}"
    )
    failed = [
        f"{settings_title(point.settings)} failed: {point.reason}"
        for point in grid.points
        if not point.computed
    ]
    findings = findings_of(grid) if grid.scored else []
    return Group(
        *map(Text, [heading, *guessing[1:]]),
        Padding(_points(grid), (1, 0)),
        *map(Text, [*failed, *findings, *grid.study.notes]),
    )


def _facts(study: Study, facts: DatasetFacts) -> tuple[str, str, list[str]]:
    """Return the seeds, the scaling, and sentences on the accuracy of guessing and rare labels."""
    request = study.request
    seeds = f"seed{'s' * (len(request.seeds) > 1)} {', '.join(map(str, request.seeds))}"
    scaled = "standardized on each training fold" if request.standardize else "as stored"
    guessing = (
        f"In per cent; the most frequent label has {100 * facts.majority:.1f} % of the clips."
    )
    notes = transfer_notes(facts, request.min_clips)
    if facts.rare_labels and not notes:
        notes = [rare_labels_note(facts.rare_labels, request.min_clips)]
    return seeds, f"embeddings {scaled}", [guessing, *notes]


def _notes(cells: Sequence[Cell], n_labels: int) -> list[str]:
    notes = []
    n_seeds = len(cells[0].seeds)
    n_folds = max((len(cell.outcomes[0]) for cell in cells if cell.computed), default=0)
    if n_seeds > 1 and n_folds:
        notes.append(
            f"A seed's column is the mean of its folds; mean and sd are over all {n_seeds} x "
            f"{n_folds} folds, which share clips. The JSON form has each fold."
        )
    elif n_folds > _MOST_FOLDS:
        notes.append(f"{n_folds} folds are too many to show each; the JSON form has them.")
    notes += untested_note(cells, n_labels, _MOST_FOLDS)
    notes += collapsed_note(cells)
    missing = [cell for cell in cells if not cell.computed]
    return [
        *notes,
        *(f"{cell.name} on {models_title(cell.models)}: {cell.reason}" for cell in missing),
    ]


def _folds(cells: Sequence[Cell]) -> FittedTable:
    several = len(cells[0].seeds) > 1
    if several:
        names = [f"seed {seed}" for seed in cells[0].seeds]
    else:
        names = [f"fold {name}" if name.isdigit() else name for name in fold_names(cells[0])]
        names = names if len(names) <= _MOST_FOLDS else []
    title = "single seeds" if several else "single folds"
    columns = [
        TableColumn("estimator", wraps=True),
        TableColumn("models", wraps=True),
        TableColumn("score"),
        # A few of these numbers say little, so all are shown or none.
        *(TableColumn(name, numeric=True, spare=2, title=title) for name in names),
        TableColumn("mean", numeric=True, bold=True),
        TableColumn("sd", numeric=True, spare=1),
    ]
    rows = []
    for cell in cells:
        for metric in PAPER_METRICS:
            scores = cell.scores(metric)
            if several:
                n = len(cell.outcomes[0])
                starts = range(0, len(scores), n)
                scores = [statistics.fmean(scores[start : start + n]) for start in starts]
            first = metric == PAPER_METRICS[0]
            mark = COLLAPSED if cell.n_collapsed else ""
            rows.append(
                [
                    cell.name if first else "",
                    models_title(cell.models) if first else "",
                    METRIC_TITLES[metric],
                    *(decimal(100 * score) for score in scores[: len(names)]),
                    f"{decimal(100 * cell.mean(metric))}{mark}",
                    decimal(100 * cell.sd(metric)) if cell.n > 1 else "",
                ]
            )
    return FittedTable(columns, rows, lines=box.SIMPLE_HEAD, elsewhere="the JSON form")


def _points(grid: Grid) -> FittedTable:
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
        shown = [plain(point.settings[name]) for name in grid.axes]
        place = str(rank) if point.computed else "-"
        rows.append([place, *shown, *numbers, str(point.n), ", ".join(marks)])
    return FittedTable(columns, rows, lines=box.SIMPLE_HEAD, elsewhere="the CSV file")
