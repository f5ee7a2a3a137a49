"""Rankings, comparisons and claims as tables of texts, which each form writes in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reno_store.conclusions import KINDS, Answer, Claim, Comparison, Ranked, verdict_words
from reno_store.conclusions.names import cell_title, comparison_title
from reno_store.conclusions.transfer import transferred
from reno_store.runtime.numbers import NOTHING, count, decimal, interval, listing, p_value, points
from reno_store.studies import PROTOCOLS, Study
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = [
    "COMPARISONS_NOTE",
    "RANKING_NOTE",
    "Findings",
    "across_table",
    "claims_table",
    "comparison_tables",
    "ranking_table",
    "untested_claims",
]

COMPARISONS_NOTE = (
    "A difference is the first minus the second, on the same folds (but for protocol paper vs "
    "speaker-disjoint folds, which have no folds in common). Intervals and p are those of a "
    "t-test corrected for folds that share clips; p is adjusted (Holm) for the comparisons of its "
    "section. Intervals are not adjusted, so one can leave out zero although p is above 0.05. "
    "Inconclusive does not mean equal. The better of the fused models alone was chosen on these "
    "folds, which favours it."
)

RANKING_NOTE = (
    "Group 1 has the best and all that cannot be told from it, group 2 the best of the rest and "
    "all that cannot be told from that one, and so on. p is for the difference from the best, "
    "adjusted (Holm) for the number of classifiers. The best was chosen on these folds, so its "
    "score is a little too high. Classifiers that collapsed are not ranked."
)

_BEATS = {True: "yes", False: "no", None: NOTHING}


@dataclass(frozen=True, slots=True)
class Findings:
    """A table of texts: a name first, then numbers, then a verdict.

    Attributes
    ----------
    title : str
        Its heading.
    headings : tuple[str, ...]
        Headings of the columns.
    rows : tuple[tuple[str, ...], ...]
        The rows.
    sections : Mapping[int, str]
        Number of a row, from 0 -> what it and the rows after it are about.
    note : str
        How to read it, or what is left out; may be empty.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sections: Mapping[int, str] = field(default_factory=dict)
    note: str = ""


def across_table(study: Study) -> Findings:
    """Lay out the accuracies across corpora: a row per pair and protocol, in per cent."""
    protocols: dict[int, str] = {}
    rows: list[tuple[str, ...]] = []
    for protocol in study.request.across:
        protocols[len(rows)] = f"protocol {protocol}"
        for facts in study.datasets:
            for found in transferred(study, facts):
                if found.protocol == protocol:
                    lowest, highest = found.cells[0], found.cells[-1]
                    shown = (highest, found.median, lowest)
                    numbers = [decimal(100 * cell.mean("accuracy")) for cell in shown]
                    guessing = decimal(100 * facts.majority)
                    rows.append((facts.name, *numbers, guessing, cell_title(highest)))
    return Findings(
        "Across corpora",
        ("trained on → tested", "highest", "median", "lowest", "guessing", "highest with"),
        tuple(rows),
        {place: title for place, title in protocols.items() if place < len(rows)},
        "Accuracies in per cent: the highest, the median and the lowest of all classifiers. The "
        "highest was chosen on these clips. With one fold per pair, no difference can be tested.",
    )


def ranking_table(answer: Answer) -> Findings:
    """Lay out the cells of an answer, the best first, in groups that cannot be told apart."""
    metric = METRIC_TITLES[answer.metric]
    return Findings(
        f"Ranking: {answer.dataset}, protocol {answer.protocol}",
        ("classifier", "group", metric, "95 % interval", "vs best", "p", "beats guessing"),
        tuple(map(_ranked, answer.ranking)),
        note=RANKING_NOTE,
    )


def _ranked(ranked: Ranked) -> tuple[str, ...]:
    standing = ranked.standing
    low, high = (100 * end for end in standing.interval)
    return (
        cell_title(standing.cell),
        str(ranked.group),
        decimal(100 * standing.score),
        f"{decimal(low)} to {decimal(high)}" if low == low else NOTHING,
        points(100 * ranked.difference) if ranked.difference else NOTHING,
        p_value(ranked.p_holm),
        _BEATS[standing.beats_guessing],
    )


def comparison_tables(comparisons: Sequence[Comparison]) -> tuple[Findings, ...]:
    """Lay out comparisons: a table per dataset, protocol and metric, a section per kind.

    Those in which neither side beats guessing are counted in the note. Those across corpora are
    left out: one fold has no spread to test with.
    """
    groups: dict[tuple[str, Metric], list[Comparison]] = {}
    for each in comparisons:
        if PROTOCOLS[each.protocol].across:
            continue
        protocols = dict.fromkeys((each.protocol, each.second.protocol))
        place = f"{each.dataset}, protocol {' vs '.join(protocols)}"
        groups.setdefault((place, each.metric), []).append(each)
    tables = []
    for (place, metric), own in groups.items():
        what = "" if metric == "accuracy" else f" of {METRIC_TITLES[metric]}"
        shown = [each for each in own if each.verdict != "guessing"]
        kinds = [each.kind for each in shown]
        n_guessing = len(own) - len(shown)
        guessing = f"{count(n_guessing, 'comparison')} left out: neither side beats guessing."
        tables.append(
            Findings(
                f"Comparisons{what}: {place}",
                ("comparison", "points", "95 % interval", "p", "verdict"),
                tuple(map(_compared, shown)),
                {kinds.index(kind): KINDS[kind] for kind in dict.fromkeys(kinds)},
                guessing if n_guessing else "",
            )
        )
    return tuple(tables)


def _compared(comparison: Comparison) -> tuple[str, ...]:
    low, high = comparison.interval
    return (
        comparison_title(comparison.first, comparison.second)
        if comparison.paired
        else cell_title(comparison.first),
        points(100 * comparison.difference),
        interval((100 * low, 100 * high)),
        p_value(comparison.p_holm),
        verdict_words(comparison, numbers=False),
    )


def claims_table(claims: Sequence[Claim]) -> Findings:
    """Lay out the claims that were tested."""
    rows = []
    for claim in claims:
        if claim.comparisons:
            tally = claim.tally
            rows.append(
                (
                    f"{claim.title}: {claim.dataset}, protocol {claim.protocol}",
                    str(tally.n_higher),
                    str(tally.n_lower),
                    str(tally.n - tally.n_higher - tally.n_lower),
                    points(100 * tally.mean_difference),
                    claim.verdict,
                )
            )
    return Findings(
        "The paper's claims",
        ("claim", "higher", "lower", "neither", "mean points", "verdict"),
        tuple(rows),
    )


def untested_claims(claims: Sequence[Claim]) -> list[str]:
    """Return why claims could not be tested, once for each reason and dataset."""
    protocols: dict[tuple[str, str, str], list[str]] = {}
    for claim in claims:
        if not claim.comparisons:
            place = (claim.title, claim.dataset, claim.why)
            protocols.setdefault(place, []).append(claim.protocol)
    return [
        f"{title} on {dataset}, protocol {listing(names)}: not tested ({why})."
        for (title, dataset, why), names in protocols.items()
    ]
