"""A study as tables for people: one per dataset, protocol and number of the paper's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from reno_store.conclusions.names import estimator_title
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.notes import Note, study_notes, table_notes
from reno_store.reports.tables.results import results_frame
from reno_store.runtime.numbers import points, score
from reno_store.studies import Cell, Study
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, METRICS, PAPER_METRICS

__all__ = ["N_NAMES", "Entry", "Table", "models_with_letters", "tables_of"]

N_NAMES = 2
"""Columns that name a row: estimator and models."""


class Entry(NamedTuple):
    """One place of a table: its text, the number to sort by (NaN for none), the best mark."""

    text: str
    value: float
    best: bool


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One of the paper's tables for one dataset under one protocol.

    Attributes
    ----------
    number : {"I", "II"}
        Single models, or fused ones.
    title, dataset, protocol : str
        Heading and place.
    cells : tuple[Cell, ...]
        The cell of each row.
    texts : pandas.DataFrame of str
        Columns are (group, heading), such as ("accuracy", "paper").
    values : pandas.DataFrame of float64
        Numbers behind the texts, in per cent or points; NaN where there is none.
    best : pandas.DataFrame of bool
        Which entries are the best of their column.
    notes : tuple[Note, ...]
        What a reader must know.
    """

    number: str
    title: str
    dataset: str
    protocol: str
    cells: tuple[Cell, ...]
    texts: pd.DataFrame
    values: pd.DataFrame
    best: pd.DataFrame
    notes: tuple[Note, ...] = ()

    @property
    def headings(self) -> list[str]:
        """Headings of the columns."""
        return list(self.texts.columns.get_level_values(1))

    def rows(self) -> Iterator[tuple[Cell, list[Entry]]]:
        """Return each row's cell and entries."""
        parts = (frame.to_numpy().tolist() for frame in (self.texts, self.values, self.best))
        for cell, *row in zip(self.cells, *parts, strict=True):
            yield cell, [Entry(*entry) for entry in zip(*row, strict=True)]


def tables_of(study: Study, commands: Commands | None = None) -> tuple[Table, ...]:
    """Lay a study out as the paper's tables.

    Table I has the cells of one model, Table II those of several. The paper's value and the
    difference follow accuracy and macro-F1 where the paper has a value for any row. Rows that
    were not computed have empty entries; the notes give the reasons.

    Parameters
    ----------
    study : Study
        Computed or not.
    commands : Commands, optional
        How notes describe what to run; Python calls by default.

    Returns
    -------
    tuple[Table, ...]
        By dataset, protocol and number.
    """
    frame = results_frame(study)
    groups = dict(iter(frame.groupby(["dataset", "protocol", "table"], sort=False)))
    places = [
        (*place, number)
        for place in dict.fromkeys((cell.dataset, cell.protocol) for cell in study.cells)
        for number in ("I", "II")
    ]
    return tuple(
        _table(study, groups[place], commands or PythonCalls())
        for place in places
        if place in groups
    )


def models_with_letters(study: Study, cell: Cell) -> str:
    """Return a cell's models: ``"audio-mamba-tiny A(T) + wav2vec2-base W2"``."""
    return " + ".join(f"{name} {study.model(name).letter}".rstrip() for name in cell.models)


def _table(study: Study, own: pd.DataFrame, commands: Commands) -> Table:
    number, dataset, protocol = own.iloc[0][["table", "dataset", "protocol"]]
    cells = tuple(study.cells[place] for place in own.index.unique())
    beside_paper = bool(own["paper"].notna().any())
    texts: dict[tuple[str, str], list[str]] = {
        ("", "estimator"): [estimator_title(cell) for cell in cells],
        ("", "models"): [models_with_letters(study, cell) for cell in cells],
    }
    values: dict[tuple[str, str], Any] = {}
    best: dict[tuple[str, str], Any] = {}
    for metric in METRICS:
        scores, title = own[own["metric"] == metric], METRIC_TITLES[metric]
        marks = [COLLAPSED if n else "" for n in scores["collapsed"]]
        texts[title, title] = list(map(score, scores["mean"], scores["sd"], marks))
        values[title, title], best[title, title] = scores["mean"], scores["best"]
        if beside_paper and metric in PAPER_METRICS:
            for heading, write in (("paper", "{:.2f}".format), ("difference", points)):
                values[title, heading] = scores[heading]
                texts[title, heading] = [
                    write(each) if pd.notna(each) else "" for each in scores[heading]
                ]
    texts["", "n"] = [str(cell.n or "") for cell in cells]
    values["", "n"] = [float(cell.n) if cell.n else float("nan") for cell in cells]
    index, columns = own.index.unique(), pd.MultiIndex.from_tuples(texts)
    n_models = max(len(cell.models) for cell in cells)
    kind = ("models alone", "pairs of models", "fused models")[min(n_models, 3) - 1]
    return Table(
        number,
        f"Table {number}: {kind}, {dataset}, protocol {protocol}",
        dataset,
        protocol,
        cells,
        pd.DataFrame(texts, index, columns),
        pd.DataFrame(values, index, columns, dtype="float64"),
        pd.DataFrame(best, index, columns).fillna(value=False).astype(bool),
        notes=(
            *table_notes(study, cells, commands, beside_paper=beside_paper),
            *study_notes(study),
        ),
    )
