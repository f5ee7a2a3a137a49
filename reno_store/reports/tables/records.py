"""A study's scores as CSV: one record a cell and metric, for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from reno_store.reports.tables.measures import MeasuredTable, measure_study
from reno_store.studies import Study

__all__ = ["to_csv"]

_COLUMNS = (
    "table",
    "dataset",
    "protocol",
    "estimator",
    "models",
    "metric",
    "mean",
    "sd",
    "n",
    "seeds",
    "paper",
    "difference",
    "best",
    "collapsed",
    "reason",
    "command",
)


def to_csv(study: Study) -> str:
    r"""Write a study's scores as CSV with a header, one line a cell and metric.

    Scores are in per cent, differences in points, both with all their digits; what is not
    known is empty. `models` are joined by ``+``, `seeds` by spaces; `best` is ``true`` or
    ``false``; `collapsed` counts folds. Lines end in ``\n``.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for table in measure_study(study):
        writer.writerows(_records(table))
    return text.getvalue()


def _records(table: MeasuredTable) -> Iterator[tuple[object, ...]]:
    for row in table.rows:
        cell = row.cell
        for measure in row.measures:
            yield (
                table.number,
                cell.dataset,
                cell.protocol,
                cell.estimator,
                "+".join(cell.models),
                measure.metric,
                measure.mean,  # the csv module writes None as nothing, a float by its repr
                measure.sd,
                cell.n,
                " ".join(map(str, cell.seeds)),
                measure.paper,
                measure.difference,
                "true" if measure.best else "false",
                cell.n_collapsed,
                cell.reason,
                cell.command,
            )
