"""Differences between cells of a study, and what may be concluded from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reno_store.evaluation.scores import Metric
from reno_store.studies import Cell

__all__ = ["Comparison", "Kind", "Verdict"]

Kind = Literal["reno-concat", "mamba-attention", "cnn-fcn", "paper-speaker"]
Verdict = Literal["higher", "lower", "undecided", "same"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much higher the first of two cells scores than the second.

    Attributes
    ----------
    kind : str
        RENO against concatenation, Audio-Mamba against an attention-based model, CNN
        against FCN, or the paper's protocol against the speaker-disjoint one.
    first, second : Cell
        The difference is that of the first minus that of the second.
    metric : str
        What is compared.
    difference : float
        Mean difference, in [-1, 1].
    interval : tuple[float, float]
        95 % confidence interval of it.
    t, df, p : float
        Corrected t statistic, its degrees of freedom, two-sided p.
    p_holm : float
        p, adjusted for the other comparisons of the same kind, dataset, protocol and metric
        (Holm).
    paired : bool
        Whether both cells were scored on the same folds.
    verdict : {"higher", "lower", "undecided", "same"}
        What may be concluded at 5 %, after adjustment.
    sentence : str
        The same in words.
    """

    kind: Kind
    first: Cell
    second: Cell
    metric: Metric
    difference: float
    interval: tuple[float, float]
    t: float
    df: float
    p: float
    p_holm: float
    paired: bool
    verdict: Verdict
    sentence: str
