"""Reading rows directly from uncompressed chunk files, checksums included.

An embedding array of this package has chunks of whole rows without compression: a chunk file
is the rows' numbers followed by a CRC-32C. Such rows are read straight into place, or picked
from a mapped file, in 1.5 times the time of np.load and 2.1 times that of a memory map, where
zarr needs 4.6 and 14.4 times. Every chunk that is touched is verified as a whole. zarr reads
arrays with other codecs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import google_crc32c
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BytesCodec, Crc32cCodec

from reno_store.runtime.places import BucketPlace, Place, concurrently

__all__ = ["LOST", "Damage", "RawChunks"]

LOST = "lost"
_CHECKSUM_BYTES = 4
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of rows that cannot be read.

    Attributes
    ----------
    start, stop : int
        The first row, and the one after the last.
    reason : str
        What is wrong.
    """

    start: int
    stop: int
    reason: str

    def __str__(self) -> str:
        return f"rows {self.start} to {self.stop - 1} ({self.reason})"


@dataclass(frozen=True, slots=True)
class RawChunks:
    """The chunk files of an embedding array.

    Attributes
    ----------
    folder : Place
        The folder that holds them.
    n_rows : int
        Rows of the array.
    rows_a_chunk : int
        Rows of every chunk file, also of the last.
    dim : int
        Numbers in a row.
    dtype : numpy.dtype
        As stored, little-endian.
    """

    folder: Place
    n_rows: int
    rows_a_chunk: int
    dim: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, array: zarr.Array[Any], folder: Place) -> RawChunks | None:
        """Return the chunk files of an array, or None where chunks are encoded differently."""
        shape, chunks = array.shape, array.chunks
        codecs: tuple[Any, ...] = getattr(array.metadata, "codecs", ())
        plain = (
            len(codecs) == 2
            and isinstance(codecs[0], BytesCodec)
            # newer versions of zarr have a text here, older ones an enumeration
            and getattr(codecs[0].endian, "value", codecs[0].endian) == "little"
            and isinstance(codecs[1], Crc32cCodec)
        )
        encoding = getattr(array.metadata, "chunk_key_encoding", None)
        if (
            not plain
            or len(shape) != 2
            or array.shards is not None
            or chunks[1] != shape[1]
            or getattr(encoding, "name", "") != "default"
            or getattr(encoding, "separator", "") != "/"
        ):
            return None
        dtype = np.dtype(array.dtype).newbyteorder("<")
        return cls(folder / "c", shape[0], chunks[0], shape[1], dtype)

    def read(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], list[Damage]]:
        """Read rows.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (n,)
            In any order.

        Returns
        -------
        numpy.ndarray, shape (n, dim)
            NaN where a chunk is missing.
        list of Damage
            Damaged chunks. The array is only valid without any.
        """
        order = np.argsort(rows, kind="stable") if np.any(rows[1:] < rows[:-1]) else None
        ascending = rows if order is None else rows[order]
        parts = list(self._parts(ascending))
        if isinstance(self.folder, BucketPlace):
            return self._read_objects(parts, ascending, order)
        # Before any memory is allocated: the metadata may be damaged or hostile.
        damage = [found for part in parts if (found := self._misfit(part[0])) is not None]
        if not damage and not any(self._path(part[0]).is_file() for part in parts):
            damage = [self._damage(part[0], LOST) for part in parts]
        if damage:
            return np.empty((0, 0), self.dtype), damage
        out = np.empty((len(rows), self.dim), self.dtype)

        def read_part(part: tuple[int, int, int]) -> Damage | None:
            chunk, start, stop = part
            within = ascending[start:stop] - chunk * self.rows_a_chunk
            where = slice(start, stop) if order is None else order[start:stop]
            return self._read_chunk(chunk, within, out, where)

        if len(parts) < 2 * _THREADS:
            problems = [read_part(part) for part in parts]
        else:
            with ThreadPoolExecutor(_THREADS) as pool:
                problems = list(pool.map(read_part, parts))
        return out, [problem for problem in problems if problem]

    def _read_objects(
        self,
        parts: list[tuple[int, int, int]],
        ascending: NDArray[np.int64],
        order: NDArray[np.int64] | None,
    ) -> tuple[NDArray[Any], list[Damage]]:
        """Read rows from a bucket: whole chunks, since their checksum covers all rows."""
        out = np.empty((0, 0), self.dtype)
        damage: list[Damage] = []
        contents = concurrently(self._content, [chunk for chunk, _, _ in parts], self.folder)
        for (chunk, start, stop), content in zip(parts, contents, strict=True):
            if content is None:
                continue
            if isinstance(content, Damage):
                damage.append(content)
                continue
            if not len(out) and not damage:
                # Not earlier: the metadata may be damaged or hostile, and now a chunk fits them.
                out = np.full((len(ascending), self.dim), np.nan, self.dtype)
            if len(out):
                rows = np.frombuffer(content, self.dtype, self.rows_a_chunk * self.dim)
                within = ascending[start:stop] - chunk * self.rows_a_chunk
                where = slice(start, stop) if order is None else order[start:stop]
                out[where] = rows.reshape(-1, self.dim)[within]
        if not len(out) and not damage:
            damage = [self._damage(chunk, LOST) for chunk, _, _ in parts]
        return out, damage

    def _content(self, chunk: int) -> bytes | Damage | None:
        """Return a chunk's object if it is complete; None if it is missing."""
        try:
            content = (self.folder / str(chunk) / "0").read_bytes()
        except FileNotFoundError:
            return None
        if misfit := self._wrong_size(chunk, len(content)):
            return misfit
        checksum = int.from_bytes(content[-_CHECKSUM_BYTES:], "little")
        if google_crc32c.value(np.frombuffer(content, np.uint8)[:-_CHECKSUM_BYTES]) != checksum:
            return self._damage(chunk, "its checksum does not match")
        return content

    def _parts(self, ascending: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
        """Return each chunk that is touched, and which of the sorted rows are in it."""
        chunks = ascending // self.rows_a_chunk
        starts = np.flatnonzero(np.diff(chunks, prepend=-1)).tolist()
        for start, stop in pairwise([*starts, len(ascending)]):
            yield int(chunks[start]), start, stop

    def _read_chunk(
        self, chunk: int, within: NDArray[np.int64], out: NDArray[Any], where: Any
    ) -> Damage | None:
        """Read rows of one chunk into place; return its damage, if any."""
        path, n_bytes = self._path(chunk), self._n_bytes
        is_whole = isinstance(where, slice) and len(within) == self.rows_a_chunk
        try:
            if is_whole and bool((np.diff(within, prepend=-1) == 1).all()):
                numbers = out[where].reshape(-1).view(np.uint8)
                with path.open("rb", buffering=0) as file:
                    file.readinto(numbers.data)
                    checksum = file.read(_CHECKSUM_BYTES)
            else:
                content = np.memmap(path, np.uint8, mode="r")
                numbers, checksum = content[:n_bytes], content[n_bytes:].tobytes()
                found = numbers.view(self.dtype).reshape(-1, self.dim)
                if isinstance(where, slice):
                    np.take(found, within, axis=0, out=out[where], mode="clip")
                else:
                    out[where] = found[within]
            if google_crc32c.value(numbers) != int.from_bytes(checksum, "little"):
                raise ValueError("its checksum does not match")
        except FileNotFoundError:
            out[where] = np.nan
        except (OSError, ValueError) as error:
            return self._damage(chunk, str(error))
        return None

    @property
    def _n_bytes(self) -> int:
        return self.rows_a_chunk * self.dim * self.dtype.itemsize

    def _path(self, chunk: int) -> Path:
        return cast(Path, self.folder) / str(chunk) / "0"

    def _misfit(self, chunk: int) -> Damage | None:
        """Compare a chunk file's size with the metadata; a missing file is no misfit."""
        try:
            size = self._path(chunk).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._damage(chunk, str(error))
        return self._wrong_size(chunk, size)

    def _wrong_size(self, chunk: int, size: int) -> Damage | None:
        expected = self._n_bytes + _CHECKSUM_BYTES
        if size != expected:
            return self._damage(chunk, f"{size:,} bytes instead of {expected:,}")
        return None

    def _damage(self, chunk: int, reason: str) -> Damage:
        first = chunk * self.rows_a_chunk
        return Damage(first, min(first + self.rows_a_chunk, self.n_rows), reason)
