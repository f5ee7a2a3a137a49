"""Evaluations as a table for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reno_store.evaluation.comparison import Comparison
from reno_store.evaluation.crossvalidation import METRICS, Evaluation, Metric
from reno_store.evaluation.protocols import PROTOCOLS

__all__ = ["comparison_table"]

_MOST_FOLDS = 30
"""Beyond this many folds (speakers, one left out in each) a table gives mean and sd alone."""

_METRIC_NAMES: dict[Metric, str] = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


def comparison_table(comparison: Comparison) -> RenderableType:
    """Lay a comparison out: a table a protocol, in per cent, each fold, mean and sd."""
    parts: list[RenderableType] = [Text(_heading(comparison))]
    for protocol in dict.fromkeys(each.protocol for each in comparison.evaluations):
        evaluations = [each for each in comparison.evaluations if each.protocol == protocol]
        parts += [Text(f"\nProtocol {protocol}: {PROTOCOLS[protocol].description}.")]
        parts += [_table(evaluations)]
        parts += [Text(note) for note in _notes(evaluations[0], comparison.n_labels)]
    return Group(*parts)


def _heading(comparison: Comparison) -> str:
    first = comparison.evaluations[0]
    left_out = f" ({comparison.n_left_out:,} left out)" if comparison.n_left_out else ""
    speakers = f"{comparison.n_speakers} speakers" if comparison.n_speakers else "speakers unknown"
    scaled = "standardised on each training fold" if first.standardized else "as stored"
    numbers = dict.fromkeys(len(each.folds) for each in comparison.evaluations)
    folds = " or ".join(str(number) for number in numbers)
    return (
        f"{comparison.dataset}: {comparison.n_clips:,} clips{left_out}, "
        f"{comparison.n_labels} labels, {speakers}; {folds} folds, seed {first.seed}; "
        f"embeddings {scaled}.\n"
        "In per cent; always guessing the most frequent label gives an accuracy of "
        f"{comparison.majority:.1%}."
    )


def _notes(evaluation: Evaluation, n_labels: int) -> list[str]:
    """Say what a reader of a protocol's table must know besides."""
    notes = []
    names = _fold_names(evaluation)
    if len(names) > _MOST_FOLDS:
        notes += [f"{len(names)} folds are too many to show each; --json has them."]
    lacking = [
        name for name, fold in zip(names, evaluation.folds, strict=True) if fold.n_labels < n_labels
    ]
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


def _fold_names(evaluation: Evaluation) -> list[str]:
    """Name folds by the speaker that they leave out, or by their number."""
    return [
        fold.speaker or f"fold {number}" for number, fold in enumerate(evaluation.folds, start=1)
    ]


def _table(evaluations: list[Evaluation]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("estimator")
    table.add_column("models")
    table.add_column("score")
    names = _fold_names(evaluations[0])
    shown = names if len(names) <= _MOST_FOLDS else []
    for name in shown:
        table.add_column(Text(name), justify="right")
    table.add_column("mean", justify="right", style="bold")
    table.add_column("sd", justify="right")
    for evaluation in evaluations:
        for metric in METRICS:
            first = metric == METRICS[0]
            table.add_row(
                Text(evaluation.estimator if first else ""),
                Text(" + ".join(evaluation.models) if first else ""),
                _METRIC_NAMES[metric],
                *(f"{100 * score:.1f}" for score in evaluation.scores(metric)[: len(shown)]),
                f"{100 * evaluation.mean(metric):.1f}",
                f"{100 * evaluation.sd(metric):.1f}",
            )
    return table
