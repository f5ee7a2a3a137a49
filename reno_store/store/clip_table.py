"""The clip table of a dataset: one string array a column, grown at its end, changed in place.

Of a table of a million clips only the chunks that differ are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.store import nodes, schema

__all__ = ["put_table"]


@nodes.own_codecs()
def put_table(
    group: zarr.Group, stored: Mapping[str, Sequence[str]], columns: Mapping[str, Sequence[str]]
) -> NDArray[np.int64]:
    """Bring a stored table up to a new one; clips that are new go to the end.

    Parameters
    ----------
    group : zarr.Group
        The dataset's.
    stored : Mapping[str, Sequence[str]]
        What is stored, column by column; empty for a new dataset.
    columns : Mapping[str, Sequence[str]]
        The new table; ``clip_id`` is one of its columns.

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
            values[rows] = _kept_where_empty(name, columns[name], values[rows])
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
    # Chunks of empty strings are written like others, so that a lost one can be told.
    with zarr.config.set({"array.write_empty_chunks": True}):
        array = schema.child_array(group, name)
    if array.shape != values.shape:
        array.resize(values.shape)
    step = array.chunks[0]
    for start in range(0, len(values), step):
        chunk = slice(start, start + step)
        if values[chunk].tolist() != before[chunk].tolist():
            array[chunk] = values[chunk]


def _kept_where_empty(
    name: str, now: Sequence[str], stored: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Keep a stored hash where today none could be taken."""
    values = np.array(now, object)
    return np.where(values == "", stored, values) if name == schema.SHA256 else values
