"""A study of one dataset fold by fold, as a table for a terminal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies.protocols import PROTOCOLS
from reno_store.studies.scores import COLLAPSED, COLLAPSED_NOTE, METRIC_TITLES, PAPER_METRICS
from reno_store.studies.study import Cell, Study

__all__ = ["evaluation_renderable"]

_MOST_FOLDS = 30
"""With more folds (speakers, one left out in each) a table has mean and sd alone."""


def evaluation_renderable(study: Study) -> RenderableType:
    """Lay a study out: a table per protocol, in per cent, with mean and sd.

    Each fold has a column, or, with several seeds, the mean over each seed's folds.
    """
    facts, request = study.datasets[0], study.request
    computed = [cell for cell in study.cells if cell.computed]
    left_out = f" ({facts.n_left_out:,} left out)" if facts.n_left_out else ""
    speakers = f"{facts.n_speakers} speakers" if facts.n_speakers else "speakers unknown"
    scaled = "standardised on each training fold" if request.standardize else "as stored"
    folds = " or ".join(map(str, dict.fromkeys(len(cell.outcomes[0]) for cell in computed)))
    seeds = f"seed{'s' * (len(request.seeds) > 1)} {', '.join(map(str, request.seeds))}"
    parts: list[RenderableType] = [
        Text(
            f"{facts.name}: {facts.n_clips:,} clips{left_out}, {len(facts.labels)} labels, "
            f"{speakers}; {folds} folds, {seeds}; embeddings {scaled}.\n"
            "In per cent; always guessing the most frequent label gives an accuracy of "
            f"{facts.majority:.1%}."
        )
    ]
    if rare := rare_labels_note(facts.rare_labels, request.min_clips):
        parts += [Text(rare)]
    for protocol in request.protocols:
        rows = [cell for cell in computed if cell.protocol == protocol]
        if rows:
            parts += [Text(f"\nProtocol {protocol}: {PROTOCOLS[protocol].description}.")]
            parts += [Padding(_table(rows), (1, 0))]
            parts += [Text(note) for note in _notes(rows, len(facts.labels))]
    parts += [
        Text(f"{cell.name} on {' + '.join(cell.models)}, {cell.protocol}: {cell.reason}.")
        for cell in study.cells
        if not cell.computed
    ]
    return Group(*parts, *(Text(note) for note in study.notes))


def _notes(rows: Sequence[Cell], n_labels: int) -> list[str]:
    notes = []
    n_seeds, n_folds = len(rows[0].seeds), len(rows[0].outcomes[0])
    if n_seeds > 1:
        notes += [
            f"A seed's column is the mean of its folds; mean and sd are over all {n_seeds} x "
            f"{n_folds} folds, which share clips. --json has each fold."
        ]
    elif n_folds > _MOST_FOLDS:
        notes += [f"{n_folds} folds are too many to show each; --json has them."]
    lacking = [
        f"{name} (seed {seed})" if n_seeds > 1 and name.startswith("fold ") else name
        for place, seed in enumerate(rows[0].seeds)
        for name, fold in zip(_fold_names(rows[0], place), rows[0].outcomes[place], strict=True)
        if fold.score.n_labels < n_labels
    ]
    lacking = list(dict.fromkeys(lacking))
    if len(lacking) > _MOST_FOLDS:
        notes += [
            f"{len(lacking)} folds test no clip of some labels; their macro-F1 is over the others, "
            "so compare folds and protocols with care."
        ]
    elif lacking:
        which = ", ".join(name.removeprefix("fold ") for name in lacking)
        notes += [
            f"Fold {which} tests no clip of some labels; its macro-F1 is over the others, so "
            "compare folds and protocols with care."
        ]
    collapsed = [
        f"{cell.name} on {' + '.join(cell.models)} ({cell.n_collapsed} of {cell.n} folds)"
        for cell in rows
        if cell.n_collapsed
    ]
    return notes + ([COLLAPSED_NOTE.format(", ".join(collapsed))] if collapsed else [])


def _fold_names(cell: Cell, seed: int = 0) -> list[str]:
    return [
        fold.score.speaker or f"fold {number}"
        for number, fold in enumerate(cell.outcomes[seed], start=1)
    ]


def _table(rows: Sequence[Cell]) -> FittedTable:
    several = len(rows[0].seeds) > 1
    names = [f"seed {seed}" for seed in rows[0].seeds] if several else _fold_names(rows[0])
    names = names if several or len(names) <= _MOST_FOLDS else []
    title = "single seeds" if several else "single folds"
    columns = [
        TableColumn("estimator", wraps=True),
        TableColumn("models", wraps=True),
        TableColumn("score"),
        *(TableColumn(name, numeric=True, spare=2, title=title) for name in names),
        TableColumn("mean", numeric=True, bold=True),
        TableColumn("sd", numeric=True, spare=1),
    ]
    lines = []
    for cell in rows:
        for metric in PAPER_METRICS:
            first = metric == PAPER_METRICS[0]
            scores = [[getattr(f.score, metric) for f in folds] for folds in cell.outcomes]
            shown = [statistics.fmean(each) for each in scores] if several else scores[0]
            lines.append(
                [
                    cell.name if first else "",
                    " + ".join(cell.models) if first else "",
                    METRIC_TITLES[metric],
                    *(f"{100 * score:.1f}" for score in shown[: len(names)]),
                    f"{100 * cell.mean(metric):.1f}{COLLAPSED if cell.n_collapsed else ''}",
                    f"{100 * cell.sd(metric):.1f}",
                ]
            )
    return FittedTable(columns, lines, lines=box.SIMPLE_HEAD, elsewhere="--json")
