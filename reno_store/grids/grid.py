"""What a grid gave: every point's outcome in every fold."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from reno_store.conclusions.corrected import ROUNDING
from reno_store.grids.requests import NAMES, PAPER_POINT, SYMBOLS, GridRequest
from reno_store.studies.evaluation import FoldOutcome
from reno_store.studies.evaluation.scores import Metric
from reno_store.studies.study import DatasetFacts

__all__ = ["Grid", "Point"]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the grid.

    Attributes
    ----------
    beta, delta, lam : float
        The values.
    outcomes : tuple[FoldOutcome, ...]
        One a fold, seed by seed; empty where a fold failed.
    reason : str
        Why it failed; empty where it did not.
    """

    beta: float
    delta: float
    lam: float
    outcomes: tuple[FoldOutcome, ...]
    reason: str = ""

    @property
    def values(self) -> tuple[float, float, float]:
        """(β, δ, λ)."""
        return self.beta, self.delta, self.lam

    @property
    def is_paper(self) -> bool:
        """Whether these are the paper's values."""
        return all(map(math.isclose, self.values, PAPER_POINT))

    @property
    def n_collapsed(self) -> int:
        """In how many folds RENO has not learned."""
        return sum(outcome.score.collapsed for outcome in self.outcomes)

    def standing(self, metric: Metric) -> float:
        """Return what points are ranked by: the mean, less 1 where RENO has not learned."""
        return self.mean(metric) - (self.n_collapsed > 0)

    def scores(self, metric: Metric) -> list[float]:
        """Give each fold's score, in [0, 1]."""
        return [getattr(outcome.score, metric) for outcome in self.outcomes]

    def mean(self, metric: Metric) -> float:
        """Average over folds; NaN where a fold failed."""
        return statistics.fmean(self.scores(metric)) if self.outcomes else math.nan

    def sd(self, metric: Metric) -> float:
        """Give the sample standard deviation over folds (n - 1); NaN where a fold failed."""
        return statistics.stdev(self.scores(metric)) if self.outcomes else math.nan

    def __str__(self) -> str:
        return ", ".join(
            f"{SYMBOLS[name]} {value:g}" for name, value in zip(NAMES, self.values, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid that was searched.

    Attributes
    ----------
    store, results : Path
        The store, and where outcomes are kept.
    request : GridRequest
        What was asked.
    facts : DatasetFacts
        Counts of the dataset.
    points : tuple[Point, ...]
        In the order of the request.
    n_folds : int
        How many folds each was scored on with each seed.
    n_trained, n_served : int
        Fits that were done now, and that were kept from before.
    n_repeated : int
        Fits that would have repeated one done now to the last bit, and took over its result:
        every β and δ with λ = 1.
    notes : tuple[str, ...]
        What else is to be known.
    """

    store: Path
    results: Path
    request: GridRequest
    facts: DatasetFacts
    points: tuple[Point, ...]
    n_folds: int
    n_trained: int
    n_served: int
    n_repeated: int = 0
    notes: tuple[str, ...] = ()

    @property
    def n_scores(self) -> int:
        """How many scores a point has: folds times seeds."""
        return self.n_folds * len(self.request.seeds)

    @property
    def over(self) -> str:
        """Say over what scores are averaged: ``"5 folds"``, ``"5 folds, 2 seeds"``."""
        n_seeds = len(self.request.seeds)
        return f"{self.n_folds} folds" + (f", {n_seeds} seeds" if n_seeds > 1 else "")

    @property
    def scored(self) -> tuple[Point, ...]:
        """The points of which no fold failed."""
        return tuple(point for point in self.points if point.outcomes)

    def best(self, metric: Metric = "accuracy") -> Point:
        """Find the point with the highest mean; of ties the paper's, else the first."""
        ranked = zip(self.points, self.ranks(metric), strict=True)
        ties = [point for point, rank in ranked if point.outcomes and rank == 1]
        return next((point for point in ties if point.is_paper), ties[0])

    @property
    def paper(self) -> Point | None:
        """The paper's point, where it is in the grid and was scored."""
        return next((point for point in self.scored if point.is_paper), None)

    def rank(self, point: Point, metric: Metric = "accuracy") -> int:
        """Count the points that rank higher, from 1; one that failed is last."""
        return self.ranks(metric)[self.points.index(point)]

    def ranks(self, metric: Metric = "accuracy") -> list[int]:
        """Rank every point, in the order of `points`: collapsed ones last, failed ones after."""
        means = sorted(point.standing(metric) for point in self.scored)
        return [
            1 + len(means) - bisect_right(means, point.standing(metric) + ROUNDING)
            if point.outcomes
            else 1 + len(means)
            for point in self.points
        ]

    def spread_over_grid(self, metric: Metric = "accuracy") -> float:
        """Give the highest mean minus the lowest."""
        means = [point.mean(metric) for point in self.scored]
        return max(means) - min(means)

    def spread_over_folds(self, metric: Metric = "accuracy") -> float:
        """Average the points' standard deviations over folds."""
        return statistics.fmean(point.sd(metric) for point in self.scored)
