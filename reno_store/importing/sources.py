"""Embeddings as other programs leave them, opened without believing what they say.

A .npy is mapped, so that neither its size nor a false header asks for memory; an .npz is
looked at before it is read; nothing is unpickled; no file outside of a folder is opened.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ForeignEmbeddingsError, listed
from reno_store.importing.ids import (
    ID_NAMES,
    LABEL_NAMES,
    SPEAKER_NAMES,
    read_ids,
    read_table,
)
from reno_store.manifests import Confinement

__all__ = ["SOURCE_FORMATS", "Source", "open_source"]

_MATRIX_NAMES = ("X", "embeddings", "embedding", "vectors")
Read = Callable[[Sequence[int]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """Embeddings by key.

    Attributes
    ----------
    path : Path
        Where they lie.
    keys : tuple[str, ...]
        What each is called there: a clip's id, or its file's path.
    dim : int
        Length of an embedding.
    dtype : str
        As it lies there.
    read : Read
        Gives the embeddings at some positions of `keys`, shape (n, dim).
    known : Mapping[str, Sequence[str]]
        ``label`` and ``speaker`` of each key, where the source tells.
    """

    path: Path
    keys: tuple[str, ...]
    dim: int
    dtype: str
    read: Read
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)


def open_source(path: Path, *, ids: Path | None = None, array: str | None = None) -> Source:
    """Open a folder of .npy files, or a matrix in a file.

    Parameters
    ----------
    path : Path
        A folder; or a file that ends as one of `SOURCE_FORMATS`.
    ids : Path, optional
        Which row is which, for a matrix that does not say; see `read_ids`.
    array : str, optional
        Name of the matrix in an .npz or .safetensors that holds several.

    Raises
    ------
    ForeignEmbeddingsError
        If it cannot be read, holds no matrix of numbers, or does not say which row is which.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise ForeignEmbeddingsError(f"{path}: no such file or folder.")
    if path.suffix.lower() not in SOURCE_FORMATS:
        raise ForeignEmbeddingsError(
            f"{path}: expected a folder of .npy files, or a file that ends in "
            f"{', '.join(SOURCE_FORMATS)}."
        )
    try:
        matrix, own_ids, known = SOURCE_FORMATS[path.suffix.lower()](path, array)
    except ForeignEmbeddingsError:
        raise
    except Exception as error:  # whatever a reader of files from elsewhere may raise
        raise ForeignEmbeddingsError(f"{path}: cannot be read: {error}.") from None
    _check_numbers(path, matrix, 2)
    rows = None
    if ids is not None:
        (own_ids, more), rows = read_ids(ids)
        known = more
    if own_ids is None:
        raise ForeignEmbeddingsError(
            f"{path} does not say which row is which clip. Name a file that does with --ids "
            "(ids=...): a .txt with an id a line, a .json list, a .json of id: row, or a .csv "
            "with a column clip_id."
        )
    _check_ids(ids or path, own_ids, known, rows, len(matrix))
    order = np.arange(len(own_ids)) if rows is None else np.array(rows, np.int64)

    def read(positions: Sequence[int]) -> NDArray[np.float32]:
        return _as_float32(matrix[order[list(positions)]])

    return Source(path, tuple(own_ids), matrix.shape[1], str(matrix.dtype), read, known)


def _check_ids(
    path: Path,
    ids: Sequence[str],
    known: Mapping[str, Sequence[str]],
    rows: Sequence[int] | None,
    n_rows: int,
) -> None:
    if rows is None and len(ids) != n_rows:
        raise ForeignEmbeddingsError(f"{path}: {len(ids):,} ids for a matrix of {n_rows:,} rows.")
    if rows is not None and not all(0 <= row < n_rows for row in rows):
        raise ForeignEmbeddingsError(f"{path}: names rows beyond the {n_rows:,} of the matrix.")
    for name, values in known.items():
        if len(values) != len(ids):
            raise ForeignEmbeddingsError(f"{path}: {len(values):,} {name}s for {len(ids):,} ids.")


def _open_folder(folder: Path) -> Source:
    known: Mapping[str, Sequence[str]] = {}
    if (folder / "clips.csv").exists():
        keys, known, names = _listed_files(folder / "clips.csv")
    else:
        found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.npy"))
        names, keys = found, [name.removesuffix(".npy") for name in found]
    if not names:
        raise ForeignEmbeddingsError(f"{folder}: no .npy file in it.")
    confinement = Confinement(folder)
    if problems := [problem for name in names if (problem := confinement.problem(name))]:
        raise ForeignEmbeddingsError(f"{folder}: {problems[0]}; {len(problems):,} such paths.")
    first = _vector(folder / names[0])

    def read(positions: Sequence[int]) -> NDArray[np.float32]:
        rows = []
        for position in positions:
            vector = _vector(folder / names[position])
            if len(vector) != len(first):
                raise ForeignEmbeddingsError(
                    f"{folder / names[position]}: {len(vector):,} numbers; expected "
                    f"{len(first):,}, as in {names[0]}."
                )
            rows.append(_as_float32(vector))
        return np.stack(rows)

    return Source(folder, tuple(keys), len(first), str(first.dtype), read, known)


