"""The page's tables of scores, and the command behind each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reno_store.reports.page.wording import (
    sort_value,
    write_estimator,
    write_models,
    write_reason,
    write_score,
)
from reno_store.reports.tables import TableRow, TableView
from reno_store.studies import Cell, Study

__all__ = ["CommandLine", "CommandTable", "ScoreRow", "ScoreTable", "commands_of", "tables_of"]

_Key = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A cell of the study: its scores in words, or why it has none, and what to type."""

    id: str
    cell: Cell
    estimator: str
    models: str
    accuracy: str
    macro_f1: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommandTable:
    """The cells of one dataset under one protocol."""

    id: str
    dataset: str
    protocol: str
    lines: tuple[CommandLine, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a table; `value` is what it is sorted by, `names` whether it names the row."""

    text: str
    value: float | None
    best: bool
    names: bool


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A row: its places, and where it was not computed, why, over `n_empty` places."""

    places: tuple[Place, ...]
    reason: str
    n_empty: int
    command_id: str
    label: str


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """A table; `columns` are headings and whether numbers stand below them."""

    id: str
    title: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[ScoreRow, ...]
    notes: tuple[str, ...]


def commands_of(study: Study) -> tuple[CommandTable, ...]:
    """List every cell, by dataset and protocol, in the study's order."""
    groups: dict[tuple[str, str], list[CommandLine]] = {}
    for number, cell in enumerate(study.cells, 1):
        groups.setdefault((cell.dataset, cell.protocol), []).append(
            CommandLine(
                id=f"cell-{number}",
                cell=cell,
                estimator=write_estimator(cell.estimator),
                models=write_models(cell.models),
                accuracy=write_score(cell, "accuracy") if cell.computed else "",
                macro_f1=write_score(cell, "macro_f1") if cell.computed else "",
                reason="" if cell.computed else write_reason(cell),
            )
        )
    return tuple(
        CommandTable(f"commands-{number}", dataset, protocol, tuple(lines))
        for number, ((dataset, protocol), lines) in enumerate(groups.items(), 1)
    )


def tables_of(
    views: Sequence[TableView], commands: Sequence[CommandTable]
) -> tuple[ScoreTable, ...]:
    """Lay views out, each row with the way to its command."""
    ids = {_key(line.cell): line.id for table in commands for line in table.lines}
    return tuple(_make_table(f"table-{number}", view, ids) for number, view in enumerate(views, 1))


def _key(cell: Cell) -> _Key:
    return cell.dataset, cell.protocol, cell.estimator, cell.models


def _make_table(name: str, view: TableView, ids: Mapping[_Key, str]) -> ScoreTable:
    n_columns = len(view.columns)
    numeric = tuple(
        any(sort_value(row.entries[column].value) is not None for row in view.rows)
        for column in range(n_columns)
    )
    filled = [
        numeric[column] or any(row.entries[column].text for row in view.rows)
        for column in range(n_columns)
    ]
    # The columns before the first number name a row: estimator and models.
    n_names = next((i for i in range(n_columns) if numeric[i] or not filled[i]), n_columns)
    return ScoreTable(
        id=name,
        title=view.title,
        columns=tuple(zip(view.columns, numeric, strict=True)),
        rows=tuple(_make_row(row, n_names, ids) for row in view.rows),
        notes=view.notes,
    )


def _make_row(row: TableRow, n_names: int, ids: Mapping[_Key, str]) -> ScoreRow:
    n_filled = len(row.entries)
    if not row.cell.computed:
        while n_filled and not row.entries[n_filled - 1].text:
            n_filled -= 1
    return ScoreRow(
        places=tuple(
            Place(entry.text, sort_value(entry.value), entry.best, names=column < n_names)
            for column, entry in enumerate(row.entries[:n_filled])
        ),
        reason="" if row.cell.computed else write_reason(row.cell),
        n_empty=len(row.entries) - n_filled,
        command_id=ids.get(_key(row.cell), ""),
        label=f"{write_estimator(row.cell.estimator)} on {write_models(row.cell.models)}",
    )
