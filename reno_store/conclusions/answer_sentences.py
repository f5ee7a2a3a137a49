"""The sentences of an answer: at most five, each complete on its own."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from reno_store.conclusions.comparisons import Comparison
from reno_store.conclusions.guessing import Standing, standings_of
from reno_store.conclusions.names import cell_title, estimator_title
from reno_store.conclusions.ranking import Ranked
from reno_store.conclusions.sentences import counted, verdict_words
from reno_store.conclusions.transfer import transfer_sentences
from reno_store.runtime.numbers import count, decimal, listing, points
from reno_store.studies import PROTOCOLS, DatasetFacts, Study
from reno_store.studies.scores import METRIC_TITLES

__all__ = ["answer_sentences"]

_MOST_NAMED = 3


def answer_sentences(
    study: Study,
    facts: DatasetFacts,
    ranking: Sequence[Ranked],
    standings: Sequence[Standing],
    comparisons: Sequence[Comparison],
    *,
    beats_guessing: bool | None,
) -> tuple[str, ...]:
    """Put an answer into words.

    Parameters
    ----------
    study : Study
        The study.
    facts : DatasetFacts
        The dataset, or the pair of corpora.
    ranking : Sequence[Ranked]
        Its cells under the protocol that ranks.
    standings : Sequence[Standing]
        Its cells under all protocols.
    comparisons : Sequence[Comparison]
        Those of the dataset.
    beats_guessing : bool or None
        Whether anything under the protocol that ranks beats guessing.
    """
    if facts.transfer is not None:
        return tuple(transfer_sentences(study, facts))
    if beats_guessing is False:
        return tuple(_nothing(study, facts, ranking, standings))
    protocol = ranking[0].standing.cell.protocol
    own = [each for each in comparisons if each.paired and each.protocol == protocol]
    place = {id(each.standing.cell): place for place, each in enumerate(ranking)}

    def of_kind(kind: str, among: Sequence[Comparison]) -> list[Comparison]:
        """Return comparisons, those of the cells that rank highest first."""
        found = [each for each in among if each.kind == kind]
        cells = [each.second if kind == "paper-speaker" else each.first for each in found]
        order = sorted(range(len(found)), key=lambda i: place.get(id(cells[i]), len(place)))
        return [found[i] for i in order]

    return (
        _winner(facts, ranking),
        *_fusion(facts, of_kind("fusion-half", own)),
        *_networks(facts, of_kind("network-probe", own)),
        *_leak(facts, of_kind("paper-speaker", comparisons)),
    )


def _winner(facts: DatasetFacts, ranking: Sequence[Ranked]) -> str:
    """Name the best cell, and what cannot be told from it."""
    best, others = ranking[0].standing, ranking[1:]
    metric = METRIC_TITLES[best.metric]
    opening = f"Best on {facts.name}" if others else facts.name
    head = f"{opening}: {cell_title(best.cell)}, {_score(best, metric)} {_protocol(best)}"
    ties = [each.standing for each in others if each.group == 1]
    if not others:
        return f"{head}."
    if not ties:
        other = "the other is" if len(others) == 1 else f"each of the other {len(others)} is"
        return f"{head}; {other} lower."
    named = [f"{cell_title(each.cell)} ({_per_cent(each.score)})" for each in ties[:_MOST_NAMED]]
    if len(ties) > _MOST_NAMED:
        named.append(f"{len(ties) - _MOST_NAMED} more")
    which = f"{len(ties)} of the other {len(others)} cannot"
    if len(ties) == len(others):
        which = f"none of the other {len(others)} can" if len(others) > 1 else "the other cannot"
    return f"{head}; {which} be told from it: {listing(named)}."


def _score(standing: Standing, metric: str) -> str:
    """Write a score with its interval and that of guessing."""
    low, high = standing.interval
    parts = [f"guessing {_per_cent(standing.guessing)}"]
    if math.isfinite(low):
        parts.insert(0, f"95 % interval {decimal(100 * low)} to {decimal(100 * high)}")
    if standing.beats_guessing is None:
        parts.append("the difference cannot be tested")
    elif metric and not standing.beats_guessing:
        parts.append("not shown to be higher")
    return f"{_per_cent(standing.score)} {metric} ({', '.join(parts)})".replace("  ", " ")


def _protocol(standing: Standing) -> str:
    name = standing.cell.protocol
    heard = (
        "voices never heard in training"
        if PROTOCOLS[name].speaker_disjoint
        else "folds that share speakers"
    )
    return f"for {heard} (protocol {name})"


def _fusion(facts: DatasetFacts, comparisons: Sequence[Comparison]) -> list[str]:
    """Return how fused models compare with the better of them alone."""
    if not comparisons:
        return []
    first = comparisons[0]
    sides = f"{cell_title(first.first)} vs {cell_title(first.second)}: {verdict_words(first)}"
    title = f"Fusion on {facts.name}, vs the better of its models alone"
    if len(comparisons) == 1:
        return [f"{title}: {sides}."]
    return [f"{title}: {counted(comparisons)}; the best fusion, {sides}."]


def _networks(facts: DatasetFacts, comparisons: Sequence[Comparison]) -> list[str]:
    """Return how networks compare with the linear probe."""
    if not comparisons:
        return []
    first = comparisons[0]
    result = f"{cell_title(first.first)}: {verdict_words(first)}"
    title = f"Networks on {facts.name} vs {estimator_title(first.second)} on the same embeddings"
    if len(comparisons) == 1:
        return [f"{title}: {result}."]
    return [f"{title}: {counted(comparisons)}; the best network, {result}."]


def _leak(facts: DatasetFacts, leaks: Sequence[Comparison]) -> list[str]:
    """Return what folds without shared speakers cost."""
    if not leaks:
        return []
    mean = 100 * statistics.fmean(each.difference for each in leaks)
    costs = f"cost {decimal(mean)} points" if mean > 0 else f"cost nothing ({points(-mean)} points)"
    first = leaks[0]
    title = f"Speaker-disjoint folds on {facts.name} {costs}"
    protocols = f"protocol paper vs {first.second.protocol}"
    result = f"{cell_title(first.first)}: {verdict_words(first)}"
    if len(leaks) == 1:
        return [f"{title}; {protocols}, {result}."]
    return [
        f"{title} on average over {len(leaks)} classifiers; {protocols}: {counted(leaks)}; for the "
        f"best, {result}."
    ]


def _nothing(
    study: Study,
    facts: DatasetFacts,
    ranking: Sequence[Ranked],
    standings: Sequence[Standing],
) -> list[str]:
    """Report that nothing beats guessing, and what else is known then."""
    best = ranking[0].standing
    protocol, metric = best.cell.protocol, METRIC_TITLES[best.metric]
    sentences = [
        f"Nothing here beats guessing on {facts.name}: the highest {metric}, of "
        f"{cell_title(best.cell)}, is {_score(best, '')} {_protocol(best)}."
    ]
    if best.cell.n_collapsed:
        sentences.append(
            f"Every classifier on {facts.name} collapsed in some fold, which means that it did not "
            "learn."
        )
    if best.metric == "accuracy":
        balanced = [
            each
            for each in standings_of(study, "balanced_accuracy")
            if (each.cell.dataset, each.cell.protocol) == (facts.name, protocol)
        ]
        sentences += _still(
            f"Balanced accuracy on {facts.name}, which gives all labels the same weight, beats "
            "chance",
            balanced,
        )
    for other in dict.fromkeys(each.cell.protocol for each in standings):
        if not PROTOCOLS[other].speaker_disjoint and other != protocol:
            sentences += _still(
                f"Under protocol {other}, whose folds share speakers, {metric} on {facts.name} "
                "beats guessing",
                [each for each in standings if each.cell.protocol == other],
                ", which may come from knowing the voices",
            )
    return sentences


def _still(title: str, standings: Sequence[Standing], so: str = "") -> list[str]:
    """Count the cells that beat guessing by another measure; nothing where none does."""
    above = [each for each in standings if each.beats_guessing]
    if not above:
        return []
    best = max(above, key=lambda each: each.score)
    return [
        f"{title} for {len(above)} of {count(len(standings), 'classifier')} (the highest: "
        f"{cell_title(best.cell)}, {_per_cent(best.score)}){so}."
    ]


def _per_cent(share: float) -> str:
    return f"{decimal(100 * share)} %"
