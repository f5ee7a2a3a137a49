"""Tables as they are shown, before it is settled where: rows of entries with what is best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reno_store.studies import Cell

__all__ = ["Entry", "TableRow", "TableView"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        What is shown, such as ``"62.3 ± 2.1"``.
    value : float or None
        What it is sorted by: per cent for scores, points for differences; None where there
        is nothing.
    best : bool
        Whether it is the best of its column.
    """

    text: str
    value: float | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: one cell of the study, an entry a column."""

    cell: Cell
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class TableView:
    """One of the paper's tables for one dataset under one protocol.

    Attributes
    ----------
    number : {"I", "II"}
        Which of the paper's tables: single models, or pairs.
    title : str
        For people.
    dataset, protocol : str
        Where.
    columns : tuple[str, ...]
        Headings, one an entry.
    rows : tuple[TableRow, ...]
        By estimator, then models, in the order of the study's cells.
    notes : tuple[str, ...]
        What a reader must know besides.
    """

    number: Literal["I", "II"]
    title: str
    dataset: str
    protocol: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()
