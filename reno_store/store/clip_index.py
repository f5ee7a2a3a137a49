"""Fixed-width hashes next to the strings of a clip table, so that searching it reads no strings.

A dataset's group has two further arrays: ``clip_id_hash`` (clip), the first 8 bytes of the
SHA-256 of each clip id as a little-endian uint64, and ``audio_sha256_bytes`` (clip, byte), the
32 bytes of each recording's hash. Both are read in pieces and compared with the wanted hashes,
so memory does not grow with the table. A hash of 8 bytes only proposes rows: the strings of
these rows are read and decide, so two ids with the same hash are no problem.

The strings count, the hashes are derived from them. The attribute ``n_indexed`` of each array
is the number of rows whose hashes are known to agree with the strings. Rows beyond it are
searched by their strings, so a store without an index, or with half of one, is read correctly.
Writers lower it before they change a string and raise it after they have written the hash; so
the next writer completes what a killed one left, and adds the index to older stores.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.runtime.places import Place
from reno_store.store import nodes, schema
from reno_store.store.text_column import TextColumn

__all__ = [
    "ARRAYS",
    "CHUNK_ROWS",
    "HASHES",
    "IDS",
    "N_INDEXED",
    "IndexArray",
    "hash_ids",
    "index_problems",
    "matching_rows",
    "pack_hashes",
    "read_hashes",
]

N_INDEXED = "n_indexed"

CHUNK_ROWS = 65_536
_ROWS_AT_A_TIME = 4 * CHUNK_ROWS
_HASH_BYTES = 32
READING_ALL = 8
"""A string is read in an eighth of the time that a wanted one takes to hash."""

_SHA256_TEXT = re.compile("[0-9a-f]{64}")
_UNKNOWN = bytes(_HASH_BYTES)


def hash_ids(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each text's SHA-256, shape (n,)."""
    digests = (sha256(text.encode("utf-8", "surrogatepass")).digest()[:8] for text in texts)
    return np.frombuffer(b"".join(digests), "<u8")


def pack_hashes(texts: Iterable[str]) -> NDArray[np.uint8]:
    """Return the bytes of hashes of recordings, shape (n, 32).

    An empty text, an unknown recording, is 32 zeros. A text that is not 64 hexadecimal digits,
    from an import, is replaced by its own SHA-256.
    """
    packed = b"".join([_pack(text) for text in texts])
    return np.frombuffer(packed, np.uint8).reshape(-1, _HASH_BYTES)


def _pack(text: str) -> bytes:
    if not text:
        return _UNKNOWN
    packed = bytes.fromhex(text) if _SHA256_TEXT.fullmatch(text) else _UNKNOWN
    return sha256(text.encode("utf-8", "surrogatepass")).digest() if packed == _UNKNOWN else packed


@dataclass(frozen=True, slots=True)
class IndexArray:
    """One array of the index.

    Attributes
    ----------
    name : str
        Name of the array.
    column : str
        The column whose strings it has the hashes of.
    dtype : str
        Type of its numbers.
    width : tuple[int, ...]
        Length of its second axis, if it has one.
    """

    name: str
    column: str
    dtype: str
    width: tuple[int, ...]

    def encode(self, texts: Iterable[str]) -> NDArray[Any]:
        """Return the hashes of some strings, one row each."""
        return pack_hashes(texts) if self.width else hash_ids(texts)

    def open(self, group: zarr.Group) -> zarr.Array[Any] | None:
        """Return the array; None if there is none, or it is damaged or somebody else's."""
        try:
            # Chunks of zeros are written too, so that a lost chunk is recognized.
            with zarr.config.set({"array.write_empty_chunks": True}):
                array = nodes.child(group, self.name)
            is_ours = (
                isinstance(array, zarr.Array)
                and N_INDEXED in array.attrs
                and array.shape[1:] == self.width
                and array.chunks == (CHUNK_ROWS, *self.width)
                and array.shards is None
                and array.dtype == np.dtype(self.dtype)
            )
        except schema.DAMAGE:
            return None
        return array if is_ours and isinstance(array, zarr.Array) else None

    def n_indexed(self, array: zarr.Array[Any] | None, n_clips: int) -> int:
        """Return how many of the first rows have hashes; 0 where some of them are lost."""
        found: Any = 0 if array is None else array.attrs.get(N_INDEXED)
        if array is None or type(found) is not int or not 0 <= found <= array.shape[0]:
            return 0
        try:
            schema.check_chunks(array, min(found, n_clips))
        except schema.DAMAGE:
            return 0
        return min(found, n_clips)


