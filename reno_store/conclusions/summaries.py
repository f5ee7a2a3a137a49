"""What opens a report: where the paper's claims hold, and what its protocol overstates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reno_store.conclusions.claims import CLAIMS, VERDICTS, Claim, claims_of, select_metric
from reno_store.conclusions.comparisons import Comparison
from reno_store.conclusions.omissions import why_not_tested
from reno_store.conclusions.probes import probe_sentences
from reno_store.conclusions.sentences import in_points
from reno_store.conclusions.tallies import Tally
from reno_store.studies import Study
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = ["summary"]

_READING = (
    "A difference counts as higher or lower where the t-test corrected for folds that share "
    "clips passes 5 % after Holm's adjustment for all comparisons of its kind; undecided means "
    "that the folds do not tell, not that there is no difference."
)


def summary(
    study: Study, comparisons: Iterable[Comparison] | None = None, metric: Metric = "accuracy"
) -> list[str]:
    """Say where each of the paper's claims holds and where not, over all of a study.

    Parameters
    ----------
    study : Study
        A study of any datasets.
    comparisons : Iterable[Comparison], optional
        Those that `compare_study` gave; made anew by default.
    metric : str
        What is compared.

    Returns
    -------
    list of str
        A text for each of the three claims, in the paper's order, one for each dataset and
        protocol on which networks were compared with logistic regression, one for what the
        paper's protocol overstates, and one for how to read them.

    Raises
    ------
    ConclusionError
        As `claims_of`.
    """
    found = select_metric(study, comparisons, metric)
    claims = claims_of(study, found, metric)
    said = [
        _claim(study, title, [claim for claim in claims if claim.kind == kind], metric)
        for kind, title in CLAIMS.items()
    ]
    leaks = [each for each in found if each.kind == "paper-speaker"]
    return [
        *said,
        *probe_sentences(found),
        _leak(study, leaks, metric),
        *([_READING] if found else []),
    ]


def _claim(study: Study, title: str, claims: Sequence[Claim], metric: Metric) -> str:
    """Name the places of each verdict, best first, and count over all of them."""
    parts = []
    for verdict, words in VERDICTS.items():
        own = [claim for claim in claims if claim.verdict == verdict]
        if verdict == "not tested":
            parts += [f"{words} on {_places(some)}, since {why}" for why, some in _whys(study, own)]
        elif own:
            parts += [f"{words} on {_places(own)}"]
    tally = Tally.of([each for claim in claims for each in claim.comparisons])
    counted = f" Over all: {tally.in_words(metric)}." if tally.n else ""
    return f"{title} {'; '.join(parts)}.{counted}"


def _places(claims: Sequence[Claim]) -> str:
    """List datasets, each with its protocols."""
    protocols: dict[str, list[str]] = {}
    for claim in claims:
        protocols.setdefault(claim.dataset, []).append(claim.protocol)
    return ", ".join(
        f"{dataset} (protocol {' and '.join(names)})" for dataset, names in protocols.items()
    )


def _whys(study: Study, claims: Sequence[Claim]) -> Iterable[tuple[str, list[Claim]]]:
    """Put claims together that could not be tested for the same reason."""
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        why = why_not_tested(study, claim.kind, claim.dataset, claim.protocol)
        found.setdefault(why, []).append(claim)
    return found.items()


def _leak(study: Study, leaks: Sequence[Comparison], metric: Metric) -> str:
    title = METRIC_TITLES[metric]
    untested = "is not tested: that takes protocol paper and one of speaker and loso"
    if not leaks:
        return (
            f"Whether the paper's protocol overstates {title} on voices never heard in training "
            f"{untested}."
        )
    parts = []
    for dataset in study.datasets:
        tally = Tally.of([each for each in leaks if each.dataset == dataset.name])
        if tally.n:
            comparisons = "comparison" if tally.n == 1 else "comparisons"
            parts += [
                f"on {dataset.name} it overstates it in {tally.n_higher} of {tally.n} "
                f"{comparisons}, understates it in {tally.n_lower}, and {tally.n_undecided} "
                "remain undecided (mean difference "
                f"{in_points(tally.mean_difference)} points)"
            ]
        else:
            parts += [f"on {dataset.name} it {untested}"]
    return (
        f"The paper's protocol beside voices never heard in training, by {title}: "
        f"{'; '.join(parts)}."
    )
