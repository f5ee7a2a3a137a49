"""Recordings inside parquet and Arrow files, read in place.

A manifest names one as ``data/train-00000.parquet#row=17&column=audio``: the file, the row
counted from 0, and the column, percent-encoded. The column holds the bytes of whole audio files
(wav, flac, mp3 ...), or structs with a field ``bytes``, as Hugging Face datasets have.

A parquet file can only be read by row groups, so the latest row groups are kept, up to
`KEPT_BYTES` in all. It may be in a bucket. Arrow files are memory-mapped, which needs no cache.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

import numpy as np

from reno_store.errors import AudioError, RenoStoreError
from reno_store.runtime.places import BucketFile, BucketPlace, Place, open_place

__all__ = ["KEPT_BYTES", "TABLE_ENDINGS", "EmbeddedPlace", "import_pyarrow", "read_embedded"]

KEPT_BYTES = 512 * 2**20
"""Row groups in memory, in bytes; a single larger one is read nevertheless."""

TABLE_ENDINGS = (".parquet", ".arrow")

_KEPT_FILES = 16
_KNOWN_S = 60.0
_PLACE = re.compile(r"(?P<file>.+\.(?:parquet|arrow))#row=(?P<row>[0-9]+)&column=(?P<column>[^/]+)")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class EmbeddedPlace:
    """Where a recording is inside a table.

    Attributes
    ----------
    file : str
        The parquet or Arrow file.
    row : int
        Its row, from 0.
    column : str
        The name of the column.

    Examples
    --------
    >>> place = EmbeddedPlace.parse("data/train.parquet#row=17&column=my%20audio")
    >>> place.row, place.column
    (17, 'my audio')
    >>> str(place)
    'data/train.parquet#row=17&column=my%20audio'
    >>> EmbeddedPlace.parse("laugh.wav") is None
    True
    """

    file: str
    row: int
    column: str

    @classmethod
    def parse(cls, path: object) -> EmbeddedPlace | None:
        """Return the place that a path names; None for the path of a file."""
        found = _PLACE.fullmatch(str(path))
        return found and cls(found["file"], int(found["row"]), unquote(found["column"]))

    def __str__(self) -> str:
        return f"{self.file}#row={self.row}&column={quote(self.column, safe='')}"


def read_embedded(place: EmbeddedPlace) -> bytes:
    """Return the bytes of the audio file in a row. Threads may call it at the same time.

    Raises
    ------
    AudioError
        If the file, the row or the column does not exist, or the row has no audio.
    RenoStoreError
        If pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    path = open_place(place.file, "recording", AudioError)
    if isinstance(path, BucketPlace) and path.suffix != ".parquet":
        raise AudioError(
            f"{place}: Arrow files in a bucket are not supported. Copy them to this machine, or "
            "save them as parquet."
        )
    try:
        key = _key(path)
        read = _read_parquet if path.suffix == ".parquet" else _read_arrow
        content = read(key, place.column, place.row)
    except FileNotFoundError:
        raise AudioError(f"{place}: no such file. Check its path.") from None
    except IndexError as error:
        raise AudioError(f"{place}: the file has only {error} rows.") from None
    except KeyError as error:
        raise AudioError(f"{place}: no such column. Columns: {error.args[0]}.") from None
    except (OSError, pyarrow.ArrowException) as error:
        raise AudioError(f"{place}: cannot be read: {error}.") from None
    if isinstance(content, dict):
        content = content.get("bytes")
    if not isinstance(content, bytes):
        found = "nothing" if content is None else type(content).__name__
        raise AudioError(f"{place}: expected the bytes of an audio file, got {found}.")
    return content


