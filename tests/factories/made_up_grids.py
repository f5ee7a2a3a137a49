"""Grids whose scores are given instead of computed."""

from pathlib import Path

import numpy as np

from reno_store.grids import Grid, GridRequest, Point
from reno_store.studies.evaluation import FoldOutcome
from reno_store.studies.evaluation.scores import FoldScore
from reno_store.studies.study import DatasetFacts

__all__ = ["make_grid", "make_point"]


def make_point(values, accuracies, n_test=20, n_train=80):
    """A point with those accuracies; none for one that failed."""
    outcomes = tuple(
        FoldOutcome(
            FoldScore(each, each - 0.01, each, n_train, n_test, 3), (0,), (0,), seconds=2.0 + each
        )
        for each in accuracies
    )
    return Point(*values, outcomes, "" if outcomes else "fold 1: training diverged")


def make_grid(scores=None, *, spread=0.03, n_folds=5, seed=0, failed=(), **asked):
    """A grid; `scores` maps points to their folds' accuracies, others come from chance."""
    request = GridRequest("cries", ("mfcc", "logmel"), **asked)
    rng = np.random.default_rng(seed)
    points = []
    for values in request.points:
        n_scores = n_folds * len(request.seeds)
        drawn = np.clip(0.6 + spread * rng.normal(size=n_scores), 0, 1).tolist()
        given = (scores or {}).get(values, drawn)
        points.append(make_point(values, () if values in failed else given))
    return Grid(
        store=Path("my.zarr"),
        results=Path("my.results"),
        request=request,
        facts=DatasetFacts("cries", 100, 0, 10, {"anger": 40, "fear": 30, "joy": 30}),
        points=tuple(points),
        n_folds=n_folds,
        n_trained=len(points) * n_folds * len(request.seeds),
        n_served=0,
    )
