"""The paper's three claims, each held against a study's comparisons."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.conclusions.comparisons import Comparison, Kind

__all__ = ["Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the paper on one dataset under one protocol.

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
