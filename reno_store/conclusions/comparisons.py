"""Differences between cells of a study, and what may be concluded from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from reno_store.studies import Cell
from reno_store.studies.scores import Metric

__all__ = ["Comparison", "Kind", "Verdict", "json_number"]

Kind = Literal["reno-concat", "mamba-attention", "cnn-fcn", "network-probe", "paper-speaker"]
Verdict = Literal["higher", "lower", "undecided", "same"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much higher the first of two cells scores than the second.

    Attributes
    ----------
    kind : str
        RENO against concatenation, Audio-Mamba against an attention-based model, CNN
        against FCN, a network against logistic regression, or the paper's protocol against
        the speaker-disjoint one.
    first, second : Cell
        The difference is that of the first minus that of the second.
    metric : str
        What is compared.
    difference : float
        Mean difference, in [-1, 1].
    interval : tuple[float, float]
        95 % confidence interval of it, cut off at -1 and 1; of this comparison alone, not
        adjusted. NaN where there is no spread, or only one fold, to test with.
    t, df, p : float
        Corrected t statistic, its degrees of freedom, two-sided p. See `CorrectedTest` for
        where they are NaN.
    p_holm : float
        p, adjusted for the other comparisons of the same kind, dataset, protocol and metric
        (Holm); NaN where p is.
    paired : bool
        Whether both cells were scored on the same folds.
    verdict : {"higher", "lower", "undecided", "same"}
        What may be concluded at 5 %, after adjustment. ``"same"``: equal in every fold,
        which is no proof that they are equal on other clips.
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

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.first.dataset

    @property
    def protocol(self) -> str:
        """Protocol of the first cell; only the leak's second has another."""
        return self.first.protocol

    def to_dict(self) -> dict[str, Any]:
        """Everything but the cells' folds, as JSON values; None for what is NaN."""
        return {
            "kind": self.kind,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "first": _side(self.first),
            "second": _side(self.second),
            "metric": self.metric,
            "difference": json_number(self.difference),
            "interval": [json_number(end) for end in self.interval],
            "t": json_number(self.t),
            "df": json_number(self.df),
            "p": json_number(self.p),
            "p_holm": json_number(self.p_holm),
            "paired": self.paired,
            "verdict": self.verdict,
            "sentence": self.sentence,
        }


def _side(cell: Cell) -> dict[str, Any]:
    return {
        "protocol": cell.protocol,
        "estimator": cell.estimator,
        "models": list(cell.models),
        "seeds": list(cell.seeds),
        "n_folds": cell.n,
    }


def json_number(value: float) -> float | None:
    """Give a number that JSON can hold: None for NaN and infinities."""
    return float(value) if math.isfinite(value) else None
