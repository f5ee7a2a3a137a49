"""A grid in the form of scikit-learn's ``cv_results_``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reno_store.grids.grid import Grid
from reno_store.grids.requests import NAMES
from reno_store.studies.evaluation.scores import METRICS

__all__ = ["cv_results", "cv_results_csv"]


def cv_results(grid: Grid) -> dict[str, Any]:
    """Give a grid as a search over several metrics has it in ``cv_results_``.

    Splits are folds, seed by seed. Fit times are those of fitting and predicting, which are
    not kept apart, so there are no score times. As in scikit-learn, ``std_`` is over folds
    with n, not n - 1, scores are in [0, 1], and points that failed have NaN and rank last.
    """
    points = grid.points
    failed = [np.nan] * grid.n_scores
    seconds = np.array(
        [[each.seconds for each in point.outcomes] or failed for point in points], dtype=float
    )
    results: dict[str, Any] = {
        "mean_fit_time": seconds.mean(axis=1),
        "std_fit_time": seconds.std(axis=1),
    }
    for name in NAMES:
        results[f"param_{name}"] = np.array([getattr(point, name) for point in points])
    results["params"] = [dict(zip(NAMES, point.values, strict=True)) for point in points]
    for metric in METRICS:
        scores = np.array([point.scores(metric) or failed for point in points], dtype=float)
        for fold in range(grid.n_scores):
            results[f"split{fold}_test_{metric}"] = scores[:, fold]
        results[f"mean_test_{metric}"] = scores.mean(axis=1)
        results[f"std_test_{metric}"] = scores.std(axis=1)
        results[f"rank_test_{metric}"] = np.array(grid.ranks(metric), dtype=np.int32)
    return results


def cv_results_csv(grid: Grid) -> str:
    """Write `cv_results` as CSV, a row a point, with all digits."""
    return pd.DataFrame(cv_results(grid)).to_csv(index=False, lineterminator="\n")