def _listed_files(table: Path) -> tuple[list[str], Mapping[str, Sequence[str]], list[str]]:
    """Read an export's clips.csv: ids, what is known of them, and their files."""
    import pandas as pd

    keys, known = read_table(table)
    frame = pd.read_csv(table, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    names = frame["file"].tolist() if "file" in frame else [f"{key}.npy" for key in keys]
    if lost := [name for name in names if not (table.parent / name).is_file()]:
        raise ForeignEmbeddingsError(f"{table}: names files that are not there: {listed(lost)}.")
    return keys, known, names


def _vector(path: Path) -> NDArray[Any]:
    try:
        vector: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise ForeignEmbeddingsError(f"{path}: cannot be read as .npy: {error}.") from None
    if vector.ndim == 2 and vector.shape[0] == 1:
        vector = vector[0]
    _check_numbers(path, vector, 1)
    return vector


def _check_numbers(path: Path, found: NDArray[Any], n_axes: int) -> None:
    if found.dtype.kind not in "fiu":
        raise ForeignEmbeddingsError(f"{path}: expected numbers, got type {found.dtype}.")
    if found.ndim != n_axes or not found.size:
        wanted = "(clips, numbers)" if n_axes == 2 else "(numbers,)"
        frames = " Average it over time first." if found.ndim == n_axes + 1 else ""
        raise ForeignEmbeddingsError(f"{path}: expected shape {wanted}, got {found.shape}.{frames}")


def _as_float32(numbers: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # becomes infinite, which is refused by the clip's name
        return np.asarray(numbers, np.float32)


_Opened = tuple[NDArray[Any], list[str] | None, Mapping[str, Sequence[str]]]


def _open_npy(path: Path, array: str | None) -> _Opened:
    """Map a matrix; HEAR and MTEB call their raw ones .npy too and tell the shape beside them."""
    with path.open("rb") as file:
        has_header = file.read(6) == b"\x93NUMPY"
    if has_header:
        return np.load(path, mmap_mode="r", allow_pickle=False), None, {}
    dimensions = path.with_name(path.name.removesuffix(".embeddings.npy")).with_suffix("")
    hear = dimensions.with_name(dimensions.name + ".embedding-dimensions.json")
    mteb = path.with_name("dimension")
    if hear.exists():
        dim = int(json.loads(hear.read_text())[-1])
    elif mteb.exists():
        dim = int(mteb.read_text())
    else:
        raise ValueError(
            "it is no .npy (no header), and neither HEAR's "
            f"{hear.name} nor MTEB's file 'dimension' beside it tells its shape"
        )
    return np.memmap(path, np.float32, mode="r").reshape(-1, dim), None, {}


def _open_npz(path: Path, array: str | None) -> _Opened:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _check_member(archive, member)
    with np.load(path, allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    matrices = {name: each for name, each in arrays.items() if each.ndim == 2}
    texts = {
        name: np.asarray(each, np.str_).tolist() for name, each in arrays.items() if each.ndim == 1
    }
    return _chosen(matrices, array), _named(texts, ID_NAMES), _known(texts)


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Compare the size that an array's header asks memory for with what is there."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(file)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > member.file_size or member.file_size > 1000 * max(member.compress_size, 1):
            raise ValueError(f"{member.filename} claims {n_bytes:,} bytes that it does not hold")


def _open_safetensors(path: Path, array: str | None) -> _Opened:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as found:
        texts = found.metadata() or {}
        matrices = {name: found.get_tensor(name) for name in found.keys()}  # noqa: SIM118
    parsed = {name: json.loads(text) for name, text in texts.items() if text.startswith("[")}
    return _chosen(matrices, array), _named(parsed, ID_NAMES), _known(parsed)


def _open_parquet(path: Path, array: str | None) -> _Opened:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise ForeignEmbeddingsError(
            "parquet needs the package pyarrow, which is not installed. Install it: "
            "pip install 'reno-store[parquet]'."
        ) from None
    texts = {str(name): frame[name].astype(str).tolist() for name in frame if _is_text(frame[name])}
    if frame.index.name is not None:
        texts.setdefault("clip_id", frame.index.astype(str).tolist())
    numbers = frame[[name for name in frame if not _is_text(frame[name])]]
    return numbers.to_numpy(), _named(texts, ID_NAMES), _known(texts)


def _is_text(column: Any) -> bool:
    return column.dtype.kind not in "fiu"


def _chosen(matrices: Mapping[str, NDArray[Any]], array: str | None) -> NDArray[Any]:
    names = [array] if array else [name for name in _MATRIX_NAMES if name in matrices][:1]
    names = names or list(matrices)
    if len(names) != 1 or names[0] not in matrices:
        found = ", ".join(matrices) or "none"
        raise ValueError(f"which array holds the embeddings? Name it with --array; found: {found}")
    return matrices[names[0]]


def _named(texts: Mapping[str, list[str]], names: Sequence[str]) -> list[str] | None:
    return next((texts[name] for name in names if name in texts), None)


def _known(texts: Mapping[str, list[str]]) -> dict[str, list[str]]:
    found = {"label": _named(texts, LABEL_NAMES), "speaker": _named(texts, SPEAKER_NAMES)}
    return {name: values for name, values in found.items() if values is not None}


SOURCE_FORMATS: Mapping[str, Callable[[Path, str | None], _Opened]] = MappingProxyType(
    {
        ".npy": _open_npy,
        ".npz": _open_npz,
        ".parquet": _open_parquet,
        ".safetensors": _open_safetensors,
    }
)
