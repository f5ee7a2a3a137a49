"""The clip table of a dataset: one string array per column, extended at its end.

A new table is compared with the stored one, and written, chunk by chunk: only chunks that it has
clips in are read, and only those that differ are written. Memory does not grow with the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.runtime.places import Place
from reno_store.store import nodes, schema
from reno_store.store.index_writer import IndexWriter
from reno_store.store.reader import StoreReader
from reno_store.store.text_column import TextColumn

__all__ = ["Columns", "TableChanges", "compare_tables", "put_table"]

Columns: TypeAlias = Mapping[str, Sequence[str]]
"""Column name -> one string per clip; ``clip_id`` is one of the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class TableChanges:
    """How a new clip table differs from the stored one.

    Attributes
    ----------
    n_clips : int
        How many clips are stored.
    rows : numpy.ndarray of int64, shape (n_clips of the new table,)
        The row of each clip of the new table; clips that are not stored yet get the next rows.
    labels, speakers : numpy.ndarray of int64, shape (n,)
        Stored rows whose label or speaker is another one now, ascending.
    recordings : numpy.ndarray of int64, shape (n,)
        Stored rows whose recording has another hash now, ascending. A hash that either table
        lacks is no difference: a recording that cannot be read today is a failed clip, and one
        that was not at hand for an import may be known by now.
    hashes : numpy.ndarray of int64, shape (n,)
        `recordings`, and stored rows without a hash that get one now.
    """

    n_clips: int
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    recordings: NDArray[np.int64]
    hashes: NDArray[np.int64]

    @property
    def n_clips_after(self) -> int:
        """How many clips the dataset has afterwards."""
        return max(self.n_clips, int(self.rows.max(initial=-1)) + 1)

    def vanished(self) -> NDArray[np.int64]:
        """Return the stored rows that are not in the new table, ascending."""
        is_vanished = np.ones(self.n_clips, bool)
        is_vanished[self.rows[self.rows < self.n_clips]] = False
        return np.flatnonzero(is_vanished)


def compare_tables(reader: StoreReader, dataset: str, columns: Columns) -> TableChanges:
    """Compare a clip table with the stored one, of which it may be a part.

    Parameters
    ----------
    reader : StoreReader
        The store.
    dataset : str
        Name of the dataset; the store may not have it yet.
    columns : Mapping[str, Sequence[str]]
        The new table.

    Raises
    ------
    StoreError
        If the stored table is damaged.
    """
    ids = columns["clip_id"]
    n_clips = reader.n_clips(dataset) if dataset in reader.datasets else 0
    rows = reader.find_clips(dataset, ids) if n_clips else np.full(len(ids), -1, np.int64)
    known = np.flatnonzero(rows >= 0)
    new_rows: dict[str, int] = {}
    for place in np.flatnonzero(rows < 0).tolist():
        rows[place] = new_rows.setdefault(ids[place], n_clips + len(new_rows))

    def differing(name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where a column differs: the stored rows, and places in the new table."""
        texts = np.array(columns[name], object)
        is_other = np.zeros(len(known), bool)
        if len(known):
            is_other = reader.differs(dataset, name, rows[known], texts[known].tolist())
        places = known[is_other]
        places = places[np.argsort(rows[places], kind="stable")]
        return rows[places], places

    hashes, places = differing(schema.SHA256)
    is_known_now = np.array(columns[schema.SHA256], object)[places] != ""
    hashes = hashes[is_known_now]
    was_known = np.array(reader.texts_at(dataset, schema.SHA256, hashes) if n_clips else [], object)
    return TableChanges(
        n_clips=n_clips,
        rows=rows,
        labels=differing("label")[0],
        speakers=differing("speaker")[0],
        recordings=hashes[was_known != ""],
        hashes=hashes,
    )


@nodes.own_codecs()
def put_table(
    group: zarr.Group,
    folder: Place,
    stored: Sequence[str],
    changes: TableChanges,
    columns: Columns,
) -> None:
    """Update a stored table and its index; new clips are appended.

    Parameters
    ----------
    group : zarr.Group
        The dataset's, open for writing.
    folder : Place
        The folder that holds it.
    stored : Sequence[str]
        Names of the stored columns.
    changes : TableChanges
        How the new table differs from the stored one.
    columns : Mapping[str, Sequence[str]]
        The new table.

    Raises
    ------
    ValueError, OSError
        If part of the stored table is lost or damaged.
    """
    n_clips = changes.n_clips_after
    for name in stored if changes.n_clips else ():
        TextColumn.open(group, name, folder).check(changes.n_clips)
    index = IndexWriter(group, changes.n_clips)
    index.distrust(changes.hashes)
    for name in sorted(set(columns) | set(stored)):
        if name not in group:
            schema.create_text_column(group, name)
        # Chunks of empty strings are written too, so that a lost chunk is recognized.
        with zarr.config.set({"array.write_empty_chunks": True}):
            array = schema.child_array(group, name)
        if array.shape != (n_clips,):
            array.resize((n_clips,))
        n_kept = changes.n_clips if name in stored else 0
        texts = np.array(columns[name], object) if name in columns else None
        _put_column(array, TextColumn(array, folder / name), n_kept, changes.rows, texts)
    index.complete(folder, n_clips, changes.hashes)
    # Set last, and only if it changes: until then the new clips do not count.
    if group.attrs.get(schema.N_CLIPS) != n_clips:
        group.attrs[schema.N_CLIPS] = n_clips


def _put_column(
    array: zarr.Array[Any],
    column: TextColumn,
    n_kept: int,
    rows: NDArray[np.int64],
    texts: NDArray[np.object_] | None,
) -> None:
    """Write texts into rows of a column, of which the first rows are stored already."""
    step, n_clips = array.chunks[0], array.shape[0]
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    added = np.arange(n_kept, n_clips)
    touched = added if texts is None else np.concatenate([added, rows])
    for start in (np.unique(touched // step) * step).tolist():
        stop = min(start + step, n_clips)
        before = column.read(start, min(stop, max(n_kept, start)))
        values = np.full(stop - start, "", object)
        values[: len(before)] = before
        if texts is not None:
            some = slice(*np.searchsorted(ascending, [start, stop]))
            places, new = ascending[some] - start, texts[order[some]]
            # A stored hash is kept where the recording cannot be read today.
            is_kept = (new == "") & (array.basename == schema.SHA256)
            values[places] = np.where(is_kept, values[places], new)
        if values.tolist() != before.tolist():
            array[start:stop] = values
