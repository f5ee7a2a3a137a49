"""The rows of one model: numbers first, marks last; for whoever holds the model's lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.store import nodes, schema
from reno_store.store.raw_chunks import Damage

__all__ = ["discard_chunks", "forget_rows", "put_rows", "stretch_rows"]


@nodes.own_codecs()
def put_rows(group: zarr.Group, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
    """Store embeddings, shape (n, dim), and then mark their rows, shape (n,), as done."""
    order = np.argsort(rows)
    schema.child_array(group, schema.EMBEDDING).oindex[rows[order], :] = embeddings[order]
    schema.child_array(group, schema.DONE).oindex[rows[order]] = True


@nodes.own_codecs()
def forget_rows(group: zarr.Group, rows: NDArray[np.int64]) -> None:
    """Mark rows as missing, and put NaN in their place."""
    done = schema.child_array(group, schema.DONE)
    rows = np.sort(rows[rows < done.shape[0]])
    if len(rows):
        # In this order: rows without their mark are written again, whatever they hold.
        done.oindex[rows] = False
        schema.child_array(group, schema.EMBEDDING).oindex[rows, :] = np.float32("nan")


@nodes.own_codecs()
def discard_chunks(group: zarr.Group, store: Path, damage: Sequence[Damage]) -> None:
    """Mark stretches of rows as missing, and take away the chunk that each begins in."""
    done = schema.child_array(group, schema.DONE)
    embedding = schema.child_array(group, schema.EMBEDDING)
    for each in damage:
        done[each.start : min(each.stop, done.shape[0])] = False
        key = embedding.metadata.encode_chunk_key((each.start // embedding.chunks[0], 0))
        (store / embedding.path / key).unlink(missing_ok=True)


@nodes.own_codecs()
def stretch_rows(group: zarr.Group, n_clips: int) -> None:
    """Make a model's arrays as long as the clip axis; they never get shorter."""
    for name in (schema.EMBEDDING, schema.DONE):
        array = schema.child_array(group, name)
        if array.shape[0] < n_clips:
            array.resize((n_clips, *array.shape[1:]))
