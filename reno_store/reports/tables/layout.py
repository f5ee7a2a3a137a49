"""A study as tables for people: one per dataset, protocol and number of the paper's table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from reno_store.conclusions.names import estimator_title
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.notes import Note, protocol_note, study_notes, table_notes
from reno_store.reports.tables.results import results_frame
from reno_store.runtime.numbers import points, score
from reno_store.studies import Cell, Study
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, METRICS, PAPER_METRICS

__all__ = ["N_NAMES", "Entry", "Table", "share_notes", "tables_of"]

N_NAMES = 2
"""Columns that name a row: estimator and models."""


_OF_SCORE = ["mean", "sd", "collapsed", "best"]


class Entry(NamedTuple):
    """One place of a table: its text, the number to sort by (NaN for none), the best mark."""

    text: str
    value: float = math.nan
    best: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One of the paper's tables for one dataset under one protocol.

    Attributes
    ----------
    number : {"I", "II"}
        Single models, or fused ones.
    title, dataset, protocol : str
        Heading and place.
    headings : list[str]
        Headings of the columns.
    cells : tuple[Cell, ...]
        The cell of each row.
    columns : list[list[Entry]]
        The entries of each column; numbers are in per cent or points.
    notes : tuple[Note, ...]
        What a reader must know.
    """

    number: str
    title: str
    dataset: str
    protocol: str
    headings: list[str]
    cells: tuple[Cell, ...]
    columns: list[list[Entry]]
    notes: tuple[Note, ...] = ()

    def rows(self) -> Iterator[tuple[Cell, tuple[Entry, ...]]]:
        """Yield each row's cell and entries."""
        return zip(self.cells, zip(*self.columns, strict=True), strict=True)


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


def share_notes(
    study: Study, tables: Sequence[Table]
) -> tuple[tuple[Note, ...], list[tuple[Note, ...]]]:
    """Return the notes that hold for all tables, and those to show after each table.

    No note is shown twice where one place is enough: the tables of a dataset and protocol have
    theirs after the last of them, and a protocol is described where it comes first.

    Parameters
    ----------
    study : Study
        The study.
    tables : Sequence[Table]
        Those of `tables_of`.
    """
    groups: dict[tuple[str, str], dict[Note, None]] = {}
    for table in tables:
        groups.setdefault((table.dataset, table.protocol), {}).update(dict.fromkeys(table.notes))
    everywhere = dict.fromkeys(study_notes(study))
    if len(groups) > 1:
        first, *others = groups.values()
        everywhere |= {note: None for note in first if all(note in each for each in others)}
    shown = set(everywhere)
    after: list[tuple[Note, ...]] = []
    ends = {(table.dataset, table.protocol): number for number, table in enumerate(tables)}
    for number, table in enumerate(tables):
        place = (table.dataset, table.protocol)
        last = ends[place] == number
        after.append(tuple(note for note in groups[place] if note not in shown) if last else ())
        shown |= {protocol_note(table.protocol)} if last else set()
    return tuple(everywhere), after


def _table(study: Study, own: pd.DataFrame, commands: Commands) -> Table:
    number, dataset, protocol = own.iloc[0][["table", "dataset", "protocol"]]
    cells = tuple(study.cells[place] for place in own.index.unique())
    beside_paper = bool(own["paper"].notna().any())
    columns = [
        ("estimator", [Entry(estimator_title(cell)) for cell in cells]),
        ("models", [Entry(_models_with_letters(study, cell)) for cell in cells]),
    ]
    for metric in METRICS:
        scores = own[own["metric"] == metric]
        entries = [
            Entry(
                score(row["mean"], row["sd"], COLLAPSED * bool(row["collapsed"])),
                row["mean"],
                row["best"],
            )
            for row in scores.to_dict("records")
        ]
        columns.append((METRIC_TITLES[metric], entries))
        if beside_paper and metric in PAPER_METRICS:
            for heading, write in (("paper", "{:.2f}".format), ("difference", points)):
                numbers = scores[heading].tolist()
                texts = [write(each) if math.isfinite(each) else "" for each in numbers]
                columns.append((heading, list(map(Entry, texts, numbers))))
    columns.append(
        ("n", [Entry(str(cell.n or ""), float(cell.n) if cell.n else math.nan) for cell in cells])
    )
    n_models = max(len(cell.models) for cell in cells)
    kind = ("models alone", "pairs of models", "fused models")[min(n_models, 3) - 1]
    return Table(
        number,
        f"Table {number}: {kind}, {dataset}, protocol {protocol}",
        dataset,
        protocol,
        [heading for heading, _ in columns],
        cells,
        [entries for _, entries in columns],
        (*table_notes(study, cells, commands, beside_paper=beside_paper), *study_notes(study)),
    )


def _models_with_letters(study: Study, cell: Cell) -> str:
    """Return a cell's models: ``"audio-mamba-tiny A(T) + wav2vec2-base W2"``."""
    return " + ".join(f"{name} {study.model(name).letter}".rstrip() for name in cell.models)
