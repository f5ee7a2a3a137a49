"""A grid: a study of one estimator over the values of its hyperparameters."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reno_store.errors import Remedy, SearchError
from reno_store.studies.classifiers import find_estimator
from reno_store.studies.requests import Named, StudyRequest
from reno_store.studies.study import Cell, DatasetFacts, Study

if TYPE_CHECKING:
    from distributed import Client

    from reno_store.studies.scores import Metric

__all__ = ["PAPER_POINT", "Grid", "cv_results", "cv_results_csv", "grid_request", "run_grid"]

PAPER_POINT: Mapping[str, float] = {"beta": 2.0, "delta": 0.2, "lam": 0.4}
"""The paper's β, δ and λ (section IV-A)."""

_VALUES = {"beta": (1.5, 2.0, 3.0), "delta": (0.05, 0.2, 0.8), "lam": (0.2, 0.4, 0.8)}
_ROUNDING = 1e-12


def grid_request(
    dataset: str,
    models: Sequence[str],
    *,
    beta: Sequence[float] = (),
    delta: Sequence[float] = (),
    lam: Sequence[float] = (),
    estimator: Named = "reno",
    settings: Mapping[str, Any] | None = None,
    protocol: str = "paper",
    **others: Any,
) -> StudyRequest:
    """Make the request of a grid: one estimator on one dataset, over values of hyperparameters.

    Parameters
    ----------
    dataset : str
        Name of a dataset.
    models : Sequence[str]
        The models to fuse, or the model of an estimator that takes one.
    beta, delta, lam : Sequence[float]
        Values for RENO; by default 1.5, 2 and 3, 0.05, 0.2 and 0.8, and 0.2, 0.4 and 0.8, unless
        `settings` has other hyperparameters.
    estimator : str or (str, estimator)
        As in `StudyRequest`.
    settings : Mapping[str, Any], optional
        Further hyperparameters of the estimator -> values.
    protocol : str
        Name of a protocol.
    **others
        ``n_folds``, ``seeds``, ``standardize``, ``allow_missing``, ``min_clips`` and ``device``,
        as in `StudyRequest`.

    Raises
    ------
    SearchError
        If values are not allowed, or there are none, or too few models to fuse.
    ProtocolError, UnknownNameError
        As for `StudyRequest`.
    """
    name = estimator if isinstance(estimator, str) else estimator[0]
    choice = find_estimator(estimator)
    if choice.fuses and len(models) < 2:
        names = ", ".join(models) or "none"
        raise SearchError(
            f"{choice.title} fuses two models or more, got {names}.",
            Remedy("Name each", {"models": ...}),
        )
    if choice.takes == "one" and len(models) != 1:
        raise SearchError(f"{choice.title} takes one model, got {', '.join(models) or 'none'}.")
    given = {"beta": beta, "delta": delta, "lam": lam}
    if name == "reno" and _VALUES.keys() >= (settings or {}).keys():
        given = {each: tuple(values) or _VALUES[each] for each, values in given.items()}
    values: dict[str, Any] = {each: tuple(own) for each, own in given.items() if own}
    values |= settings or {}
    return StudyRequest(
        datasets=(dataset,),
        models=tuple(models),
        pairs=(tuple(models),) if len(models) > 1 else (),
        estimators=(estimator,),
        protocols=(protocol,),
        settings={name: {each: _sorted(own) for each, own in values.items()}},
        alone=len(models) == 1,
        **others,
    )


def run_grid(
    store: str | Path,
    request: StudyRequest,
    *,
    results: str | Path | None = None,
    n_jobs: int = 1,
    client: Client | None = None,
    progress: bool | None = None,
) -> Grid:
    """Evaluate every point of a grid; folds that are kept are not trained again.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    request : StudyRequest
        Made by `grid_request`.
    results, n_jobs, client, progress
        As for `run_study`.

    Raises
    ------
    SearchError
        If every point failed.
    RenoStoreError
        As for `run_study`, and where clips lack an embedding or cannot be divided into folds.
    """
    from reno_store.studies.running import run_study

    grid = Grid(
        run_study(
            store,
            request,
            results=results,
            n_jobs=n_jobs,
            client=client,
            progress=progress,
            strict=True,
            remember=False,
        )
    )
    if not grid.scored:
        raise SearchError(f"every point of the grid failed. The first: {grid.points[0].reason}")
    return grid


def _sorted(values: Any) -> Any:
    try:
        return tuple(sorted(set(values))) if isinstance(values, tuple | list) else values
    except TypeError:  # texts and numbers, or lists
        return values


