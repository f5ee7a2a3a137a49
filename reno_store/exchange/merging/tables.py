"""Two clip tables of one dataset: their conflicts and their union."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reno_store.corpora.names import check_column
from reno_store.errors import StoreError, listed
from reno_store.store import Columns, StoreReader

if TYPE_CHECKING:
    import pandas as pd

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
    one, other = _frame(ours), _frame(theirs)
    ids, columns = one.index.intersection(other.index), one.columns.intersection(other.columns)
    one, other = one.loc[one.index.isin(ids), columns], other.reindex(columns=columns)
    other = other.loc[one.index]
    differs = (one != other) & (one != "") & (other != "")
    if "path" in columns:
        # The same recording may have another path on another machine.
        differs["path"] &= (one[_HASH] != other[_HASH]) | (one[_HASH] == "")
    return [
        f"{dataset}: {column} of {differs[column].sum():,} clips "
        f"({listed(one.index[differs[column]].tolist())})"
        for column in sorted(columns)
        if differs[column].any()
    ]


def union(ours: Columns, theirs: Columns) -> dict[str, list[str]]:
    """Return the union of two tables: first the clips of the second, in its order."""
    ids = list(dict.fromkeys([*theirs.get("clip_id", ()), *ours["clip_id"]]))
    columns = sorted({*theirs, *ours} - {"clip_id"})
    one, other = (_frame(each).reindex(ids, columns=columns) for each in (ours, theirs))
    both = other.where(other.notna() & (other != ""), one).fillna("")
    return {"clip_id": ids, **{name: both[name].tolist() for name in columns}}


def _frame(table: Columns) -> pd.DataFrame:
    import pandas as pd

    columns = {name: pd.Series(values, dtype=object) for name, values in table.items()}
    return pd.DataFrame({"clip_id": [], **columns}, dtype=object).set_index("clip_id")