IDS = IndexArray("clip_id_hash", "clip_id", "<u8", ())
HASHES = IndexArray("audio_sha256_bytes", schema.SHA256, "|u1", (_HASH_BYTES,))
ARRAYS = (IDS, HASHES)


def matching_rows(
    index: IndexArray, group: zarr.Group, column: TextColumn, texts: Collection[str], n_clips: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.object_]]]:
    """Find the rows whose string is one of some texts.

    Parameters
    ----------
    index : IndexArray
        The array to search.
    group : zarr.Group
        The dataset's.
    column : TextColumn
        The strings that it has the hashes of.
    texts : Collection[str]
        What to search for; a set or dictionary.
    n_clips : int
        How many rows to search.

    Yields
    ------
    numpy.ndarray of int64, shape (n,), and numpy.ndarray of str objects, shape (n,)
        Rows, ascending, and their strings; a part of the table at a time.
    """
    array = index.open(group) if len(texts) * READING_ALL < n_clips else None
    n_indexed = index.n_indexed(array, n_clips)
    wanted = index.encode(texts) if n_indexed else np.zeros(0)
    text_of = {row.tobytes(): text for row, text in zip(wanted, texts, strict=False)}
    for start in range(0, n_indexed, _ROWS_AT_A_TIME):
        stop = min(start + _ROWS_AT_A_TIME, n_indexed)
        try:
            hashes = read_hashes(array, start, stop)
        except schema.DAMAGE:  # the strings are enough
            yield _those_in(texts, np.arange(start, stop), column.read(start, stop))
            continue
        some = _candidates(hashes, wanted)
        if index.width:  # all bytes of the hash: no need to read the strings
            strings = np.array([text_of.get(each.tobytes()) for each in hashes[some]], object)
        else:
            strings = column.at(start + some)
        yield _those_in(texts, start + some, strings)
    for start, strings in column.blocks(n_indexed, n_clips):
        yield _those_in(texts, np.arange(start, start + len(strings)), strings)


def read_hashes(array: zarr.Array[Any] | None, start: int, stop: int) -> NDArray[Any]:
    """Return some rows of an index array; none if there is no array."""
    with nodes.own_codecs():
        return np.zeros(0) if array is None else np.asarray(array[start:stop])


def _those_in(
    texts: Collection[str], rows: NDArray[np.int64], strings: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    is_wanted = np.fromiter((text in texts for text in strings), bool, len(strings))
    return rows[is_wanted], strings[is_wanted]


def _candidates(hashes: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Return where the first 8 bytes of hashes are those of a wanted one."""
    hashes, wanted = (
        np.ascontiguousarray(each[:, :8]).view("<u8")[:, 0] if each.ndim > 1 else each
        for each in (hashes, wanted)
    )
    # A table of the first 16 bits excludes almost all rows, so that few are searched for.
    is_possible = np.zeros(1 << 16, bool)
    is_possible[wanted >> np.uint64(48)] = True
    some = np.flatnonzero(is_possible[hashes >> np.uint64(48)])
    return some[np.isin(hashes[some], wanted)]


def index_problems(group: zarr.Group, folder: Place, n_clips: int) -> Iterator[str]:
    """Compare the whole index with the strings; an index that is not finished is no problem."""
    for index in ARRAYS:
        array = index.open(group)
        n_indexed = index.n_indexed(array, n_clips)
        if array is None:
            continue
        column = TextColumn.open(group, index.column, folder)
        # A dataset that is being removed has a count of 0 first.
        if n_clips and not n_indexed and array.attrs[N_INDEXED] != 0:
            yield f"{index.name} is damaged"
        for start in range(0, n_indexed, CHUNK_ROWS):
            stop = min(start + CHUNK_ROWS, n_indexed)
            hashes = index.encode(column.read(start, stop))
            try:
                is_wrong = (
                    (read_hashes(array, start, stop) != hashes).reshape(len(hashes), -1).any(1)
                )
            except schema.DAMAGE as error:
                yield f"{index.name}, rows {start} to {stop - 1}: {error}"
                continue
            if is_wrong.any():
                yield (
                    f"{index.name} does not agree with {index.column} in {is_wrong.sum():,} rows; "
                    f"the first is row {start + is_wrong.argmax()}"
                )
