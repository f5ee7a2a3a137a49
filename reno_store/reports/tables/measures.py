"""A study's cells in the paper's two tables, each score with its spread and the paper's value.

Every form of a table is made from this, so that they differ in layout alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reno_store.studies import METRICS, Cell, Study, paper_value
from reno_store.studies.scores import Metric

__all__ = ["Measure", "MeasuredCell", "MeasuredTable", "Number", "mark_best", "measure_study"]

Number = Literal["I", "II"]
"""Which of the paper's tables: single models, or pairs."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One score of one cell, in per cent.

    Attributes
    ----------
    metric : str
        A name in `METRICS`.
    mean : float or None
        Over all folds of all seeds; None where the cell was not computed.
    sd : float or None
        Sample standard deviation over the same folds; None where there are fewer than two.
    paper : float or None
        What the paper printed for it, if it did.
    best : bool
        Whether no other cell of its table has a higher mean, collapsed ones left out.
    collapsed : bool
        Whether the classifier has not learned in some fold.
    """

    metric: Metric
    mean: float | None
    sd: float | None
    paper: float | None
    best: bool = False
    collapsed: bool = False

    @property
    def contending(self) -> float | None:
        """The mean, where it may be the best: None for a collapsed cell."""
        return None if self.collapsed else self.mean

    @property
    def difference(self) -> float | None:
        """Give the mean minus the paper's value, in points."""
        if self.mean is None or self.paper is None:
            return None
        return self.mean - self.paper


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """A cell and its scores, in the order of `METRICS`."""

    cell: Cell
    measures: tuple[Measure, ...]

    def measure(self, metric: Metric) -> Measure:
        """Find the score of that name."""
        return self.measures[METRICS.index(metric)]


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """One of the paper's tables for one dataset under one protocol, its rows in order."""

    number: Number
    dataset: str
    protocol: str
    rows: tuple[MeasuredCell, ...]

    @property
    def beside_paper(self) -> bool:
        """Whether the paper has a number for any row."""
        return any(measure.paper is not None for row in self.rows for measure in row.measures)


def measure_study(study: Study) -> tuple[MeasuredTable, ...]:
    """Sort a study's cells into tables, by dataset, protocol and number, and measure them.

    Tables that would have no row are left out.
    """
    places = dict.fromkeys((cell.dataset, cell.protocol) for cell in study.cells)
    tables = []
    for dataset, protocol in places:
        cells = list(study.select(dataset=dataset, protocol=protocol))
        alone = [cell for cell in cells if len(cell.models) == 1]
        fused = [cell for cell in cells if len(cell.models) > 1]
        if alone:
            tables.append(MeasuredTable("I", dataset, protocol, _measure(study, alone)))
        if fused:
            tables.append(MeasuredTable("II", dataset, protocol, _measure(study, fused)))
    return tuple(tables)


def mark_best(values: Sequence[float | None]) -> list[bool]:
    """Say of each value whether it is the highest; of ties, all are.

    Examples
    --------
    >>> mark_best([61.2, None, 62.0, 62.0])
    [False, False, True, True]
    """
    highest = max((value for value in values if value is not None), default=math.nan)
    # Sums of the same scores in another order differ in their last digits.
    return [value is not None and math.isclose(value, highest, rel_tol=1e-9) for value in values]


def _measure(study: Study, cells: Sequence[Cell]) -> tuple[MeasuredCell, ...]:
    unmarked = [[_score(study, cell, metric) for metric in METRICS] for cell in cells]
    columns = [
        [replace(measure, best=best) for measure, best in zip(column, marks, strict=True)]
        for column in zip(*unmarked, strict=True)
        for marks in [mark_best([measure.contending for measure in column])]
    ]
    return tuple(
        MeasuredCell(cell, tuple(row))
        for cell, row in zip(cells, zip(*columns, strict=True), strict=True)
    )


def _score(study: Study, cell: Cell, metric: Metric) -> Measure:
    scores = cell.scores(metric)
    known = bool(scores) and all(math.isfinite(score) for score in scores)
    return Measure(
        metric,
        mean=100 * cell.mean(metric) if known else None,
        sd=100 * cell.sd(metric) if known and len(scores) > 1 else None,
        paper=paper_value(
            study.dataset(cell.dataset).paper_name,
            cell.estimator,
            [study.model(name).letter for name in cell.models],
            metric,
        ),
        collapsed=cell.n_collapsed > 0,
    )
