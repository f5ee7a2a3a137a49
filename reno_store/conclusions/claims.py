"""The paper's three claims: what a study's comparisons conclude about each of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reno_store.conclusions.comparisons import Comparison, Kind, compare_study
from reno_store.conclusions.corrected import ROUNDING
from reno_store.conclusions.names import estimator_title
from reno_store.conclusions.sentences import counted
from reno_store.errors import ConclusionError
from reno_store.runtime.numbers import count, points
from reno_store.studies import Cell, Study
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = ["CLAIMS", "Claim", "Tally", "claims_of"]

CLAIMS: Mapping[Kind, str] = MappingProxyType(
    {
        "mamba-attention": "MAFM vs AAFM",
        "cnn-fcn": "CNN vs FCN",
        "reno-concat": "RENO vs concatenation",
    }
)
"""Kind of comparison -> title, in the paper's order. The paper claims that the first is higher."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many comparisons came out as the paper claims.

    Attributes
    ----------
    n : int
        Number of comparisons.
    n_higher, n_lower : int
        Comparisons in which the first scores higher, as the paper claims, or lower.
    n_guessing : int
        Comparisons in which neither side beats guessing.
    n_agreeing : int
        Comparisons whose difference has the paper's sign, significant or not; without those in
        which neither side beats guessing.
    mean_difference : float
        Mean of the differences, in [-1, 1]; NaN without comparisons.
    """

    n: int
    n_higher: int
    n_lower: int
    n_guessing: int
    n_agreeing: int
    mean_difference: float

    @classmethod
    def of(cls, comparisons: Sequence[Comparison]) -> Tally:
        """Count comparisons."""
        verdicts = [each.verdict for each in comparisons]
        differences = [each.difference for each in comparisons]
        signs = [each.difference > ROUNDING for each in comparisons if each.verdict != "guessing"]
        return cls(
            n=len(comparisons),
            n_higher=verdicts.count("higher"),
            n_lower=verdicts.count("lower"),
            n_guessing=verdicts.count("guessing"),
            n_agreeing=sum(signs),
            mean_difference=statistics.fmean(differences) if differences else float("nan"),
        )

    @property
    def n_inconclusive(self) -> int:
        """Comparisons without a result, including those with equal scores."""
        return self.n - self.n_higher - self.n_lower - self.n_guessing

    @property
    def verdict(self) -> str:
        """What follows for the claim; see the table of `Claim`."""
        if self.n == 0:
            return "not tested"
        if self.n_guessing == self.n:
            return "no better than guessing"
        if self.n_lower:
            return "mixed" if self.n_higher else "contradicted"
        if self.n_higher:
            return "holds" if self.n_higher == self.n else "holds in part"
        return "inconclusive"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the paper on one dataset under one protocol.

    The verdict follows from how many comparisons are "higher" (as the paper claims), "lower",
    or neither ("inconclusive", "same" and "guessing"), each at 5 % after Holm's adjustment:

    =======================  ===========  ==========  ===========
    verdict                  higher       lower       neither
    =======================  ===========  ==========  ===========
    holds                    all          none        none
    holds in part            some         none        some
    mixed                    some         some        any number
    inconclusive             none         none        all
    contradicted             none         some        any number
    no better than guessing  neither side beats guessing in any comparison
    not tested               there are no comparisons
    =======================  ====================================

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

    A claim on what the study was not asked for is left out. Pairs of corpora are left out too:
    they have one fold, and the paper makes no claim on them.

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
    for dataset in study.datasets:
        for protocol in study.request.within if dataset.transfer is None else ():
            for kind, title in CLAIMS.items():
                place = (kind, dataset.name, protocol)
                own = tuple(c for c in found if (c.kind, c.dataset, c.protocol) == place)
                why = _counted(own, metric) if own else _why_not_tested(study, *place)
                if why:
                    claims.append(Claim(kind, title, dataset.name, protocol, own, why))
    return tuple(claims)


def _counted(comparisons: Sequence[Comparison], metric: Metric) -> str:
    tally = Tally.of(comparisons)
    if tally.n_guessing == tally.n:
        return f"neither side beats guessing in {count(tally.n, 'comparison')}"
    return (
        f"{counted(comparisons)}; the paper's sign in {tally.n_agreeing}; mean difference "
        f"{points(100 * tally.mean_difference)} points of {METRIC_TITLES[metric]}"
    )


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
    """Return why a claim has no comparison; nothing where the study was not asked for one."""
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
    if not all(sides.values()):
        return ""
    for title, own in sides.items():
        if not any(cell.computed for cell in own):
            return f"{title} not computed: {_reason(own)}"
    return f"{' and '.join(sides)} have nothing in common that was computed"


def _reason(cells: Sequence[Cell]) -> str:
    reasons = list(dict.fromkeys(cell.reason for cell in cells))
    more = f" (and {count(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
    return reasons[0].removesuffix(".") + more
