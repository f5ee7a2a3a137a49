"""The same cross-validation with several seeds, put together."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reno_store.studies.crossvalidation import Evaluation
from reno_store.studies.scores import METRICS, Metric

__all__ = ["Repeats", "put_together"]


@dataclass(frozen=True, slots=True)
class Repeats:
    """One estimator on one protocol and the same models, once for each seed.

    Attributes
    ----------
    evaluations : tuple[Evaluation, ...]
        At least one; they differ in their seed, and in what follows from it.
    """

    evaluations: tuple[Evaluation, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order of the evaluations."""
        return tuple(each.seed for each in self.evaluations)

    def scores(self, metric: Metric) -> list[float]:
        """Give each fold's score, seed by seed."""
        return [score for each in self.evaluations for score in each.scores(metric)]

    def mean(self, metric: Metric) -> float:
        """Average over the folds of all seeds."""
        return statistics.fmean(self.scores(metric))

    def sd(self, metric: Metric) -> float:
        """Give the sample standard deviation over the folds of all seeds (n - 1).

        Folds of different seeds share clips, so it must not be divided by the root of their
        number to get a standard error.
        """
        return statistics.stdev(self.scores(metric))

    @property
    def n_collapsed(self) -> int:
        """In how many folds, over all seeds, the classifier has not learned."""
        return sum(each.n_collapsed for each in self.evaluations)

    def to_dict(self) -> dict[str, Any]:
        """Mean and standard deviation, and over what, as JSON values."""
        first = self.evaluations[0]
        return {
            "protocol": first.protocol,
            "estimator": first.estimator,
            "models": list(first.models),
            "seeds": list(self.seeds),
            "n_scores": len(self.scores(METRICS[0])),
            "n_collapsed": self.n_collapsed,
            "mean": {metric: self.mean(metric) for metric in METRICS},
            "sd": {metric: self.sd(metric) for metric in METRICS},
        }


def put_together(evaluations: Iterable[Evaluation]) -> tuple[Repeats, ...]:
    """Put evaluations that differ in nothing but their seed together, in order of appearance."""
    together: dict[tuple[str, str, tuple[str, ...]], list[Evaluation]] = {}
    for each in evaluations:
        together.setdefault((each.protocol, each.estimator, each.models), []).append(each)
    return tuple(Repeats(tuple(group)) for group in together.values())
