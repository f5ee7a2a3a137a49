"""Grids whose scores are given instead of computed."""

from pathlib import Path

import numpy as np

from reno_store.studies import Cell, DatasetFacts, FoldOutcome, FoldScore, Grid, Study, grid_request
from reno_store.studies.settings import combinations

__all__ = ["make_grid"]


def make_grid(scores=None, *, spread=0.03, n_folds=5, seed=0, failed=(), **arguments):
    """A grid; `scores` maps points to their folds' accuracies, others are drawn at random.

    A point is a tuple of its values, in the order of the axes.
    """
    request = grid_request("cries", ("mfcc", "logmel"), **arguments)
    rng = np.random.default_rng(seed)
    points = []
    for settings in combinations(request.settings["reno"]):
        values = tuple(settings.values())
        drawn = np.clip(0.6 + spread * rng.normal(size=(len(request.seeds), n_folds)), 0, 1)
        given = (scores or {}).get(values, drawn.ravel().tolist())
        points.append(_point(request, settings, [] if values in failed else given, n_folds))
    return Grid(
        Study(
            store=Path("my.zarr"),
            results=Path("my.results"),
            request=request,
            datasets=(DatasetFacts("cries", 100, 0, 10, {"anger": 40, "fear": 30, "joy": 30}),),
            models=(),
            cells=tuple(points),
            n_trained=len(points) * n_folds * len(request.seeds),
        )
    )


def _point(request, settings, accuracies, n_folds, n_test=20, n_train=80):
    """A point with those accuracies; without any, one that failed."""
    outcomes = [
        FoldOutcome(
            FoldScore(each, each - 0.01, each, n_train, n_test, 3), (0,), (0,), seconds=2.0 + each
        )
        for each in accuracies
    ]
    by_seed = [outcomes[start : start + n_folds] for start in range(0, len(outcomes), n_folds)]
    return Cell(
        "cries",
        request.protocols[0],
        "reno",
        request.models,
        request.seeds,
        ("anger", "fear", "joy"),
        tuple(map(tuple, by_seed)),
        parameters=settings,
        settings=settings,
        reason="" if outcomes else "training failed: fold 1: training diverged",
    )
