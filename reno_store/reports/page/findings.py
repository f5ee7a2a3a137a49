"""Claims and comparisons as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from reno_store.conclusions import Claim, Comparison
from reno_store.reports.page.wording import (
    sort_value,
    write_estimator,
    write_interval,
    write_list,
    write_models,
    write_p,
    write_points,
)
from reno_store.studies import Cell
from reno_store.studies.scores import METRIC_TITLES, METRICS

__all__ = ["ComparisonLine", "ComparisonTable", "comparisons_of", "summarize"]

_TITLES = {
    "reno-concat": "RENO against concatenation",
    "mamba-attention": "Mamba-based against attention-based models",
    "cnn-fcn": "CNN against FCN",
    "network-probe": "Networks against logistic regression",
    "paper-speaker": "The paper's protocol against speaker-disjoint folds",
}
_MOST_SENTENCES = 6
"""Beyond this many claims the summary counts where each holds; the sentences follow below."""


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """A comparison, in words; the values are what its columns are sorted by."""

    dataset: str
    protocol: str
    first: str
    second: str
    difference: str
    difference_value: float | None
    interval: str
    interval_value: float | None
    p: str
    p_value: float | None
    verdict: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """Comparisons of one kind and score."""

    id: str
    title: str
    lines: tuple[ComparisonLine, ...]


def comparisons_of(comparisons: Sequence[Comparison]) -> tuple[ComparisonTable, ...]:
    """Sort comparisons by kind and score, and keep their order within them."""
    tables = []
    for (kind, title), metric in product(_TITLES.items(), METRICS):
        lines = tuple(
            _make_line(each) for each in comparisons if (each.kind, each.metric) == (kind, metric)
        )
        if lines:
            score = METRIC_TITLES[metric]
            tables.append(ComparisonTable(f"{kind}-{metric}", f"{title}: {score}", lines))
    return tuple(tables)


def summarize(claims: Sequence[Claim]) -> tuple[str, ...]:
    """Sum claims up: their sentences, or where there are many, where each holds.

    Parameters
    ----------
    claims : Sequence[Claim]
        In any order; their titles are kept in it.

    Returns
    -------
    tuple of str
        Sentences.
    """
    if len(claims) <= _MOST_SENTENCES:
        return tuple(claim.sentence for claim in claims)
    sentences = []
    for title in dict.fromkeys(claim.title for claim in claims):
        places: dict[str, list[str]] = {}
        for claim in claims:
            if claim.title == title:
                places.setdefault(claim.verdict, []).append(f"{claim.dataset} ({claim.protocol})")
        where = "; ".join(f"{verdict} on {write_list(on)}" for verdict, on in places.items())
        sentences.append(f"{title}: {where}.")
    return tuple(sentences)


def _make_line(comparison: Comparison) -> ComparisonLine:
    first, second = comparison.first, comparison.second
    protocols = dict.fromkeys((first.protocol, second.protocol))
    return ComparisonLine(
        dataset=first.dataset,
        protocol=" − ".join(protocols),
        first=_name(first),
        second=_name(second),
        difference=write_points(comparison.difference),
        difference_value=sort_value(comparison.difference),
        interval=write_interval(comparison.interval),
        interval_value=sort_value(comparison.interval[0]),
        p=write_p(comparison.p_holm),
        p_value=sort_value(comparison.p_holm),
        verdict=comparison.verdict,
        sentence=comparison.sentence,
    )


def _name(cell: Cell) -> str:
    return f"{write_estimator(cell.estimator)} on {write_models(cell.models)}"
