"""The tidy table of results: one row per cell and metric, from which every form is made."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from reno_store.conclusions import Standing, standings_of
from reno_store.studies import Cell, Study, paper_value
from reno_store.studies.frames import names_of
from reno_store.studies.scores import METRICS, Metric

__all__ = ["mark_best", "results_frame"]


def results_frame(study: Study) -> pd.DataFrame:
    """Return the scores of a study in per cent, one row per cell and metric.

    Parameters
    ----------
    study : Study
        Computed or not.

    Returns
    -------
    pandas.DataFrame
        Indexed by the place of the cell in the study. Columns ``table`` (``"I"`` for one model,
        ``"II"`` for several), ``dataset``, ``protocol``, ``estimator``, ``settings``, ``models``
        (joined by ``+``), ``metric``, ``mean`` and ``sd`` over the folds of all seeds, ``n``
        (folds), ``seeds`` (joined by blanks), ``paper`` (the printed value), ``difference``
        (mean minus paper, in points), ``best`` (of its table, dataset, protocol and metric; see
        `mark_best`), ``low`` and ``high`` (ends of the 95 % interval of the mean), ``guessing``
        (what guessing scores), ``beats_guessing`` (True, False, or None where it cannot be tested;
        see `standings_of`), ``collapsed`` (number of folds) and ``reason`` (why it was not
        computed). Unknown numbers are NaN.
    """
    standings = {
        (id(each.cell), metric): each for metric in METRICS for each in standings_of(study, metric)
    }
    rows = [
        {
            "place": place,
            "table": table,
            **names_of(cell),
            **_scores(study, cell, metric, standings.get((id(cell), metric))),
        }
        for place, cell in enumerate(study.cells)
        for table in ["I" if len(cell.models) == 1 else "II"]
        for metric in METRICS
    ]
    frame = pd.DataFrame(rows).set_index("place")
    frame["difference"] = frame["mean"] - frame["paper"]
    frame["best"] = mark_best(frame, ["table", "dataset", "protocol", "metric"])
    last = ["low", "high", "guessing", "beats_guessing", "collapsed", "reason"]
    return frame[[*frame.columns.difference(last, sort=False), *last]]


def mark_best(frame: pd.DataFrame, by: list[str]) -> pd.Series[bool]:
    """Return which rows have the highest mean of their group.

    Collapsed cells and cells that do not beat guessing are never the best.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `results_frame` returns it.
    by : list of str
        Columns whose values make a group.
    """
    contending = frame["mean"].where(
        (frame["collapsed"] == 0) & ~frame["beats_guessing"].isin([False])
    )
    highest = contending.groupby([frame[name] for name in by]).transform("max")
    # Sums of the same scores in another order differ in their last digits.
    close = np.isclose(contending, highest, rtol=1e-9, atol=0)
    return pd.Series(close, index=frame.index, dtype=bool)


def _scores(study: Study, cell: Cell, metric: Metric, standing: Standing | None) -> dict[str, Any]:
    scores = cell.scores(metric)
    known = bool(scores) and all(map(math.isfinite, scores))
    letters = [study.model(name).letter for name in cell.models]
    printed = paper_value(study.dataset(cell.dataset).paper_name, cell.estimator, letters, metric)
    return {
        "metric": metric,
        "mean": 100 * cell.mean(metric) if known else math.nan,
        "sd": 100 * cell.sd(metric) if known and len(scores) > 1 else math.nan,
        "n": cell.n,
        "seeds": " ".join(map(str, cell.seeds)),
        "paper": math.nan if printed is None else printed,
        "low": 100 * standing.interval[0] if standing else math.nan,
        "high": 100 * standing.interval[1] if standing else math.nan,
        "guessing": 100 * standing.guessing if standing else math.nan,
        "beats_guessing": standing.beats_guessing if standing else None,
        "collapsed": cell.n_collapsed,
        "reason": cell.reason,
    }
