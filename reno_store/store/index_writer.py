"""Writing the index of a clip table, which `clip_index` describes and reads."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from reno_store.runtime.places import Place, remove_tree
from reno_store.store import nodes, schema
from reno_store.store.clip_index import (
    ARRAYS,
    CHUNK_ROWS,
    HASHES,
    N_INDEXED,
    IndexArray,
    read_hashes,
)
from reno_store.store.text_column import TextColumn

__all__ = ["IndexWriter"]

_LEFT_BY_A_KILLED_APPEND = 10_000_000


class IndexWriter:
    """Keeps the index of a dataset equal to its strings; needs the lock on the clip table.

    Parameters
    ----------
    group : zarr.Group
        The dataset's, open for writing.
    n_clips : int
        How many clips it has.
    """

    def __init__(self, group: zarr.Group, n_clips: int) -> None:
        self._group = group
        self._trusted = {each: each.n_indexed(each.open(group), n_clips) for each in ARRAYS}

    def distrust(self, recordings: NDArray[np.int64]) -> None:
        """Declare the hashes of recordings unknown, before their strings change."""
        array = HASHES.open(self._group)
        if array is not None and len(recordings):
            _lower(array, int(recordings.min()))

    def complete(self, folder: Place, n_clips: int, recordings: NDArray[np.int64]) -> None:
        """Write the hashes that are missing, after the strings are written.

        Parameters
        ----------
        folder : Place
            The dataset's.
        n_clips : int
            How many clips the dataset has now.
        recordings : numpy.ndarray of int64
            The rows whose recordings have changed.
        """
        for index, trusted in self._trusted.items():
            array = index.open(self._group)
            # To shorten a hostile array of 10^15 rows would take zarr days.
            if array is None or array.shape[0] > 2 * n_clips + _LEFT_BY_A_KILLED_APPEND:
                array = self._create(index, folder)
            if array is None:
                continue
            _lower(array, trusted)
            if array.shape[0] != n_clips:
                array.resize((n_clips, *index.width))
            changed = recordings if index is HASHES else recordings[:0]
            texts = TextColumn.open(self._group, index.column, folder)
            if not _write(index, array, texts, trusted, changed):
                _lower(array, 0)
                _write(index, array, texts, 0, changed)
            if array.attrs[N_INDEXED] != n_clips:
                array.attrs[N_INDEXED] = n_clips

    def _create(self, index: IndexArray, folder: Place) -> zarr.Array[Any] | None:
        """Create an array; None if somebody else's member of the group has its name."""
        with contextlib.suppress(*schema.DAMAGE):
            if N_INDEXED not in nodes.child(self._group, index.name).attrs:
                return None
        if (folder / index.name).exists():
            remove_tree(folder / index.name)
        with nodes.own_codecs(), zarr.config.set({"array.write_empty_chunks": True}):
            return self._group.create_array(
                index.name,
                shape=(0, *index.width),
                chunks=(CHUNK_ROWS, *index.width),
                dtype=index.dtype,
                fill_value=0,
                attributes={N_INDEXED: 0},
                dimension_names=("clip", "byte")[: 1 + len(index.width)],
                # Hashes do not shrink, but the unused rows of the last chunk do.
                compressors=[ZstdCodec(level=1), Crc32cCodec()],
            )


def _lower(array: zarr.Array[Any], n_rows: int) -> None:
    found: Any = array.attrs[N_INDEXED]
    if type(found) is not int or found > n_rows:
        array.attrs[N_INDEXED] = n_rows


def _write(
    index: IndexArray,
    array: zarr.Array[Any],
    texts: TextColumn,
    trusted: int,
    changed: NDArray[np.int64],
) -> bool:
    """Write whole chunks of hashes, in order; return False if earlier ones are wrong.

    After a chunk is written, `n_indexed` may include it: all earlier rows are known to be right.
    """
    n_clips = array.shape[0]
    unknown = np.arange(trusted // CHUNK_ROWS, -(-n_clips // CHUNK_ROWS))
    unknown = unknown if trusted < n_clips else unknown[:0]
    stale = np.union1d(changed // CHUNK_ROWS, unknown)
    for start in (stale * CHUNK_ROWS).tolist():
        stop = min(start + CHUNK_ROWS, n_clips)
        hashes = index.encode(texts.read(start, stop))
        n_same = max(min(trusted, stop) - start, 0)
        is_kept = ~np.isin(np.arange(start, start + n_same), changed)
        try:
            stored = read_hashes(array, start, start + n_same)[is_kept]
        except schema.DAMAGE:
            return False
        if (stored != hashes[:n_same][is_kept]).any():
            return False
        with nodes.own_codecs():
            array[start:stop] = hashes
        if stop < n_clips:
            array.attrs[N_INDEXED] = stop
    return True
