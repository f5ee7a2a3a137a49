"""A study -> its tables as they are shown: a row a cell, what is best marked, with notes."""

from __future__ import annotations

from reno_store.reports.tables.measures import Measure, MeasuredCell, MeasuredTable, measure_study
from reno_store.reports.tables.notes import study_notes, table_notes
from reno_store.reports.tables.views import Entry, TableRow, TableView
from reno_store.reports.tables.wording import (
    TABLE_TITLES,
    write_difference,
    write_estimator,
    write_models,
    write_score,
)
from reno_store.studies import Study
from reno_store.studies.scores import METRIC_TITLES, METRICS, PAPER_METRICS, Metric

__all__ = ["views_of"]


def views_of(study: Study) -> tuple[TableView, ...]:
    """Lay a study out as the paper's tables, for each dataset and protocol.

    Table I has the cells of one model, Table II those of two. Where the paper has numbers for
    any of the rows, its value and the difference stand behind accuracy and macro-F1. Rows
    that were not computed stay, with empty entries; the notes say why.

    Parameters
    ----------
    study : Study
        Computed or not.

    Returns
    -------
    tuple[TableView, ...]
        By dataset, protocol and number. Scores are in per cent, differences in points.
    """
    return tuple(_view(study, table) for table in measure_study(study))


def _view(study: Study, table: MeasuredTable) -> TableView:
    headings = ["estimator", "models"]
    for metric in METRICS:
        headings.append(METRIC_TITLES[metric])
        if _shows_paper(metric, table.beside_paper):
            headings += ["paper", "difference"]
    return TableView(
        number=table.number,
        title=f"Table {table.number}: {TABLE_TITLES[table.number]}, {table.dataset}, "
        f"protocol {table.protocol}",
        dataset=table.dataset,
        protocol=table.protocol,
        columns=(*headings, "n"),
        rows=tuple(
            TableRow(row.cell, _entries(study, row, beside_paper=table.beside_paper))
            for row in table.rows
        ),
        notes=(*table_notes(study, table), *study_notes(study)),
    )


def _shows_paper(metric: Metric, beside_paper: bool) -> bool:
    return beside_paper and metric in PAPER_METRICS


def _entries(study: Study, row: MeasuredCell, *, beside_paper: bool) -> tuple[Entry, ...]:
    entries = [Entry(write_estimator(row.cell)), Entry(write_models(study, row.cell))]
    for metric in METRICS:
        measure = row.measure(metric)
        entries.append(Entry(write_score(measure), measure.mean, measure.best))
        if _shows_paper(metric, beside_paper):
            entries += _paper_entries(measure)
    n = row.cell.n
    return (*entries, Entry(str(n), n) if n else Entry(""))


def _paper_entries(measure: Measure) -> list[Entry]:
    printed = "" if measure.paper is None else f"{measure.paper:.2f}"
    return [
        Entry(printed, measure.paper),
        Entry(write_difference(measure.difference), measure.difference),
    ]
