"""Reading a store: never writes, needs no lock, works on a read-only folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.corpora.names import name_problem
from reno_store.errors import StoreError, UnknownNameError, command_line
from reno_store.runtime.locations import local_path
from reno_store.store import nodes, schema
from reno_store.store.folders import model_folders
from reno_store.store.members import is_foreign_array, members
from reno_store.store.raw_chunks import LOST, Damage, RawChunks

__all__ = ["StoreReader"]

_CHUNKS_AT_A_TIME = 16
_DONE_METADATA = f"{schema.DONE}/zarr.json"


class StoreReader:
    """What a store holds.

    Parameters
    ----------
    path : str or Path
        The store's folder.

    Raises
    ------
    StoreError
        If there is no store of this format, or the path is a URL.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = local_path(path, "store", StoreError)
        self._root = schema.open_root(self.path, writable=False)

    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, sorted."""
        with schema.naming_damage(str(self.path)):
            return members(self.path, "group")

    def models(self, dataset: str) -> tuple[str, ...]:
        """Names of a dataset's models, sorted.

        A model whose arrays a killed build did not get to make is not one of them yet.
        """
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}"):
            folder = self.path / self._dataset(dataset).path
            names = members(folder, "group")
            return tuple(name for name in names if (folder / name / _DONE_METADATA).exists())

    def n_clips(self, dataset: str) -> int:
        """How many clips the dataset has.

        Raises
        ------
        StoreError
            If it says more than its table can hold: whoever believed it would ask for any
            amount of memory.
        """
        return self._count(self._dataset(dataset))

    def columns(self, dataset: str) -> tuple[str, ...]:
        """Names of the columns of the clip table, sorted; not of arrays that others added."""
        arrays, foreign = self._arrays(dataset), self.foreign_arrays(dataset)
        return tuple(name for name in arrays if name not in foreign)

    def foreign_arrays(self, dataset: str) -> tuple[str, ...]:
        """Names of arrays in the dataset's group that are no columns, sorted."""
        folder = self.path / dataset
        return tuple(
            name
            for name in self._arrays(dataset)
            if name not in schema.IDENTITY_COLUMNS and is_foreign_array(folder / name)
        )

    def texts(self, dataset: str, name: str) -> list[str]:
        """One column of the clip table, n_clips long.

        Raises
        ------
        StoreError
            If it is missing, or part of it is lost or damaged.
        """
        group = self._dataset(dataset)
        n_clips = self._count(group)
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, column {name!r}"):
            array = schema.child_array(group, name)
            schema.check_chunks(array, n_clips)
            values: list[str] = _values(array, slice(n_clips)).tolist()
        return values

    def table(self, dataset: str) -> dict[str, list[str]]:
        """All columns of the clip table, each n_clips long, also while clips are added."""
        n_clips = self.n_clips(dataset)
        names = self.columns(dataset) if n_clips else ()
        return {name: self.texts(dataset, name)[:n_clips] for name in names}

    def lost_datasets(self) -> tuple[str, ...]:
        """Names of folders that look like datasets, but for their lost zarr.json."""
        children = {path.parent.parent for path in self.path.glob("*/*/zarr.json")}
        return tuple(sorted(path.name for path in children if not (path / "zarr.json").exists()))

    def remains(self, dataset: str) -> tuple[str, ...]:
        """Names of what looks like a dataset's models, sorted, whatever is damaged in them."""
        return () if name_problem(dataset) else model_folders(self.path / dataset)

    def column(self, dataset: str, name: str) -> NDArray[np.str_]:
        """Give `texts` as an array of fixed-width strings, shape (n_clips,)."""
        return np.array(self.texts(dataset, name), np.str_)

    def check_clip_table(self, dataset: str, models: Iterable[str] = ()) -> None:
        """Check that the rows of the clip axis are what the embeddings were stored by.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        models : Iterable[str]
            Those that are to be read; damage in others does not matter.

        Raises
        ------
        StoreError
            If a column is lost, a clip has no id, or an embedding belongs to no clip.
        """
        where = f"{self.path}: dataset {dataset!r}"
        n_clips = self.n_clips(dataset)
        for name in schema.IDENTITY_COLUMNS if n_clips else ():
            self.texts(dataset, name)
        for model in models:
            with schema.naming_damage(f"{where}, model {model!r}"):
                done = schema.child_array(self._model(dataset, model), schema.DONE)
                if _values(done, slice(n_clips, None)).any():
                    raise ValueError(f"it has embeddings beyond the {n_clips} clips of the table")

    def fingerprint(self, dataset: str, model: str) -> Mapping[str, Any]:
        """Give what the model's embeddings depend on."""
        fingerprint = self._model(dataset, model).attrs.get(schema.FINGERPRINT)
        if not isinstance(fingerprint, Mapping):
            raise StoreError(
                f"{self.path}: dataset {dataset!r}, model {model!r} has no fingerprint; expected "
                f"an attribute {schema.FINGERPRINT!r}. Build that model into a new store."
            )
        return fingerprint

    def dim(self, dataset: str, model: str) -> int:
        """Length of the model's embeddings."""
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, model {model!r}"):
            return int(schema.child_array(self._model(dataset, model), schema.EMBEDDING).shape[1])

    def dtype(self, dataset: str, model: str) -> str:
        """Type of the numbers on disk."""
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, model {model!r}"):
            return str(schema.child_array(self._model(dataset, model), schema.EMBEDDING).dtype)

    def n_bytes(self, dataset: str, model: str) -> int:
        """How much room the model's files take."""
        folder = self.path / self._model(dataset, model).path
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    def done(self, dataset: str, model: str) -> NDArray[np.bool_]:
        """Which clips have an embedding of the model, shape (n_clips,)."""
        n_clips = self.n_clips(dataset)
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, model {model!r}"):
            marks = schema.child_array(self._model(dataset, model), schema.DONE)
            stored = _values(marks, slice(n_clips)).astype(bool)
        # A model that an append has not reached yet is shorter than the clip axis.
        return np.pad(stored, (0, n_clips - len(stored)))

    def embeddings(self, dataset: str, model: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeddings of the given rows of the clip axis.

        Parameters
        ----------
        dataset, model : str
            Names.
        rows : numpy.ndarray of int, shape (n,)
            Rows whose `done` is true, in any order.

        Returns
        -------
        numpy.ndarray of float32, shape (n, dim)

        Raises
        ------
        StoreError
            If what is stored is damaged: a checksum fails, a chunk is missing.
        """
        where = f"{self.path}: dataset {dataset!r}, model {model!r}"
        with schema.naming_damage(where):
            array = schema.child_array(self._model(dataset, model), schema.EMBEDDING)
            if not len(rows):
                return np.empty((0, array.shape[1]), np.float32)
            found, damage = self._read(array, rows)
        # Rows without an embedding are NaN throughout.
        lost = [] if damage else rows[np.isnan(found[:, 0])].tolist()
        damage += [Damage(row, row + 1, LOST) for row in lost]
        if damage:
            told = "; ".join(str(each) for each in damage[:3])
            more = f" and {len(damage) - 3:,} more" if len(damage) > 3 else ""
            raise StoreError(
                f"{where}: damaged: {told}{more}. To see all that is damaged: "
                f"{command_line('verify', self.path)}; to have it computed again: "
                "--repair, then build."
            )
        return found

    def damaged_rows(self, dataset: str, model: str) -> list[Damage]:
        """Read all rows, a few chunks at a time, and say which cannot be."""
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, model {model!r}"):
            array = schema.child_array(self._model(dataset, model), schema.EMBEDDING)
        if RawChunks.of(array, self.path / array.path) is None:
            return _damaged_chunks(array)
        step = _CHUNKS_AT_A_TIME * array.chunks[0]
        damage: list[Damage] = []
        n_clips = min(array.shape[0], self.n_clips(dataset))
        for start in range(0, n_clips, step):
            rows = np.arange(start, min(start + step, n_clips))
            # Chunks that are not there may never have been written: `are_finite` tells.
            damage += [each for each in self._read(array, rows)[1] if each.reason != LOST]
        return damage

    def are_finite(self, dataset: str, model: str, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows hold finite numbers only, shape (n,); none may be damaged."""
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, model {model!r}"):
            array = schema.child_array(self._model(dataset, model), schema.EMBEDDING)
            numbers, damage = self._read(array, rows)
        if damage:
            return np.zeros(len(rows), bool)
        return np.asarray(np.isfinite(numbers).all(axis=1))

    def _read(
        self, array: zarr.Array[Any], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], list[Damage]]:
        """Read rows, and say what is damaged, by rows; the numbers are worthless if anything is."""
        raw = RawChunks.of(array, self.path / array.path)
        if raw is not None:
            numbers, damage = raw.read(rows)
            return np.asarray(numbers, np.float32), damage
        try:
            whole = _values(array, slice(int(rows.max()) + 1))
            return np.asarray(whole[rows], np.float32), []
        # What codecs raise on damaged bytes differs; the chunks are then tried one by one.
        except (ValueError, RuntimeError, KeyError, TypeError, OSError):
            damage = _damaged_chunks(array)
            if not damage:
                raise
            return np.empty((0, array.shape[1]), np.float32), damage

    def _arrays(self, dataset: str) -> tuple[str, ...]:
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}"):
            return members(self.path / self._dataset(dataset).path, "array")

    def _count(self, group: zarr.Group) -> int:
        where = f"{self.path}: dataset {group.path!r}"
        with schema.naming_damage(where):
            n_clips = group.attrs.get(schema.N_CLIPS, 0)
            if not isinstance(n_clips, int) or isinstance(n_clips, bool) or n_clips < 0:
                raise ValueError(f"attribute {schema.N_CLIPS!r} is {n_clips!r}")
        if not n_clips:
            return 0
        with schema.naming_damage(f"{where}, column 'clip_id'"):
            length = schema.child_array(group, "clip_id").shape[0]
        with schema.naming_damage(where):
            if n_clips > length:
                raise ValueError(
                    f"attribute {schema.N_CLIPS!r} is {n_clips:,}, its clip_id has {length:,}"
                )
        return n_clips

    def _dataset(self, name: str) -> zarr.Group:
        group = self._child(self._root, name)
        if group is None:
            raise UnknownNameError.among(f"dataset in store {self.path}:", name, self.datasets())
        return group

    def _model(self, dataset: str, name: str) -> zarr.Group:
        group = self._child(self._dataset(dataset), name)
        if group is None or not (self.path / group.path / _DONE_METADATA).exists():
            if name in self.models(dataset):
                where = f"{self.path}: dataset {dataset!r}, model {name!r}"
                raise StoreError(f"{where}: damaged: its zarr.json cannot be read. Remove it.")
            kind = f"model of dataset {dataset!r} in store {self.path}:"
            raise UnknownNameError.among(kind, name, self.models(dataset))
        return group

    def _child(self, group: zarr.Group, name: str) -> zarr.Group | None:
        """Give the group of a name below another, or None; no name leads elsewhere."""
        if name_problem(name) is not None:
            return None
        with schema.naming_damage(f"{self.path}: {'/'.join(filter(None, [group.path, name]))}"):
            try:
                child = nodes.child(group, name)
            except KeyError:
                return None
        return child if isinstance(child, zarr.Group) else None


def _values(array: zarr.Array[Any], rows: slice) -> NDArray[Any]:
    with nodes.own_codecs():
        return np.asarray(array[rows])


def _damaged_chunks(array: zarr.Array[Any]) -> list[Damage]:
    """Try every chunk by itself; give what is wrong with those that cannot be read."""
    damage = []
    step = array.chunks[0]
    for start in range(0, array.shape[0], step):
        stop = min(start + step, array.shape[0])
        try:
            _values(array, slice(start, stop))
        except (ValueError, RuntimeError, KeyError, TypeError, OSError) as error:
            damage.append(Damage(start, stop, str(error).strip() or type(error).__name__))
    return damage
