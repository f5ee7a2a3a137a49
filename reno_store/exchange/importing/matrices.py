"""Reading matrices of other programs without trusting the files.

A .npy is mapped, so that neither its size nor a false header allocates memory; of an .npz only
headers are read until one array is chosen; nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ForeignEmbeddingsError, Remedy, listed
from reno_store.exchange.importing.ids import Table, named_columns

__all__ = ["MATRIX_FORMATS", "Matrix"]

Matrix = tuple[NDArray[Any], Table]
"""Numbers, one row per clip, and what the file knows of its rows."""

_MATRIX_NAMES = ("X", "embeddings", "embedding", "vectors")
_SWELLING = 500
_SWOLLEN_BYTES = 2**30
_NUMBERED = re.compile(r"(.*?)(\d+)")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _open_npy(path: Path, array: str | None) -> Matrix:
    """Map a matrix; HEAR and MTEB write raw numbers as .npy, with the shape in another file."""
    if array is not None:
        raise ForeignEmbeddingsError(f"{path} holds one array; do not name an array.")
    with path.open("rb") as file:
        has_header = file.read(6) == b"\x93NUMPY"
    if has_header:
        return np.load(path, mmap_mode="r", allow_pickle=False), (None, {})
    hear = path.with_name(
        path.name.removesuffix(".npy").removesuffix(".embeddings") + ".embedding-dimensions.json"
    )
    mteb = path.with_name("dimension")
    if hear.exists():
        dim = int(json.loads(hear.read_text())[-1])
    elif mteb.exists():
        dim = int(mteb.read_text())
    else:
        raise ValueError(
            "it has no .npy header, and there is no file with its shape: neither HEAR's "
            f"{hear.name} nor MTEB's 'dimension'"
        )
    return np.memmap(path, np.float32, mode="r").reshape(-1, dim), (None, {})


def _open_npz(path: Path, array: str | None) -> Matrix:
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                shapes[member.filename.removesuffix(".npy")] = _shape(archive, member)
    chosen = _chosen(path, {name for name, shape in shapes.items() if len(shape) != 1}, array)
    with np.load(path, allow_pickle=False) as found:
        columns = {
            name: found[name]
            for name, shape in shapes.items()
            if len(shape) == 1 and _is_known({name: ()})
        }
        return found[chosen], named_columns(columns, path)


def _is_known(column: Mapping[str, Iterable[Any]]) -> bool:
    """Return whether a column of this name holds ids, labels or speakers."""
    return named_columns(column, Path()) != (None, {})


def _shape(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, ...]:
    """Read an array's shape and compare its size in memory with that of the file."""
    with archive.open(member) as file:
        shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes > member.file_size:
        raise ValueError(f"{member.filename} claims {n_bytes:,} bytes that it does not have")
    if n_bytes > _SWOLLEN_BYTES and n_bytes > _SWELLING * member.compress_size:
        raise ValueError(
            f"{member.filename} would grow from {member.compress_size:,} to {n_bytes:,} bytes"
        )
    return tuple(shape)


def _open_safetensors(path: Path, array: str | None) -> Matrix:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as found:
        texts = found.metadata() or {}
        chosen = _chosen(path, set(found.keys()), array)
        dtype = found.get_slice(chosen).get_dtype()
        if dtype not in {"F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8"}:
            raise ForeignEmbeddingsError(f"{path}: {chosen} is {dtype}; convert it to float32.")
        matrix = found.get_tensor(chosen)
    columns = {}
    for name, text in texts.items():
        if _is_known({name: ()}):
            columns[name] = json.loads(text)
            if not isinstance(columns[name], list):
                raise ValueError(f"its {name} are not a JSON list")
    return matrix, named_columns(columns, path)


def _open_parquet(path: Path, array: str | None) -> Matrix:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise ForeignEmbeddingsError(
            "parquet needs the package pyarrow, which is not installed. Install it: "
            "pip install 'reno-store[parquet]'."
        ) from None
    frame.columns = frame.columns.astype(str)
    names = [str(name) for name in frame]
    texts = named_columns({name: frame[name] for name in names if _is_known({name: ()})}, path)
    if texts[0] is None and frame.index.name is not None:
        texts = named_columns({str(frame.index.name): frame.index}, path)[0], texts[1]
    lists = [name for name in (array, *_MATRIX_NAMES) if name in frame]
    if lists:
        rows = [np.asarray(row) for row in frame[lists[0]]]
        if len({row.shape for row in rows}) != 1:
            raise ValueError(f"its column {lists[0]} holds lists of different lengths")
        return np.stack(rows), texts
    return frame[_numbered(names, frame, array)].to_numpy(), texts


def _numbered(columns: Iterable[str], frame: Any, array: str | None) -> list[str]:
    """Choose the columns of the embeddings: NAME0, NAME1 and so on.

    Raises
    ------
    ForeignEmbeddingsError
        If there are other columns of numbers: a duration is not part of an embedding.
    """
    numbers = [
        name for name in columns if frame[name].dtype.kind in "fiu" and not _is_known({name: ()})
    ]
    groups: dict[str, list[str]] = {}
    for name in numbers:
        if match := _NUMBERED.fullmatch(name):
            groups.setdefault(match[1], []).append(name)
    counted = {
        prefix: names
        for prefix, names in groups.items()
        if _is_counted([int(name[len(prefix) :]) for name in names])
    }
    if array is not None:
        found = counted.get(array, counted.get(f"{array}:"))
        if found is None:
            raise ForeignEmbeddingsError(
                f"no columns called {array}0, {array}1, ...; found: {', '.join(counted) or 'none'}."
            )
        return found
    embedding = [name for names in counted.values() for name in names]
    if others := [name for name in numbers if name not in embedding]:
        raise ForeignEmbeddingsError(
            f"which columns are the embeddings? {listed(others)} are numbers but not named "
            "NAME0, NAME1, ... Remove them.",
            Remedy("Or name the embeddings' NAME", {"array": ...}),
        )
    return embedding


def _is_counted(indices: Sequence[int]) -> bool:
    return sorted(indices) in (
        list(range(len(indices))),
        list(range(1, len(indices) + 1)),
    )


def _chosen(path: Path, names: set[str], array: str | None) -> str:
    wanted = [array] if array else [name for name in _MATRIX_NAMES if name in names][:1]
    wanted = wanted or sorted(names)
    if len(wanted) != 1 or wanted[0] not in names:
        found = ", ".join(sorted(names)) or "none"
        raise ForeignEmbeddingsError(
            f"{path}: which array holds the embeddings? Found: {found}.",
            Remedy("Name it", {"array": ...}),
        )
    return wanted[0]


MATRIX_FORMATS: Mapping[str, Callable[[Path, str | None], Matrix]] = MappingProxyType(
    {
        ".npy": _open_npy,
        ".npz": _open_npz,
        ".parquet": _open_parquet,
        ".safetensors": _open_safetensors,
    }
)
