"""Reading strings of the clip table directly from their chunk files, checksums included.

A text column of this package is written as vlen-utf8, zstd and a CRC-32C. Reading its files
directly takes a third of zarr's time, which creates each string twice, and reads only the chunks
that hold the wanted rows. zarr reads columns with other codecs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import google_crc32c
import numpy as np
import zarr
from numcodecs.vlen import VLenUTF8
from numcodecs.zstd import decompress
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, VLenUTF8Codec, ZstdCodec

from reno_store.runtime.places import Place, concurrently
from reno_store.store import nodes, schema

__all__ = ["TextColumn"]

_OURS = (VLenUTF8Codec, ZstdCodec, Crc32cCodec)
_CHECKSUM_BYTES = 4
_ROWS_AT_A_TIME = 65_536


class TextColumn:
    """One column of the clip table, open for reading.

    Parameters
    ----------
    array : zarr.Array
        The column.
    folder : Place
        The folder that holds it.

    Raises
    ------
    ValueError, OSError
        By every method, if the rows that are read are lost or damaged.
    """

    @classmethod
    def open(cls, group: zarr.Group, name: str, folder: Place) -> TextColumn:
        """Open the column of a name in a dataset's group, which is in `folder`."""
        return cls(schema.child_array(group, name), folder / name)

    def __init__(self, array: zarr.Array[Any], folder: Place) -> None:
        if len(array.shape) != 1:
            raise ValueError(f"it has {len(array.shape)} dimensions")
        self._array, self._codec = array, VLenUTF8()
        encoding = getattr(array.metadata, "chunk_key_encoding", None)
        is_ours = (
            tuple(type(codec) for codec in getattr(array.metadata, "codecs", ())) == _OURS
            and array.shards is None
            and getattr(encoding, "name", "") == "default"
            and getattr(encoding, "separator", "") == "/"
        )
        self._chunks = folder / "c" if is_ours else None

    @property
    def chunk_rows(self) -> int:
        """Rows of a chunk."""
        return int(self._array.chunks[0])

    def check(self, n_rows: int) -> None:
        """Check that the first rows have all their chunks, without reading them."""
        self.check_length(n_rows)
        schema.check_chunks(self._array, n_rows)

    def check_length(self, n_rows: int) -> None:
        """Check that the column has so many rows; reading them shows whether a chunk is lost."""
        if n_rows > self._array.shape[0]:
            raise ValueError(f"it has {self._array.shape[0]:,} of {n_rows:,} rows")

    def read(self, start: int, stop: int) -> NDArray[np.object_]:
        """Return the strings of rows from `start` to before `stop`."""
        if self._chunks is None:
            return self._read_with_zarr(start, stop)
        step = self.chunk_rows
        chunks = range(start // step, -(-stop // step))
        pieces = [np.empty(0, object)]
        for chunk, texts in zip(chunks, self._read_chunks(chunks), strict=True):
            first = chunk * step
            pieces.append(texts[max(start - first, 0) : stop - first])
        return np.concatenate(pieces)

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Return the strings of some rows, in any order; each chunk is read once."""
        order = np.argsort(rows, kind="stable")
        chunks = rows[order] // self.chunk_rows
        starts = np.flatnonzero(np.diff(chunks, prepend=-1)).tolist()
        texts = np.empty(len(rows), object)
        found = self._read_chunks([int(chunks[start]) for start in starts])
        for (start, stop), strings in zip(pairwise([*starts, len(rows)]), found, strict=True):
            first, where = int(chunks[start]) * self.chunk_rows, order[start:stop]
            texts[where] = strings[: self._array.shape[0] - first][rows[where] - first]
        return texts

    def blocks(self, start: int, stop: int) -> Iterator[tuple[int, NDArray[np.object_]]]:
        """Yield the strings of a range of rows in pieces, each with its first row."""
        while start < stop:
            end = min((start // _ROWS_AT_A_TIME + 1) * _ROWS_AT_A_TIME, stop)
            yield start, self.read(start, end)
            start = end

    def _read_chunks(self, chunks: Sequence[int]) -> Iterator[NDArray[np.object_]]:
        """Yield the strings of whole chunks."""
        folder = self._chunks
        if folder is None:
            step, n_rows = self.chunk_rows, int(self._array.shape[0])
            for chunk in chunks:
                yield self._read_with_zarr(chunk * step, min((chunk + 1) * step, n_rows))
            return
        contents = concurrently(lambda chunk: _content(folder / str(chunk)), chunks, folder)
        for chunk, content in zip(chunks, contents, strict=True):
            yield self._decode(chunk, content)

    def _decode(self, chunk: int, content: bytes | None) -> NDArray[np.object_]:
        if content is None:
            raise ValueError(f"its chunk {chunk} is lost")
        body, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
        if google_crc32c.value(body) != int.from_bytes(checksum, "little"):
            raise ValueError(f"the checksum of its chunk {chunk} does not match")
        texts: NDArray[np.object_] = self._codec.decode(decompress(body))
        if len(texts) != self.chunk_rows:
            raise ValueError(f"its chunk {chunk} has {len(texts):,} of {self.chunk_rows:,} rows")
        return texts

    def _read_with_zarr(self, start: int, stop: int) -> NDArray[np.object_]:
        schema.check_chunks(self._array, stop)
        with nodes.own_codecs():
            return np.array(np.asarray(self._array[start:stop]).tolist(), object)


def _content(chunk: Place) -> bytes | None:
    try:
        return chunk.read_bytes()
    except FileNotFoundError:
        return None
