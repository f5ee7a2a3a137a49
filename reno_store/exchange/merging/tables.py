"""Two clip tables of one dataset: their conflicts and their union."""

from __future__ import annotations

from collections.abc import Iterable

from reno_store.corpora.names import check_column
from reno_store.errors import StoreError, listed
from reno_store.store import Columns, StoreReader

__all__ = ["read_table", "table_conflicts", "union"]

_HASH = "audio_sha256"
_REQUIRED = ("clip_id", "label", "speaker", _HASH)


def read_table(reader: StoreReader, dataset: str) -> dict[str, list[str]]:
    """Return a dataset's clip table, checked; empty without clips.

    Raises
    ------
    StoreError
        If part of it is lost or damaged, an id occurs twice, or a column's name is not
        allowed.
    """
    if dataset not in reader.datasets:
        return {}
    models = reader.models(dataset)
    table = reader.table(dataset, () if reader.n_clips(dataset) else models)
    for column in table:
        if column not in _REQUIRED and (problem := check_column(column)):
            raise StoreError(f"store {reader.path}: dataset {dataset!r}: {problem}.")
    ids = table.get("clip_id", [])
    if len(set(ids)) < len(ids):
        raise StoreError(f"store {reader.path}: damaged: dataset {dataset!r} has ids twice.")
    return table


def table_conflicts(dataset: str, ours: Columns, theirs: Columns) -> list[str]:
    """Return a description of clips that differ between two tables; empty values never do."""
    row_there = {clip_id: row for row, clip_id in enumerate(theirs.get("clip_id", ()))}
    shared = [
        (row, row_there[clip_id])
        for row, clip_id in enumerate(ours["clip_id"])
        if clip_id in row_there
    ]
    conflicts = []
    for column in sorted(ours.keys() & theirs.keys()):
        differ = [
            ours["clip_id"][row]
            for row, other in shared
            if ours[column][row]
            and theirs[column][other]
            and ours[column][row] != theirs[column][other]
            # The same recording may have another path on another machine.
            and not (column == "path" and _same_recording(ours, row, theirs, other))
        ]
        if differ:
            conflicts.append(f"{dataset}: {column} of {len(differ):,} clips ({listed(differ)})")
    return conflicts


def _same_recording(ours: Columns, row: int, theirs: Columns, other: int) -> bool:
    return bool(ours[_HASH][row]) and ours[_HASH][row] == theirs[_HASH][other]


def union(ours: Columns, theirs: Columns) -> dict[str, list[str]]:
    """Return the union of two tables: first the clips of the second, in its order."""
    ids = list(dict.fromkeys([*theirs.get("clip_id", ()), *ours["clip_id"]]))
    return {
        column: _filled(ids, _by_id(theirs, column), _by_id(ours, column))
        for column in sorted({*theirs, *ours})
    }


def _by_id(table: Columns, column: str) -> dict[str, str]:
    if column not in table:
        return {}
    return dict(zip(table["clip_id"], table[column], strict=True))


def _filled(ids: Iterable[str], first: dict[str, str], second: dict[str, str]) -> list[str]:
    return [first.get(clip_id) or second.get(clip_id, "") for clip_id in ids]
