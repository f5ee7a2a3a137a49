"""Marks: which rows of a model are done, in chunks that several processes can write at once.

A chunk of marks is a stripe: rows that one process at a time fills. It has as many rows as a
chunk of embeddings, times a power of two, so that a store has at most some hundred of them.
Older stores have larger chunks, and a store that grows gets many; their marks are then written
again in other chunks. The new chunks have another separator in their names (``c.0`` instead of
``c/0``, or the other way round), so they are next to the old ones until ``zarr.json``, replaced
in one write, refers to them. Old chunks are removed by the next writer that has the model for
itself, since a reader may still need them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from reno_store.store import nodes, schema

__all__ = ["MOST_STRIPES", "clear_marks", "fitting_stripe", "rechunk", "remove_outdated", "stripes"]

MOST_STRIPES = 512
"""Reading as many takes 0.15 s; 4,096 chunks take 2.6 s."""

_MOST_GROWN = 4 * MOST_STRIPES

Separator: TypeAlias = Literal["/", "."]
_Item = TypeVar("_Item")


def fitting_stripe(n_clips: int, rows_a_chunk: int) -> int:
    """Return how many rows a stripe has: a chunk of embeddings, or a power of two of them.

    Examples
    --------
    >>> [fitting_stripe(n_clips, 256) for n_clips in (100, 131_072, 131_073, 10_000_000)]
    [256, 256, 512, 32768]
    """
    rows = rows_a_chunk
    while rows * MOST_STRIPES < n_clips:
        rows *= 2
    return rows


def stripes(n_clips: int, rows_a_chunk: int, rows_marked: int | None) -> int:
    """Return how many rows the stripes of a model have once a build has prepared it.

    Parameters
    ----------
    n_clips : int
        Clips of the dataset.
    rows_a_chunk : int
        Rows of a chunk of embeddings.
    rows_marked : int or None
        Rows of a chunk of marks now; None for a new model.
    """
    fitting = fitting_stripe(n_clips, rows_a_chunk)
    is_kept = (
        rows_marked is not None
        and rows_marked % rows_a_chunk == 0
        and rows_marked <= fitting
        and rows_marked * _MOST_GROWN >= n_clips
    )
    return rows_marked if is_kept and rows_marked is not None else fitting


def rechunk(group: zarr.Group, rows: int, n_clips: int) -> None:
    """Write a model's marks again, in chunks of so many rows.

    Call it only if nobody else writes the model. Killed at any moment, it leaves marks that
    are either as they were or complete.

    Parameters
    ----------
    group : zarr.Group
        The model's.
    rows : int
        Rows of the new chunks.
    n_clips : int
        Clips of the dataset; later rows have no marks.
    """
    marks = schema.child_array(group, schema.DONE)
    separator: Separator = "." if _separator(marks) == "/" else "/"
    remove_outdated(marks)
    with nodes.own_codecs():
        values: NDArray[np.bool_] = np.asarray(marks[:n_clips], bool)
    memory = MemoryStore()
    copy = schema.create_done(
        zarr.open_group(memory, mode="w", zarr_format=3), marks.shape[0], rows, separator=separator
    )
    with nodes.own_codecs():
        copy[: len(values)] = values
    copy.attrs.update(dict(marks.attrs))
    metadata = f"{schema.DONE}/zarr.json"
    keys = [key for key in sync(_all(memory.list_prefix(f"{schema.DONE}/"))) if key != metadata]
    for key in [*sorted(keys), metadata]:  # what refers to the chunks comes last
        content = sync(memory.get(key, default_buffer_prototype()))
        if content is not None:
            sync(group.store.set(f"{group.path}/{key}", content))


def remove_outdated(marks: zarr.Array[Any]) -> None:
    """Remove chunks that the metadata no longer, or not yet, refer to."""
    _remove(marks, "." if _separator(marks) == "/" else "/")


def clear_marks(marks: zarr.Array[Any]) -> None:
    """Remove all chunks: no row is done."""
    _remove(marks, "/")
    _remove(marks, ".")


def _separator(marks: zarr.Array[Any]) -> Separator:
    encoding = getattr(marks.metadata, "chunk_key_encoding", None)
    return "." if getattr(encoding, "separator", "/") == "." else "/"


def _remove(marks: zarr.Array[Any], separator: Separator) -> None:
    store = marks.store
    if separator == "/":
        sync(store.delete_dir(f"{marks.path}/c"))
        return
    for name in sync(_all(store.list_dir(marks.path))):
        if name.startswith("c."):
            sync(store.delete(f"{marks.path}/{name}"))


async def _all(items: AsyncIterator[_Item]) -> list[_Item]:
    return [item async for item in items]
