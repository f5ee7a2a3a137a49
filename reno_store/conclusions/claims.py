"""The paper's three claims, each held against a study's comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reno_store.conclusions.comparing import compare_study
from reno_store.conclusions.comparisons import Comparison, Kind
from reno_store.conclusions.omissions import why_not_tested
from reno_store.conclusions.tallies import Tally
from reno_store.errors import ConclusionError
from reno_store.studies import Study
from reno_store.studies.scores import Metric

__all__ = ["CLAIMS", "VERDICTS", "Claim", "claims_of", "select_metric"]

CLAIMS: Mapping[Kind, str] = MappingProxyType(
    {
        "mamba-attention": "MAFM over AAFM",
        "cnn-fcn": "CNN over FCN",
        "reno-concat": "RENO over concatenation",
    }
)
"""Kind of comparison -> the paper's claim, in the paper's order."""

VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "holds": "holds",
        "holds in part": "holds in part",
        "mixed": "holds in some comparisons and is contradicted in others",
        "not shown": "is not shown",
        "contradicted": "is contradicted",
        "not tested": "is not tested",
    }
)
"""Verdict -> what a sentence says of a claim; from the best for the paper to the worst."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the paper on one dataset under one protocol.

    The verdict follows from how many of the comparisons are "higher" (as the paper claims),
    "lower", or neither ("undecided" and "same"), each at 5 % after Holm's adjustment:

    ================  ===========  ==========  ===========
    verdict           higher       lower       neither
    ================  ===========  ==========  ===========
    holds             all          none        none
    holds in part     some         none        some
    mixed             some         some        any number
    not shown         none         none        all
    contradicted      none         some        any number
    not tested        there are no comparisons
    ================  ===================================

    Attributes
    ----------
    kind : str
        Which comparisons it rests on.
    title : str
        The claim: ``"MAFM over AAFM"``, ``"CNN over FCN"`` or ``"RENO over concatenation"``.
    dataset, protocol : str
        Where.
    comparisons : tuple[Comparison, ...]
        What it rests on; empty where the study has none.
    verdict : str
        ``"holds"``, ``"holds in part"``, ``"not shown"``, ``"contradicted"``, ``"mixed"`` or
        ``"not tested"``.
    sentence : str
        The verdict with its numbers, or why it could not be tested.
    """

    kind: Kind
    title: str
    dataset: str
    protocol: str
    comparisons: tuple[Comparison, ...]
    verdict: str
    sentence: str

    @property
    def tally(self) -> Tally:
        """How its comparisons came out."""
        return Tally.of(self.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """Verdict, numbers and sentence as JSON values; comparisons are counted only."""
        return {
            "kind": self.kind,
            "title": self.title,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "verdict": self.verdict,
            **self.tally.to_dict(),
            "sentence": self.sentence,
        }


def claims_of(
    study: Study, comparisons: Iterable[Comparison] | None = None, metric: Metric = "accuracy"
) -> tuple[Claim, ...]:
    """Hold the paper's claims against a study: each dataset, each protocol.

    Parameters
    ----------
    study : Study
        A study of any datasets.
    comparisons : Iterable[Comparison], optional
        Those that `compare_study` gave; made anew by default. Those of another metric are
        passed over.
    metric : str
        What is compared.

    Returns
    -------
    tuple of Claim
        By dataset, protocol, then in the paper's order.

    Raises
    ------
    ConclusionError
        If comparisons are given and none is of the metric, or as `compare_study`.
    """
    found = select_metric(study, comparisons, metric)
    return tuple(
        _claim(study, found, kind, dataset.name, protocol, metric)
        for dataset in study.datasets
        for protocol in study.request.protocols
        for kind in CLAIMS
    )


def select_metric(
    study: Study, comparisons: Iterable[Comparison] | None, metric: Metric
) -> tuple[Comparison, ...]:
    """Give the comparisons of one metric; make them where none are given.

    Raises
    ------
    ConclusionError
        If comparisons are given and none is of the metric, or as `compare_study`.
    """
    if comparisons is None:
        return compare_study(study, metric)
    given = tuple(comparisons)
    found = tuple(each for each in given if each.metric == metric)
    if given and not found:
        metrics = ", ".join(sorted({each.metric for each in given}))
        raise ConclusionError(
            f"expected comparisons of {metric}, got {metrics}. Give the metric that they are of."
        )
    return found


def _claim(
    study: Study,
    comparisons: Sequence[Comparison],
    kind: Kind,
    dataset: str,
    protocol: str,
    metric: Metric,
) -> Claim:
    own = tuple(
        each
        for each in comparisons
        if (each.kind, each.dataset, each.protocol) == (kind, dataset, protocol)
    )
    tally = Tally.of(own)
    if own:
        against = ", which is no proof against it" if tally.verdict == "not shown" else ""
        why = f"{against}: {tally.in_words(metric)}"
    else:
        why = f", since {why_not_tested(study, kind, dataset, protocol)}"
    sentence = f"On {dataset} under protocol {protocol}, {CLAIMS[kind]} {VERDICTS[tally.verdict]}"
    return Claim(kind, CLAIMS[kind], dataset, protocol, own, tally.verdict, f"{sentence}{why}.")
