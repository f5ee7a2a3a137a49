"""Comparisons counted, seen from what the paper claims."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reno_store.conclusions.comparisons import Comparison, json_number
from reno_store.conclusions.corrected import ROUNDING
from reno_store.conclusions.sentences import in_points
from reno_store.studies.scores import METRIC_TITLES, Metric

__all__ = ["Tally"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How comparisons came out, seen from what the paper claims.

    Attributes
    ----------
    n : int
        How many there are.
    n_higher, n_lower : int
        In how many the first scores higher, as the paper claims, or lower.
    n_agreeing : int
        In how many the difference has the paper's sign, decided or not.
    mean_difference : float
        Mean of the differences, in [-1, 1]; NaN where there is none.
    """

    n: int
    n_higher: int
    n_lower: int
    n_agreeing: int
    mean_difference: float

    @classmethod
    def of(cls, comparisons: Sequence[Comparison]) -> Tally:
        """Count."""
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
    def n_undecided(self) -> int:
        """In how many nothing may be concluded, those that scored the same among them."""
        return self.n - self.n_higher - self.n_lower

    @property
    def verdict(self) -> str:
        """What becomes of the claim: `Claim` has the table."""
        if self.n == 0:
            return "not tested"
        if self.n_lower:
            return "mixed" if self.n_higher else "contradicted"
        if self.n_higher:
            return "holds" if self.n_higher == self.n else "holds in part"
        return "not shown"

    def in_words(self, metric: Metric) -> str:
        """Put the counts into words."""
        comparisons = "comparison" if self.n == 1 else "comparisons"
        return (
            f"higher in {self.n_higher} of {self.n} {comparisons}, lower in {self.n_lower}, "
            f"undecided in {self.n_undecided}; the sign agrees with the paper in "
            f"{self.n_agreeing} of {self.n}, and the mean difference is "
            f"{in_points(self.mean_difference)} points of {METRIC_TITLES[metric]}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        return {
            "n_comparisons": self.n,
            "n_higher": self.n_higher,
            "n_lower": self.n_lower,
            "n_undecided": self.n_undecided,
            "n_agreeing": self.n_agreeing,
            "mean_difference": json_number(self.mean_difference),
        }
