"""A study in the layout of the paper's tables: models down, datasets across.

Table I has a section an estimator, Table II its estimators side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reno_store.reports.tables.measures import (
    Measure,
    MeasuredCell,
    MeasuredTable,
    Number,
    mark_best,
    measure_study,
)
from reno_store.reports.tables.sections import name_section
from reno_store.studies import Study
from reno_store.studies.classifiers import ESTIMATORS, describe_estimator
from reno_store.studies.scores import PAPER_METRICS, Metric

__all__ = ["Grid", "GridColumn", "GridRow", "paper_grids"]

_SIDE_BY_SIDE = 2
"""Estimators of Table II beside each other: Concat and RENO; three would not fit a page."""

_Key = tuple[str, str, tuple[str, ...]]
"""Dataset, estimator, models."""


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column of scores. In Table I `estimator` is empty: rows name it."""

    dataset: str
    estimator: str
    metric: Metric


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row of scores. In Table II `estimator` is empty: columns name it."""

    section: str
    estimator: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """One of the paper's tables under one protocol, for all datasets.

    Attributes
    ----------
    number : {"I", "II"}
        Which of the paper's tables.
    protocol : str
        How folds are made.
    part : int
        0 but for further tables of the same number and protocol, with more estimators.
    columns : tuple[GridColumn, ...]
        By dataset, estimator, metric.
    rows : tuple[GridRow, ...]
        By section, then in the order of the study's cells.
    measures : tuple[tuple[Measure or None, ...], ...]
        For each row its scores, a column each; None where the study has no such cell.
    best : tuple[tuple[bool, ...], ...]
        For each row whether its scores are the best of their columns.
    cells : tuple[MeasuredCell, ...]
        What stands in it, computed or not.
    """

    number: Number
    protocol: str
    part: int
    columns: tuple[GridColumn, ...]
    rows: tuple[GridRow, ...]
    measures: tuple[tuple[Measure | None, ...], ...]
    best: tuple[tuple[bool, ...], ...]
    cells: tuple[MeasuredCell, ...]


def paper_grids(study: Study) -> tuple[Grid, ...]:
    """Lay a study out as the paper did, by protocol and number of the table.

    Pairs with more estimators than the paper's two get further tables, two estimators each.
    """
    tables = measure_study(study)
    grids: list[Grid] = []
    for protocol in dict.fromkeys(table.protocol for table in tables):
        chosen = [table for table in tables if table.protocol == protocol]
        grids += _single(_index(chosen, "I"), protocol)
        grids += _pairs(study, _index(chosen, "II"), protocol)
    return tuple(grids)


def _index(tables: Iterable[MeasuredTable], number: Number) -> dict[_Key, MeasuredCell]:
    return {
        (row.cell.dataset, row.cell.estimator, row.cell.models): row
        for table in tables
        if table.number == number
        for row in table.rows
    }


def _single(found: Mapping[_Key, MeasuredCell], protocol: str) -> Iterator[Grid]:
    columns = [
        GridColumn(each, "", metric) for each in _datasets(found) for metric in PAPER_METRICS
    ]
    rows = [
        GridRow(describe_estimator(name).title, name, models)
        for name in _estimators(found)
        for models in _models(found, [name])
    ]
    if rows:
        yield _grid("I", protocol, 0, columns, rows, found)


def _pairs(study: Study, found: Mapping[_Key, MeasuredCell], protocol: str) -> Iterator[Grid]:
    estimators = _estimators(found)
    for part, start in enumerate(range(0, len(estimators), _SIDE_BY_SIDE)):
        beside = estimators[start : start + _SIDE_BY_SIDE]
        columns = [
            GridColumn(each, name, metric)
            for each in _datasets(found)
            for name in beside
            for metric in PAPER_METRICS
        ]
        rows = [
            GridRow(name_section(study, models), "", models) for models in _models(found, beside)
        ]
        sections = list(dict.fromkeys(row.section for row in rows))
        rows = sorted(rows, key=lambda row: sections.index(row.section))
        shown = {key: found[key] for key in found if key[1] in beside}
        yield _grid("II", protocol, part, columns, rows, shown)


def _datasets(found: Iterable[_Key]) -> list[str]:
    return list(dict.fromkeys(dataset for dataset, _, _ in found))


def _estimators(found: Iterable[_Key]) -> list[str]:
    """List the estimators, the paper's first."""
    there = {estimator for _, estimator, _ in found}
    return [*(name for name in ESTIMATORS if name in there), *sorted(there - ESTIMATORS.keys())]


def _models(found: Iterable[_Key], estimators: Sequence[str]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(models for _, name, models in found if name in estimators))


def _grid(
    number: Number,
    protocol: str,
    part: int,
    columns: Sequence[GridColumn],
    rows: Sequence[GridRow],
    found: Mapping[_Key, MeasuredCell],
) -> Grid:
    measures = tuple(tuple(_measure(found, row, column) for column in columns) for row in rows)
    best_down = [
        mark_best([None if each is None else each.contending for each in column])
        for column in zip(*measures, strict=True)
    ]
    return Grid(
        number,
        protocol,
        part,
        tuple(columns),
        tuple(rows),
        measures,
        best=tuple(zip(*best_down, strict=True)),
        cells=tuple(found.values()),
    )


def _measure(
    found: Mapping[_Key, MeasuredCell], row: GridRow, column: GridColumn
) -> Measure | None:
    cell = found.get((column.dataset, row.estimator or column.estimator, row.models))
    return None if cell is None else cell.measure(column.metric)
