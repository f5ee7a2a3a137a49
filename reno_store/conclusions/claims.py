"""The paper's three claims: what a study's comparisons conclude about each of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reno_store.conclusions.comparisons import Comparison, Kind, compare_study
from reno_store.conclusions.corrected import ROUNDING
from reno_store.conclusions.names import estimator_title
from reno_store.conclusions.sentences import probe_sentences
from reno_store.conclusions.transfer import transfer_sentences
from reno_store.errors import ConclusionError
from reno_store.runtime.numbers import count, points
from reno_store.studies import Cell, DatasetFacts, Study
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = ["CLAIMS", "Claim", "Tally", "claims_of", "summary"]

CLAIMS: Mapping[Kind, str] = MappingProxyType(
    {
        "mamba-attention": "MAFM vs AAFM",
        "cnn-fcn": "CNN vs FCN",
        "reno-concat": "RENO vs concatenation",
    }
)
"""Kind of comparison -> title, in the paper's order. The paper claims that the first is higher."""

_VERDICTS = ("holds", "holds in part", "mixed", "inconclusive", "contradicted", "not tested")
"""From the best for the paper to the worst."""

_READING = (
    "A difference counts as higher or lower where a t-test, corrected for folds that share clips, "
    "passes 5 % after Holm's adjustment for all comparisons of its kind. Inconclusive does not "
    "mean equal."
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many comparisons came out as the paper claims.

    Attributes
    ----------
    n : int
        Number of comparisons.
    n_higher, n_lower : int
        Comparisons in which the first scores higher, as the paper claims, or lower.
    n_agreeing : int
        Comparisons whose difference has the paper's sign, significant or not.
    mean_difference : float
        Mean of the differences, in [-1, 1]; NaN without comparisons.
    """

    n: int
    n_higher: int
    n_lower: int
    n_agreeing: int
    mean_difference: float

    @classmethod
    def of(cls, comparisons: Sequence[Comparison]) -> Tally:
        """Count comparisons."""
        verdicts = [each.verdict for each in comparisons]
        differences = [each.difference for each in comparisons]
        return cls(
            n=len(comparisons),
            n_higher=verdicts.count("higher"),
            n_lower=verdicts.count("lower"),
            n_agreeing=sum(difference > ROUNDING for difference in differences),
            mean_difference=statistics.fmean(differences) if differences else float("nan"),
        )

    @property
    def n_inconclusive(self) -> int:
        """Comparisons without a result, including those with equal scores."""
        return self.n - self.n_higher - self.n_lower

    @property
    def verdict(self) -> str:
        """What follows for the claim; see the table of `Claim`."""
        if self.n == 0:
            return "not tested"
        if self.n_lower:
            return "mixed" if self.n_higher else "contradicted"
        if self.n_higher:
            return "holds" if self.n_higher == self.n else "holds in part"
        return "inconclusive"

    def in_words(self, metric: Metric) -> str:
        """Return the counts as text."""
        return (
            f"higher in {self.n_higher} of {count(self.n, 'comparison')}, lower in {self.n_lower}, "
            f"inconclusive in {self.n_inconclusive}; the paper's sign in {self.n_agreeing}; mean "
            f"difference {points(100 * self.mean_difference)} points of {METRIC_TITLES[metric]}"
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the paper on one dataset under one protocol.

    The verdict follows from how many comparisons are "higher" (as the paper claims), "lower",
    or neither ("inconclusive" and "same"), each at 5 % after Holm's adjustment:

    ================  ===========  ==========  ===========
    verdict           higher       lower       neither
    ================  ===========  ==========  ===========
    holds             all          none        none
    holds in part     some         none        some
    mixed             some         some        any number
    inconclusive      none         none        all
    contradicted      none         some        any number
    not tested        there are no comparisons
    ================  ===================================

    Attributes
    ----------
    kind : str
        Kind of its comparisons.
    title : str
        ``"MAFM vs AAFM"``, ``"CNN vs FCN"`` or ``"RENO vs concatenation"``.
    dataset, protocol : str
        Where.
    comparisons : tuple[Comparison, ...]
        What it rests on; empty where the study has none.
    why : str
        Why it could not be tested, or the counts.
    """

    kind: Kind
    title: str
    dataset: str
    protocol: str
    comparisons: tuple[Comparison, ...]
    why: str

    @property
    def tally(self) -> Tally:
        """How its comparisons came out."""
        return Tally.of(self.comparisons)

    @property
    def verdict(self) -> str:
        """One of the verdicts in the table above."""
        return self.tally.verdict

    @property
    def sentence(self) -> str:
        """The verdict with its numbers, or why the claim could not be tested."""
        return (
            f"{self.title} on {self.dataset}, protocol {self.protocol}: {self.verdict} "
            f"({self.why})."
        )


def claims_of(
    study: Study, comparisons: Iterable[Comparison] | None = None, metric: Metric = "accuracy"
) -> tuple[Claim, ...]:
    """Check the paper's claims on each dataset under each protocol of a study.

    Pairs of corpora are left out: they have one fold, and the paper makes no claim on them.

    Parameters
    ----------
    study : Study
        A study of any datasets.
    comparisons : Iterable[Comparison], optional
        Those of `compare_study`, which is called by default. Other metrics are ignored.
    metric : str
        The score that is compared.

    Returns
    -------
    tuple of Claim
        By dataset, protocol, then in the paper's order.

    Raises
    ------
    ConclusionError
        If comparisons are passed and none is of the metric, or as `compare_study`.
    """
    found = _of_metric(study, comparisons, metric)
    claims = []
    for dataset in _alone(study):
        for protocol in study.request.within:
            for kind, title in CLAIMS.items():
                place = (kind, dataset.name, protocol)
                own = tuple(c for c in found if (c.kind, c.dataset, c.protocol) == place)
                why = Tally.of(own).in_words(metric) if own else _why_not_tested(study, *place)
                claims.append(Claim(kind, title, dataset.name, protocol, own, why))
    return tuple(claims)


def _alone(study: Study) -> list[DatasetFacts]:
    """Return the datasets, without pairs of corpora: one fold of a pair cannot be tested."""
    return [each for each in study.datasets if each.transfer is None]


def summary(
    study: Study, comparisons: Iterable[Comparison] | None = None, metric: Metric = "accuracy"
) -> list[str]:
    """Return the sentences that open a report.

    Parameters
    ----------
    study, comparisons, metric
        As for `claims_of`.

    Returns
    -------
    list of str
        One sentence for each of the three claims, one for each dataset and protocol on which
        networks were compared with logistic regression, one for what the paper's protocol
        overstates, one for each pair of corpora, and one on how to read them.

    Raises
    ------
    ConclusionError
        As `claims_of`.
    """
    found = _of_metric(study, comparisons, metric)
    claims = claims_of(study, found, metric)
    sentences = [
        _over_all(own, metric)
        for kind in CLAIMS
        if (own := [claim for claim in claims if claim.kind == kind])
    ]
    sentences += probe_sentences(found)
    if claims:
        sentences.append(_leak(study, [c for c in found if c.kind == "paper-speaker"], metric))
    return [*sentences, *transfer_sentences(study), *([_READING] if found else [])]


def _of_metric(
    study: Study, comparisons: Iterable[Comparison] | None, metric: Metric
) -> tuple[Comparison, ...]:
    if comparisons is None:
        return compare_study(study, metric)
    passed = tuple(comparisons)
    found = tuple(each for each in passed if each.metric == metric)
    if passed and not found:
        metrics = ", ".join(sorted({each.metric for each in passed}))
        raise ConclusionError(f"expected comparisons of {metric}, got comparisons of {metrics}.")
    return found


def _why_not_tested(study: Study, kind: Kind, dataset: str, protocol: str) -> str:
    """Return what a study lacks for a claim."""
    cells = list(study.select(dataset=dataset, protocol=protocol))
    if kind == "mamba-attention":
        family = {model.name: model.family for model in study.models}
        cells = [cell for cell in cells if cell.estimator in ("fcn", "cnn")]
        sides = {
            title: [cell for cell in cells if family.get(cell.models[0]) == name]
            for name, title in (("mamba", "Audio-Mamba"), ("attention", "attention-based model"))
        }
    else:
        sides = {
            estimator_title(name): [cell for cell in cells if cell.estimator == name]
            for name in kind.split("-")
        }
    for title, own in sides.items():
        if not own:
            return f"no {title} in the study"
        if not any(cell.computed for cell in own):
            return f"{title} not computed: {_reason(own)}"
    return f"{' and '.join(sides)} have nothing in common that was computed"


def _reason(cells: Sequence[Cell]) -> str:
    reasons = list(dict.fromkeys(cell.reason for cell in cells))
    more = f" (and {count(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
    return reasons[0].removesuffix(".") + more


def _over_all(claims: Sequence[Claim], metric: Metric) -> str:
    """Name the places of each verdict, best first, and count over all of them."""
    parts: dict[tuple[str, str], list[Claim]] = {}
    for verdict in _VERDICTS:
        for claim in claims:
            if claim.verdict == verdict:
                why = f" ({claim.why})" if verdict == "not tested" else ""
                parts.setdefault((verdict, why), []).append(claim)
    places = "; ".join(f"{verdict} on {_places(own)}{why}" for (verdict, why), own in parts.items())
    tally = Tally.of([each for claim in claims for each in claim.comparisons])
    counted = f" Over all: {tally.in_words(metric)}." if tally.n else ""
    return f"{claims[0].title}: {places}.{counted}"


def _places(claims: Sequence[Claim]) -> str:
    protocols: dict[str, list[str]] = {}
    for claim in claims:
        protocols.setdefault(claim.dataset, []).append(claim.protocol)
    return ", ".join(
        f"{dataset} (protocol {' and '.join(names)})" for dataset, names in protocols.items()
    )


def _leak(study: Study, leaks: Sequence[Comparison], metric: Metric) -> str:
    title = f"Protocol paper vs voices never heard in training, {METRIC_TITLES[metric]}"
    untested = "not tested (that takes protocol paper and one of speaker and loso)"
    if not leaks:
        return f"{title}: {untested}."
    parts = []
    for dataset in _alone(study):
        tally = Tally.of([each for each in leaks if each.dataset == dataset.name])
        words = (
            f"higher in {tally.n_higher} of {count(tally.n, 'comparison')}, lower in "
            f"{tally.n_lower}, inconclusive in {tally.n_inconclusive}, mean difference "
            f"{points(100 * tally.mean_difference)} points"
        )
        parts += [f"{words if tally.n else untested} on {dataset.name}"]
    return f"{title}: {'; '.join(parts)}."
