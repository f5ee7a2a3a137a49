"""A study's scores as tables for further computation, and for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from reno_store.runtime.notebooks import html_table
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, METRICS
from reno_store.studies.study import Cell, settings_text

if TYPE_CHECKING:
    from reno_store.studies.study import Study

__all__ = ["frame_of_cells", "frame_of_folds", "html_of", "names_of"]

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


def html_of(study: Study) -> str:
    """Return the mean scores of a study as HTML, in per cent with standard deviations."""
    rows = []
    for cell in study.cells:
        row: dict[str, Any] = names_of(cell)
        for metric in METRICS:
            row[METRIC_TITLES[metric]] = _shown(cell, metric)
        rows.append({**row, "folds": cell.n})
    datasets = ", ".join(
        f"{each.name} ({each.n_clips:,} clips, {len(each.labels)} labels)"
        for each in study.datasets
    )
    heading = (
        f"Study of {study.store.name}: {datasets}. Mean ± standard deviation over folds, in per "
        "cent."
    )
    if any(cell.n_collapsed for cell in study.cells):
        heading += f"{COLLAPSED}: the classifier did not learn in some fold."
    return html_table(heading, pd.DataFrame(rows))


def names_of(cell: Cell) -> dict[str, Any]:
    """Return what tells cells apart, as the columns of tables."""
    return {
        "dataset": cell.dataset,
        "protocol": cell.protocol,
        "estimator": cell.estimator,
        "settings": settings_text(cell.settings),
        "models": "+".join(cell.models),
    }


def _shown(cell: Cell, metric: Any) -> str:
    if not cell.computed:
        return cell.reason or "not computed"
    spread = f" ± {100 * cell.sd(metric):.1f}" if cell.n > 1 else ""
    return f"{100 * cell.mean(metric):.1f}{spread}{COLLAPSED if cell.n_collapsed else ''}"
