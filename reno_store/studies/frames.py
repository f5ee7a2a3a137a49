"""A study's scores as tables for further computation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reno_store.studies.scores import METRICS
from reno_store.studies.study import Cell, settings_text

__all__ = ["frame_of_cells", "frame_of_folds", "names_of"]

_NAMES = ("dataset", "protocol", "estimator", "settings", "models")
_OF_CELLS = (
    *_NAMES,
    *(f"{metric}{part}" for metric in METRICS for part in ("", "_sd")),
    "n",
    "n_collapsed",
    "reason",
)
_OF_FOLDS = (
    *_NAMES,
    "seed",
    "fold",
    "speaker",
    *METRICS,
    "n_train",
    "n_test",
    "n_labels",
    "collapsed",
)


def frame_of_cells(cells: Sequence[Cell]) -> pd.DataFrame:
    """Return a table with one row per cell; see `Study.to_frame`."""
    rows = []
    for cell in cells:
        row = {**names_of(cell), "n": cell.n, "n_collapsed": cell.n_collapsed}
        for metric in METRICS:
            row[metric] = cell.mean(metric) if cell.computed else float("nan")
            row[f"{metric}_sd"] = cell.sd(metric) if cell.n > 1 else float("nan")
        rows.append({**row, "reason": cell.reason})
    return pd.DataFrame(rows, columns=list(_OF_CELLS))


def frame_of_folds(cells: Sequence[Cell]) -> pd.DataFrame:
    """Return a table with one row per fold of each cell; see `Study.to_frame`."""
    rows = [
        {
            **names_of(cell),
            "seed": seed,
            "fold": number,
            **{name: getattr(outcome.score, name) for name in _OF_FOLDS[len(_NAMES) + 2 :]},
        }
        for cell in cells
        for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=False)
        for number, outcome in enumerate(outcomes, start=1)
    ]
    return pd.DataFrame(rows, columns=list(_OF_FOLDS))


def names_of(cell: Cell) -> dict[str, Any]:
    """Return what tells cells apart, as the columns of tables."""
    return {
        "dataset": cell.dataset,
        "protocol": cell.protocol,
        "estimator": cell.estimator,
        "settings": settings_text(cell.settings),
        "models": "+".join(cell.models),
    }
