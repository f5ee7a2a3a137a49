"""Rows of an embedding array: straight from its chunk files, or with zarr for other codecs."""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.runtime.places import Place
from reno_store.store import nodes
from reno_store.store.raw_chunks import Damage, RawChunks

__all__ = ["read_rows", "values"]

_UNREADABLE = (ValueError, RuntimeError, KeyError, TypeError, OSError)
"""What codecs raise on damaged bytes."""


def read_rows(
    array: zarr.Array[Any], folder: Place, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], list[Damage]]:
    """Read some rows of an array and list the damage; the numbers are only valid without any."""
    raw = RawChunks.of(array, folder)
    if raw is not None:
        numbers, damage = raw.read(rows)
        return np.asarray(numbers, np.float32), damage
    first, stop = int(rows.min()), int(rows.max()) + 1
    try:
        numbers = values(array, slice(first, stop))
        return np.asarray(numbers[rows - first], np.float32), []
    except _UNREADABLE:
        damage = _damaged_chunks(array, first, stop)
        if not damage:
            raise
        return np.empty((0, array.shape[1]), np.float32), damage


def values(array: zarr.Array[Any], rows: slice) -> NDArray[Any]:
    """Return some rows of an array of any kind, read with zarr's own codecs."""
    with nodes.own_codecs():
        return np.asarray(array[rows])


def _damaged_chunks(array: zarr.Array[Any], first: int, stop: int) -> list[Damage]:
    """Read the chunks of some rows one by one and return what is wrong with the unreadable ones."""
    damage = []
    step = array.chunks[0]
    for start in range(first // step * step, stop, step):
        end = min(start + step, array.shape[0])
        try:
            values(array, slice(start, end))
        except _UNREADABLE as error:
            damage.append(Damage(start, end, str(error).strip() or type(error).__name__))
    return damage