def import_pyarrow() -> ModuleType:
    """Return pyarrow with its modules for parquet and arithmetic.

    Raises
    ------
    RenoStoreError
        If it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError:
        raise RenoStoreError(
            "parquet and Arrow files need the package pyarrow, which is not installed. "
            "Install it: pip install 'reno-store[datasets]'."
        ) from None
    module: ModuleType = pyarrow
    return module


class _Kept(Generic[_T]):
    """The latest values, up to a total size that includes those being made.

    Several values are made at the same time if there is room, but each only once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Any, tuple[_T, int]] = OrderedDict()
        self._being_made: dict[Any, int] = {}
        self._changed = threading.Condition()

    def get(self, key: Any, size: int, make: Callable[[], _T]) -> _T:
        """Return a value, made if it is not kept. A value larger than all room is made alone."""
        with self._changed:
            while key not in self._values and not self._has_room(key, size):
                self._changed.wait()
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
            self._being_made[key] = size
            while self._values and self.size > self._most:
                self._values.popitem(last=False)
        try:
            value = make()
        except BaseException:
            with self._changed:
                del self._being_made[key]
                self._changed.notify_all()
            raise
        with self._changed:
            self._values[key] = value, self._being_made.pop(key)
            self._changed.notify_all()
        return value

    def _has_room(self, key: Any, size: int) -> bool:
        sizes = self._being_made
        return key not in sizes and (not sizes or sum(sizes.values()) + size <= self._most)

    @property
    def size(self) -> int:
        """Size of all values, kept or being made."""
        kept = sum(size for _, size in self._values.values())
        return kept + sum(self._being_made.values())


# Path, time of the last change or tag of an object, size: a changed file is read again.
_Key = tuple[str, int | str, int]
_keys: dict[BucketPlace, tuple[_Key, float]] = {}
_footers: _Kept[tuple[Any, Any, Any]] = _Kept(_KEPT_FILES)
_row_groups: _Kept[Any] = _Kept(KEPT_BYTES)
_mapped: _Kept[tuple[list[Any], Any]] = _Kept(_KEPT_FILES)


def _key(path: Place) -> _Key:
    """Return what identifies a file; of an object in a bucket, as it was in the last minute."""
    if isinstance(path, Path):
        stamp = path.stat()
        return str(path), stamp.st_mtime_ns, stamp.st_size
    known, now = _keys.get(path), time.monotonic()
    if known is None or now - known[1] > _KNOWN_S:
        size, tag = path.bucket.about(path.key)
        known = _keys[path] = (str(path), str(sorted(tag.items())), size), now
    return known[0]


def _opened(key: _Key) -> Any:
    path = open_place(key[0], "recording", AudioError)
    return BucketFile(path, key[2]) if isinstance(path, BucketPlace) else key[0]


def _read_parquet(key: _Key, column: str, row: int) -> Any:
    from pyarrow import parquet

    def footer() -> tuple[Any, Any, Any]:
        with parquet.ParquetFile(_opened(key)) as file:
            about = file.metadata
            sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
            return about, file.schema_arrow.names, np.cumsum(sizes)

    about, names, ends = _footers.get(key, 1, footer)
    _check(names, column, row, about.num_rows)
    group = int(np.searchsorted(ends, row, side="right"))
    paths = [about.schema.column(leaf).path for leaf in range(about.num_columns)]
    wanted = f"{column}.bytes" if f"{column}.bytes" in paths else column
    # A column that is no audio may have another shape; what it has is reported by the caller.
    leaves = [leaf for leaf, path in enumerate(paths) if path.startswith(wanted)]
    size = sum(about.row_group(group).column(leaf).total_uncompressed_size for leaf in leaves)

    def row_group() -> Any:
        with parquet.ParquetFile(_opened(key), metadata=about, pre_buffer=True) as file:
            return file.read_row_group(group, columns=[wanted]).column(0)

    audio = _row_groups.get((key, column, group), size, row_group)
    return audio[row - int(ends[group]) + len(audio)].as_py()


def _read_arrow(key: _Key, column: str, row: int) -> Any:
    import pyarrow

    def batches() -> tuple[list[Any], Any]:
        source = pyarrow.memory_map(key[0])
        try:
            found = list(pyarrow.ipc.open_stream(source))
        except pyarrow.ArrowInvalid:  # the other of Arrow's two formats
            file = pyarrow.ipc.open_file(source)
            found = [file.get_batch(index) for index in range(file.num_record_batches)]
        return found, np.cumsum([batch.num_rows for batch in found])

    found, ends = _mapped.get(key, 1, batches)
    _check(found[0].schema.names if found else [], column, row, int(ends[-1]) if found else 0)
    index = int(np.searchsorted(ends, row, side="right"))
    batch = found[index]
    return batch.column(column)[row - int(ends[index]) + batch.num_rows].as_py()


def _check(names: list[str], column: str, row: int, n_rows: int) -> None:
    if column not in names:
        raise KeyError(", ".join(names))
    if row >= n_rows:
        raise IndexError(f"{n_rows:,}")