@dataclass(frozen=True, slots=True)
class Grid:
    """A view of a study with one dataset, protocol, estimator and set of models.

    Attributes
    ----------
    study : Study
        Its cells are the points of the grid.
    """

    study: Study

    @property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """Hyperparameter -> values."""
        (name,) = self.study.request.estimator_names
        return self.study.request.settings.get(name, {})

    @property
    def points(self) -> tuple[Cell, ...]:
        """A cell for each combination of values, the last axis first."""
        return self.study.cells

    @property
    def facts(self) -> DatasetFacts:
        """The dataset."""
        return self.study.datasets[0]

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.facts.name

    @property
    def protocol(self) -> str:
        """Name of the protocol."""
        return self.points[0].protocol

    @property
    def estimator(self) -> str:
        """Name of the estimator."""
        return self.points[0].estimator

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return self.points[0].models

    @property
    def n_folds(self) -> int:
        """Number of folds per seed."""
        return len(self.scored[0].outcomes[0]) if self.scored else 0

    @property
    def over(self) -> str:
        """What scores are averaged over: ``"5 folds"``, ``"5 folds, 2 seeds"``."""
        n_seeds = len(self.study.request.seeds)
        return f"{self.n_folds} folds" + (f", {n_seeds} seeds" if n_seeds > 1 else "")

    @property
    def scored(self) -> tuple[Cell, ...]:
        """The points that were computed."""
        return tuple(point for point in self.points if point.computed)

    @property
    def paper(self) -> Cell | None:
        """The paper's point, where it is in the grid and was computed."""
        return next((point for point in self.scored if self.is_paper(point)), None)

    def is_paper(self, point: Cell) -> bool:
        """Return whether a point has the paper's β, δ and λ; those not set have their defaults."""
        values = {**PAPER_POINT, **point.settings}
        return point.estimator == "reno" and all(
            math.isclose(values[name], value) for name, value in PAPER_POINT.items()
        )

    def best(self, metric: Metric = "accuracy") -> Cell:
        """Return the point with the highest mean; of ties the paper's, else the first."""
        ranked = zip(self.points, self.ranks(metric), strict=True)
        ties = [point for point, rank in ranked if point.computed and rank == 1]
        return next((point for point in ties if self.is_paper(point)), ties[0])

    def rank(self, point: Cell, metric: Metric = "accuracy") -> int:
        """Return a point's rank, from 1; points that failed are last."""
        return self.ranks(metric)[self.points.index(point)]

    def ranks(self, metric: Metric = "accuracy") -> list[int]:
        """Return the rank of every point: collapsed ones are last, failed ones after them."""
        means = sorted(_standing(point, metric) for point in self.scored)
        return [
            1 + len(means) - bisect_right(means, _standing(point, metric) + _ROUNDING)
            if point.computed
            else 1 + len(means)
            for point in self.points
        ]

    def spread_over_grid(self, metric: Metric = "accuracy") -> float:
        """Return the highest mean minus the lowest."""
        means = [point.mean(metric) for point in self.scored]
        return max(means) - min(means)

    def spread_over_folds(self, metric: Metric = "accuracy") -> float:
        """Return the mean of the points' standard deviations over folds."""
        return statistics.fmean(point.sd(metric) for point in self.scored)


def _standing(point: Cell, metric: Metric) -> float:
    """Return what points are ranked by: the mean, less 1 where a fold collapsed."""
    return point.mean(metric) - (point.n_collapsed > 0)


def cv_results(grid: Grid) -> dict[str, Any]:
    """Return a grid in the form of ``cv_results_`` of a search over several metrics.

    Splits are folds, seed by seed. Fit times include predicting, so there are no score times. As
    in scikit-learn, ``std_`` is over folds with n, not n - 1, scores are in [0, 1], and points
    that failed have NaN and rank last.
    """
    from reno_store.studies.scores import METRICS

    points = grid.points
    n_scores = grid.n_folds * len(grid.study.request.seeds)
    failed = [np.nan] * n_scores
    seconds = np.array([[each.seconds for each in point.folds] or failed for point in points])
    results: dict[str, Any] = {
        "mean_fit_time": seconds.mean(axis=1),
        "std_fit_time": seconds.std(axis=1),
    }
    for name in grid.axes:
        results[f"param_{name}"] = np.array([point.settings[name] for point in points])
    results["params"] = [dict(point.settings) for point in points]
    for metric in METRICS:
        scores = np.array([point.scores(metric) or failed for point in points])
        for fold in range(n_scores):
            results[f"split{fold}_test_{metric}"] = scores[:, fold]
        results[f"mean_test_{metric}"] = scores.mean(axis=1)
        results[f"std_test_{metric}"] = scores.std(axis=1)
        results[f"rank_test_{metric}"] = np.array(grid.ranks(metric), dtype=np.int32)
    return results


def cv_results_csv(grid: Grid) -> str:
    """Return `cv_results` as CSV, a row per point, with all digits."""
    import pandas as pd

    return pd.DataFrame(cv_results(grid)).to_csv(index=False, lineterminator="\n")
