"""Embeddings from elsewhere: a folder with one .npy per clip, or a matrix with ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import Confinement
from reno_store.errors import ForeignEmbeddingsError, Remedy, listed
from reno_store.exchange.importing.ids import read_frame, read_ids, read_table
from reno_store.exchange.importing.matrices import MATRIX_FORMATS
from reno_store.runtime.locations import local_path

__all__ = ["Source", "open_source"]

Read = Callable[[Sequence[int]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """Embeddings by key.

    Attributes
    ----------
    path : Path
        Their file or folder.
    keys : tuple[str, ...]
        Their names there: clip ids, or paths of files.
    dim : int
        Length of an embedding.
    dtype : str
        Type of the numbers there.
    read : Read
        Returns the embeddings at some positions of `keys`, shape (n, dim).
    known : Mapping[str, Sequence[str]]
        ``label`` and ``speaker`` of each key, if the source has them; empty where unknown.
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
        A folder, or a file with an ending of `MATRIX_FORMATS`.
    ids : Path, optional
        The clip of each row, for a matrix without ids; see `read_ids`.
    array : str, optional
        Name of the matrix in a file that holds several.

    Raises
    ------
    ForeignEmbeddingsError
        If it cannot be read, holds no matrix of numbers, or has no ids.
    """
    path = local_path(path, "embeddings", ForeignEmbeddingsError)
    if path.is_dir():
        if ids is not None or array is not None:
            raise ForeignEmbeddingsError(f"{path} is a folder; ids and array are for a matrix.")
        return _open_folder(path)
    if not path.exists():
        raise ForeignEmbeddingsError(f"{path}: no such file or folder.")
    return _open_matrix(path, ids, array)


def _open_matrix(path: Path, ids: Path | None, array: str | None) -> Source:
    if path.suffix.lower() not in MATRIX_FORMATS:
        raise ForeignEmbeddingsError(
            f"{path}: expected a folder of .npy files, or a file that ends in "
            f"{', '.join(MATRIX_FORMATS)}."
        )
    try:
        matrix, (keys, known) = MATRIX_FORMATS[path.suffix.lower()](path, array)
    except ForeignEmbeddingsError:
        raise
    except Exception as error:  # readers of other programs' files may raise anything
        raise ForeignEmbeddingsError(f"{path}: cannot be read: {error}.") from None
    _check_numbers(path, matrix, 2)
    rows = None
    if ids is not None:
        if keys is not None:
            raise ForeignEmbeddingsError(f"{path} has ids itself; do not name others.")
        (keys, known), rows = read_ids(ids)
    if keys is None:
        raise ForeignEmbeddingsError(
            f"{path} has no ids of its rows.",
            Remedy(
                "Name a file with them (a .txt with one id per line, a .json list, a .json of "
                "id: row, or a .csv with a column clip_id)",
                {"ids": ...},
            ),
        )
    _check_ids(ids or path, keys, known, rows, len(matrix))
    order = np.arange(len(keys)) if rows is None else np.array(rows, np.int64)

    def read(positions: Sequence[int]) -> NDArray[np.float32]:
        return _as_float32(matrix[order[list(positions)]])

    return Source(path, tuple(keys), matrix.shape[1], _type_name(matrix), read, known)


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
    if "" in ids:
        raise ForeignEmbeddingsError(f"{path}: row {ids.index('')} has no id.")
    for name, values in known.items():
        if len(values) != len(ids):
            raise ForeignEmbeddingsError(f"{path}: {len(values):,} {name}s for {len(ids):,} ids.")


def _open_folder(folder: Path) -> Source:
    known: Mapping[str, Sequence[str]] = {}
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.npy"))
    table = folder / "clips.csv"
    if table.exists():
        keys, known = read_table(table)
        frame = read_frame(table)
        names = frame["file"].tolist() if "file" in frame else [f"{key}.npy" for key in keys]
        _check_ids(table, keys, known, None, len(names))
    else:
        names, keys = found, [name.removesuffix(".npy") for name in found]
    if not names:
        raise ForeignEmbeddingsError(f"{folder}: no .npy file in it.")
    confinement = Confinement(folder)
    if problems := [problem for name in names if (problem := confinement.problem(name))]:
        first_problem = problems[0].split(";")[0]
        raise ForeignEmbeddingsError(
            f"{folder}: {first_problem} ({len(problems):,} such). Copy it inside."
        )
    if lost := [name for name in names if not (folder / name).is_file()]:
        raise ForeignEmbeddingsError(f"{table}: names files that do not exist: {listed(lost)}.")
    if others := sorted(set(found) - {Path(name).as_posix() for name in names}):
        raise ForeignEmbeddingsError(
            f"{table} does not name {len(others):,} .npy files of its folder: {listed(others)}. "
            "Add them, or remove the table to import all files by their names."
        )
    first = _vector(folder / names[0])

    def read(positions: Sequence[int]) -> NDArray[np.float32]:
        rows = []
        for position in positions:
            vector = _vector(folder / names[position])
            if (len(vector), _type_name(vector)) != (len(first), _type_name(first)):
                raise ForeignEmbeddingsError(
                    f"{folder / names[position]}: {len(vector):,} numbers ({vector.dtype}); "
                    f"expected {len(first):,} ({first.dtype}), as in {names[0]}."
                )
            rows.append(_as_float32(vector))
        return np.stack(rows)

    return Source(folder, tuple(keys), len(first), _type_name(first), read, known)


def _vector(path: Path) -> NDArray[Any]:
    try:
        vector: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged or hostile header may raise anything
        raise ForeignEmbeddingsError(f"{path}: cannot be read as .npy: {error}.") from None
    if not isinstance(vector, np.ndarray):
        vector.close()
        raise ForeignEmbeddingsError(f"{path}: cannot be read as .npy: it is an archive.")
    if vector.ndim == 2 and vector.shape[0] == 1:
        vector = vector[0]
    numbers: NDArray[Any] = vector
    _check_numbers(path, numbers, 1)
    return numbers


def _type_name(numbers: NDArray[Any]) -> str:
    """Return the name of a type of numbers, without its byte order."""
    return str(numbers.dtype.newbyteorder("=").name)


def _check_numbers(path: Path, found: NDArray[Any], n_axes: int) -> None:
    if found.dtype.kind not in "fiu":
        raise ForeignEmbeddingsError(f"{path}: expected numbers, got type {found.dtype}.")
    if found.ndim != n_axes or not found.size:
        wanted = "(clips, numbers)" if n_axes == 2 else "(numbers,)"
        frames = " Average it over time first." if found.ndim == n_axes + 1 else ""
        raise ForeignEmbeddingsError(f"{path}: expected shape {wanted}, got {found.shape}.{frames}")


def _as_float32(numbers: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # becomes infinite, which raises an error with the clip's name
        return np.asarray(numbers, np.float32)
