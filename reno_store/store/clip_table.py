"""The clip table of a dataset: one string array per column, extended at its end.

Updating a table of a million clips writes only the chunks that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.store import nodes, schema

__all__ = ["Columns", "put_table", "recordings_differ"]

Columns: TypeAlias = Mapping[str, Sequence[str]]
"""Column name -> one string per clip; ``clip_id`` is one of the columns."""


def recordings_differ(stored: Columns, now: Columns) -> NDArray[np.int64]:
    """Return the stored rows whose recording has another hash now.

    A hash that either table lacks is no difference: a recording that cannot be read today is
    a failed clip, and one that was not at hand for an import may be known by now.
    """
    new_hash = dict(zip(now["clip_id"], now[schema.SHA256], strict=True))
    pairs = zip(stored["clip_id"], stored[schema.SHA256], strict=True)
    differ = [
        row
        for row, (clip_id, sha256) in enumerate(pairs)
        if sha256 and new_hash.get(clip_id, "") not in {"", sha256}
    ]
    return np.array(differ, np.int64)


@nodes.own_codecs()
def put_table(group: zarr.Group, stored: Columns, columns: Columns) -> NDArray[np.int64]:
    """Update a stored table; new clips are appended.

    Parameters
    ----------
    group : zarr.Group
        The dataset's.
    stored : Mapping[str, Sequence[str]]
        The stored table; empty for a new dataset.
    columns : Mapping[str, Sequence[str]]
        The new table.

    Returns
    -------
    numpy.ndarray of int64, shape (n_clips of the new table,)
        The row of each of its clips.
    """
    row_of = {clip_id: row for row, clip_id in enumerate(stored.get("clip_id", ()))}
    for clip_id in columns["clip_id"]:
        row_of.setdefault(clip_id, len(row_of))
    rows = np.array([row_of[clip_id] for clip_id in columns["clip_id"]], np.int64)
    for name in sorted(set(columns) | set(stored)):
        before = np.asarray(list(stored.get(name, ())), object)
        values = np.full(len(row_of), "", object)
        values[: len(before)] = before
        if name in columns:
            new = np.array(columns[name], object)
            # A stored hash is kept where the recording cannot be read today.
            is_kept = (new == "") & (name == schema.SHA256)
            values[rows] = np.where(is_kept, values[rows], new)
        _put_column(group, name, values, before)
    # Set last, and only if it changes: until then the new clips do not count.
    if group.attrs.get(schema.N_CLIPS) != len(row_of):
        group.attrs[schema.N_CLIPS] = len(row_of)
    return rows


def _put_column(
    group: zarr.Group, name: str, values: NDArray[np.object_], before: NDArray[np.object_]
) -> None:
    if name not in group:
        schema.create_text_column(group, name)
    # Chunks of empty strings are written too, so that a lost chunk is recognised.
    with zarr.config.set({"array.write_empty_chunks": True}):
        array = schema.child_array(group, name)
    if array.shape != values.shape:
        array.resize(values.shape)
    step = array.chunks[0]
    for start in range(0, len(values), step):
        chunk = slice(start, start + step)
        if values[chunk].tolist() != before[chunk].tolist():
            array[chunk] = values[chunk]
