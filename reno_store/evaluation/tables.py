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

_METRIC_NAMES: dict[Metric, str] = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


def comparison_table(comparison: Comparison) -> RenderableType:
    """Lay a comparison out: a table a protocol, in per cent, each fold, mean and sd."""
    parts: list[RenderableType] = [Text(_heading(comparison))]
    for protocol in dict.fromkeys(each.protocol for each in comparison.evaluations):
        evaluations = [each for each in comparison.evaluations if each.protocol == protocol]
        parts += [Text(f"\nProtocol {protocol}: {PROTOCOLS[protocol].description}.")]
        parts += [_table(evaluations)]
        lacking = [
            str(number)
            for number, fold in enumerate(evaluations[0].folds, start=1)
            if fold.n_labels < comparison.n_labels
        ]
        if lacking:
            parts += [
                Text(
                    f"Fold {', '.join(lacking)} tests no clip of some labels; its macro-F1 is over "
                    "the others, so compare folds and protocols with care."
                )
            ]
    return Group(*parts)


def _heading(comparison: Comparison) -> str:
    first = comparison.evaluations[0]
    left_out = f" ({comparison.n_left_out:,} left out)" if comparison.n_left_out else ""
    speakers = f"{comparison.n_speakers} speakers" if comparison.n_speakers else "speakers unknown"
    scaled = "standardised on each training fold" if first.standardized else "as stored"
    return (
        f"{comparison.dataset}: {comparison.n_clips:,} clips{left_out}, "
        f"{comparison.n_labels} labels, {speakers}; {len(first.folds)} folds, seed {first.seed}; "
        f"embeddings {scaled}.\n"
        "In per cent; always guessing the most frequent label gives an accuracy of "
        f"{comparison.majority:.1%}."
    )


def _table(evaluations: list[Evaluation]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("estimator")
    table.add_column("models")
    table.add_column("score")
    for number in range(1, len(evaluations[0].folds) + 1):
        table.add_column(f"fold {number}", justify="right")
    table.add_column("mean", justify="right", style="bold")
    table.add_column("sd", justify="right")
    for evaluation in evaluations:
        for metric in METRICS:
            first = metric == METRICS[0]
            table.add_row(
                Text(evaluation.estimator if first else ""),
                Text(" + ".join(evaluation.models) if first else ""),
                _METRIC_NAMES[metric],
                *(f"{100 * score:.1f}" for score in evaluation.scores(metric)),
                f"{100 * evaluation.mean(metric):.1f}",
                f"{100 * evaluation.sd(metric):.1f}",
            )
    return table
