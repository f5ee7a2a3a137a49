"""Evaluations as a table for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies.comparison import Comparison
from reno_store.studies.crossvalidation import Evaluation
from reno_store.studies.protocols import PROTOCOLS
from reno_store.studies.repeats import Repeats
from reno_store.studies.scores import (
    COLLAPSED,
    COLLAPSED_NOTE,
    METRIC_TITLES,
    PAPER_METRICS,
)

__all__ = ["comparison_table"]

_MOST_FOLDS = 30
"""Beyond this many folds (speakers, one left out in each) a table gives mean and sd alone."""


def comparison_table(comparison: Comparison) -> RenderableType:
    """Lay a comparison out: a table a protocol, in per cent, with mean and sd.

    Between them stands each fold, or, with several seeds, the mean of each seed's folds.
    """
    parts: list[RenderableType] = [Text(_heading(comparison))]
    if rare := rare_labels_note(comparison.rare_labels, comparison.min_clips):
        parts += [Text(rare)]
    for protocol in dict.fromkeys(each.protocol for each in comparison.evaluations):
        rows = [each for each in comparison.repeats if each.evaluations[0].protocol == protocol]
        parts += [Text(f"\nProtocol {protocol}: {PROTOCOLS[protocol].description}.")]
        parts += [Padding(_table(rows), (1, 0))]
        parts += [Text(note) for note in _notes(rows[0], comparison.n_labels)]
        parts += [Text(note) for note in _collapsed_notes(rows)]
    return Group(*parts)


def _heading(comparison: Comparison) -> str:
    first = comparison.evaluations[0]
    left_out = f" ({comparison.n_left_out:,} left out)" if comparison.n_left_out else ""
    speakers = f"{comparison.n_speakers} speakers" if comparison.n_speakers else "speakers unknown"
    scaled = "standardised on each training fold" if first.standardized else "as stored"
    numbers = dict.fromkeys(len(each.folds) for each in comparison.evaluations)
    given = list(dict.fromkeys(each.seed for each in comparison.evaluations))
    seeds = f"seed{'s' if len(given) > 1 else ''} {', '.join(map(str, given))}"
    folds = " or ".join(str(number) for number in numbers)
    return (
        f"{comparison.dataset}: {comparison.n_clips:,} clips{left_out}, "
        f"{comparison.n_labels} labels, {speakers}; {folds} folds, {seeds}; "
        f"embeddings {scaled}.\n"
        "In per cent; always guessing the most frequent label gives an accuracy of "
        f"{comparison.majority:.1%}."
    )


def _notes(repeats: Repeats, n_labels: int) -> list[str]:
    """Say what a reader of a protocol's table must know besides."""
    notes = []
    n_seeds, first = len(repeats.seeds), repeats.evaluations[0]
    if n_seeds > 1:
        notes += [
            f"A seed's column is the mean of its folds; mean and sd are over all {n_seeds} x "
            f"{len(first.folds)} folds, which share clips. --json has each fold."
        ]
    elif len(first.folds) > _MOST_FOLDS:
        notes += [f"{len(first.folds)} folds are too many to show each; --json has them."]
    lacking = [
        f"{name} (seed {each.seed})" if n_seeds > 1 and not fold.speaker else name
        for each in repeats.evaluations
        for name, fold in zip(_fold_names(each), each.folds, strict=True)
        if fold.n_labels < n_labels
    ]
    lacking = list(dict.fromkeys(lacking))  # a speaker left out is the same with every seed
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
    return notes


def _collapsed_notes(rows: list[Repeats]) -> list[str]:
    """Explain the mark of collapsed rows, where there are any."""
    collapsed = [
        f"{each.evaluations[0].estimator} on {' + '.join(each.evaluations[0].models)} "
        f"({each.n_collapsed} of {len(each.scores(PAPER_METRICS[0]))} folds)"
        for each in rows
        if each.n_collapsed
    ]
    return [COLLAPSED_NOTE.format(", ".join(collapsed))] if collapsed else []


def _fold_names(evaluation: Evaluation) -> list[str]:
    """Name folds by the speaker that they leave out, or by their number."""
    return [
        fold.speaker or f"fold {number}" for number, fold in enumerate(evaluation.folds, start=1)
    ]


def _columns(repeats: Repeats) -> list[str]:
    """Name the columns between the score's name and its mean."""
    if len(repeats.seeds) > 1:
        return [f"seed {seed}" for seed in repeats.seeds]
    names = _fold_names(repeats.evaluations[0])
    return names if len(names) <= _MOST_FOLDS else []


def _table(rows: list[Repeats]) -> FittedTable:
    names = _columns(rows[0])
    title = "single seeds" if len(rows[0].seeds) > 1 else "single folds"
    columns = [
        TableColumn("estimator", wraps=True),
        TableColumn("models", wraps=True),
        TableColumn("score"),
        # One number beside the others says little: all are shown, or none.
        *(TableColumn(name, numeric=True, spare=2, title=title) for name in names),
        TableColumn("mean", numeric=True, bold=True),
        TableColumn("sd", numeric=True, spare=1),
    ]
    lines = []
    for repeats in rows:
        evaluation = repeats.evaluations[0]
        for metric in PAPER_METRICS:
            first = metric == PAPER_METRICS[0]
            scores = (
                [each.mean(metric) for each in repeats.evaluations]
                if len(repeats.seeds) > 1
                else evaluation.scores(metric)[: len(names)]
            )
            lines.append(
                [
                    evaluation.estimator if first else "",
                    " + ".join(evaluation.models) if first else "",
                    METRIC_TITLES[metric],
                    *(f"{100 * score:.1f}" for score in scores),
                    f"{100 * repeats.mean(metric):.1f}{COLLAPSED if repeats.n_collapsed else ''}",
                    f"{100 * repeats.sd(metric):.1f}",
                ]
            )
    return FittedTable(columns, lines, lines=box.SIMPLE_HEAD, elsewhere="--json")
