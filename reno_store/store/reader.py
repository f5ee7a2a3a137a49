"""Reading a store. It never writes, needs no lock and works on a read-only folder.

This is the one interface for reading: samples, lookups, exports, merges and reports use it. It
finds groups and arrays as `opened` says. It is one class of small methods, half of its lines
documentation, and so is longer than other modules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.names import name_problem
from reno_store.errors import Remedy, StaleStoreError, StoreError
from reno_store.runtime.places import concurrently, subfolders, tree_bytes
from reno_store.store import schema
from reno_store.store.clip_index import (
    ARRAYS,
    HASHES,
    IDS,
    IndexArray,
    index_problems,
    matching_rows,
)
from reno_store.store.embedding_rows import read_rows, values
from reno_store.store.folders import model_folders
from reno_store.store.members import has_nodes, is_foreign_array, is_text_array, members
from reno_store.store.opened import OpenedStore
from reno_store.store.raw_chunks import LOST, Damage

__all__ = ["StoreReader"]

_ROWS_AT_A_TIME = 65_536
_INDEX = frozenset(index.name for index in ARRAYS)


class StoreReader(OpenedStore):
    """A store, open for reading.

    Parameters
    ----------
    path : str, Path or BucketPlace
        The store's folder, or its URL in a bucket.

    Raises
    ------
    StoreError
        If there is no store of this format.
    BucketError
        By every method, if it is in a bucket that cannot be used.
    """

    def columns(self, dataset: str) -> tuple[str, ...]:
        """Return the sorted columns of the clip table, without arrays that others added."""
        arrays, foreign = self._arrays(dataset), self.foreign_arrays(dataset)
        return tuple(name for name in arrays if name not in foreign)

    def foreign_arrays(self, dataset: str) -> tuple[str, ...]:
        """Return the sorted names of arrays in the dataset's group that are no columns.

        Those of the index are among them.
        """
        folder = self.path / dataset
        names = [name for name in self._arrays(dataset) if name not in schema.IDENTITY_COLUMNS]

        def is_foreign(name: str) -> bool:
            return is_foreign_array(folder / name) or (
                name in _INDEX and not is_text_array(folder / name)
            )

        found = concurrently(is_foreign, names, folder)
        return tuple(name for name, is_one in zip(names, found, strict=True) if is_one)

    def texts(self, dataset: str, name: str) -> list[str]:
        """Return one column of the clip table, n_clips long.

        Raises
        ------
        StoreError
            If it is missing, or part of it is lost or damaged.
        """
        n_clips = self.n_clips(dataset)
        with self._column(dataset, name) as column:
            column.check_length(n_clips)
            return list(column.read(0, n_clips))

    def texts_at(self, dataset: str, name: str, rows: NDArray[np.int64]) -> list[str]:
        """Return some rows of a column of the clip table; raises as `texts`."""
        with self._column(dataset, name) as column:
            return list(column.at(rows))

    def n_values(self, dataset: str, name: str) -> int:
        """Return the number of distinct texts of a column that are not empty."""
        n_clips, values = self.n_clips(dataset), {""}
        with self._column(dataset, name) as column:
            column.check_length(n_clips)
            for _, texts in column.blocks(0, n_clips):
                values.update(texts)
        return len(values) - 1

    def differs(
        self, dataset: str, name: str, rows: NDArray[np.int64], texts: Sequence[str]
    ) -> NDArray[np.bool_]:
        """Return where some rows of a column are other texts now; raises as `texts`.

        Parameters
        ----------
        dataset, name : str
            The dataset and the column.
        rows : numpy.ndarray of int64, shape (n,)
            Rows of the clip axis.
        texts : Sequence[str]
            One text per row.
        """
        differs, now = np.zeros(len(rows), bool), np.array(texts, object)
        order = np.argsort(rows, kind="stable")
        with self._column(dataset, name) as column:
            for start in range(0, len(rows), _ROWS_AT_A_TIME):
                some = order[start : start + _ROWS_AT_A_TIME]
                differs[some] = column.at(rows[some]) != now[some]
        return differs

    def find_clips(self, dataset: str, clip_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows of clips, shape (n,); -1 for ids that the dataset lacks.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        StoreError
            If the ids are damaged where they are read.
        """
        row_of: dict[str, int] = {}
        for rows, texts in self._matching(dataset, IDS, set(clip_ids)):
            row_of.update(zip(texts.tolist(), rows.tolist(), strict=True))
        return np.array([row_of.get(clip_id, -1) for clip_id in clip_ids], np.int64)

    def find_recordings(
        self, dataset: str, hashes: Collection[str]
    ) -> tuple[NDArray[np.int64], list[str]]:
        """Return the rows of all clips with one of some recordings, and the hash of each."""
        found = list(self._matching(dataset, HASHES, set(hashes)))
        rows = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in found)])
        return rows, [text for _, texts in found for text in texts]

    def index_problems(self, dataset: str) -> list[str]:
        """Compare the index of the clip table with its strings; return what is wrong."""
        n_clips = self.n_clips(dataset)
        with self._naming_damage(dataset):
            return list(index_problems(self._dataset(dataset), self.path / dataset, n_clips))

    def column(self, dataset: str, name: str) -> NDArray[np.str_]:
        """Return a column of the manifest, shape (n_clips,), in the order of the store.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        StoreError
            If it has no such column, or the column is damaged.
        """
        return np.array(self.texts(dataset, name), np.str_)

    def table(
        self, dataset: str, models: Iterable[str] = (), names: Sequence[str] | None = None
    ) -> dict[str, list[str]]:
        """Return the clip table and check that rows are still those of the embeddings.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        models : Iterable[str]
            Models that will be read; damage in others does not matter.
        names : Sequence[str], optional
            Only these columns; by default all.

        Returns
        -------
        dict of str to list of str
            Columns of equal length, also while another process adds clips. Empty for a dataset
            without clips.

        Raises
        ------
        StoreError
            If a column is lost or damaged, or an embedding belongs to no clip.
        """
        n_clips = self.n_clips(dataset)
        wanted = list(names or dict.fromkeys((*schema.IDENTITY_COLUMNS, *self.columns(dataset))))
        wanted = wanted if n_clips else []
        texts = concurrently(lambda name: self.texts(dataset, name), wanted, self.path)
        table = {name: each[:n_clips] for name, each in zip(wanted, texts, strict=True)}
        self.check_marks(dataset, models, n_clips)
        return table

    def check_marks(self, dataset: str, models: Iterable[str], n_clips: int) -> None:
        """Check that no model has embeddings beyond the clips of the table.

        Raises
        ------
        StoreError
            If one has: the table lost clips.
        """
        for model in models:
            with self._array(dataset, model, schema.DONE) as done:
                beyond = values(done, slice(n_clips, None))
                if not beyond.any():
                    continue
                # Another process may have added clips, with embeddings, in between.
                n_now = self._live().n_clips(dataset)
                if beyond[max(n_now - n_clips, 0) :].any():
                    raise ValueError(f"it has embeddings beyond the {n_now} clips of the table")

    def lost_datasets(self) -> tuple[str, ...]:
        """Return the names of folders that look like datasets without their zarr.json."""
        return tuple(
            name
            for name in subfolders(self.path)
            if not (self.path / name / "zarr.json").is_file() and has_nodes(self.path / name)
        )

    def remains(self, dataset: str) -> tuple[str, ...]:
        """Return the sorted names of what looks like a dataset's models, damaged or not."""
        return () if name_problem(dataset) else model_folders(self.path / dataset)

    def fingerprint(self, dataset: str, model: str) -> dict[str, Any]:
        """Return what the model's embeddings depend on: weights, layer, pooling, precision ..."""
        fingerprint = self._model(dataset, model).attrs.get(schema.FINGERPRINT)
        if not isinstance(fingerprint, dict):
            raise StoreError(
                f"{self.path}: dataset {dataset!r}, model {model!r} has no fingerprint; expected "
                f"an attribute {schema.FINGERPRINT!r}. Build that model into a new store."
            )
        return dict(fingerprint)

    def dim(self, dataset: str, model: str) -> int:
        """Return the length of the model's embeddings."""
        with self._array(dataset, model, schema.EMBEDDING) as array:
            return int(array.shape[1])

    def n_rows(self, dataset: str, model: str) -> int:
        """Return for how many clips the model's arrays have room."""
        with (
            self._array(dataset, model, schema.EMBEDDING) as array,
            self._array(dataset, model, schema.DONE) as marks,
        ):
            return int(min(array.shape[0], marks.shape[0]))

    def stripe_rows(self, dataset: str, model: str) -> int:
        """Return how many rows of the model one process at a time fills; see `marks`."""
        with self._array(dataset, model, schema.DONE) as marks:
            return int(marks.chunks[0])

    def dtype(self, dataset: str, model: str) -> str:
        """Return the type of the numbers on disk."""
        with self._array(dataset, model, schema.EMBEDDING) as array:
            return str(array.dtype)

    def n_bytes(self, dataset: str, model: str) -> int:
        """Return the size of the model's files."""
        return tree_bytes(self.path / self._model(dataset, model).path)

    def done(self, dataset: str, model: str) -> NDArray[np.bool_]:
        """Return which clips have an embedding of the model, shape (n_clips,)."""
        n_clips = self.n_clips(dataset)
        with self._array(dataset, model, schema.DONE) as marks:
            stored = values(marks, slice(n_clips)).astype(bool)
        # A model that an append has not reached yet is shorter than the clip axis.
        return np.pad(stored, (0, n_clips - len(stored)))

    def embeddings(self, dataset: str, model: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some rows of the clip axis.

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
            If the stored numbers are damaged: a checksum fails, a chunk is missing.
        """
        if not len(rows):
            return np.empty((0, self.dim(dataset, model)), np.float32)
        found, damage = self.read(dataset, model, rows)
        # Rows without an embedding are NaN throughout.
        lost = [] if damage else rows[np.isnan(found[:, 0])].tolist()
        damage += [Damage(row, row + 1, LOST) for row in lost]
        if damage and self._live() is not self:  # other processes may have written meanwhile
            return self._live().embeddings(dataset, model, rows)
        if damage and not self.done(dataset, model)[rows].all():
            raise StaleStoreError(
                f"{self.path}: dataset {dataset!r}, model {model!r}: another process has removed "
                "embeddings while they were read. Wait until it has finished, and run it again."
            )
        if damage:
            shown = "; ".join(str(each) for each in damage[:3])
            more = f" and {len(damage) - 3:,} more" if len(damage) > 3 else ""
            store = {"store": str(self.path)}
            raise StoreError(
                f"{self.path}: dataset {dataset!r}, model {model!r}: damaged: {shown}{more}.",
                Remedy("List all damage", store, "verify_store"),
                Remedy(
                    "Mark it as missing, then build again",
                    {**store, "repair": True},
                    "verify_store",
                ),
            )
        return found

    def read(
        self, dataset: str, model: str, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], list[Damage]]:
        """Read some rows and list the damage; the numbers are only valid without any."""
        with self._array(dataset, model, schema.EMBEDDING) as array:
            return read_rows(array, self.path / array.path, rows)

    def _matching(
        self, dataset: str, index: IndexArray, texts: set[str]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.object_]]]:
        n_clips = self.n_clips(dataset)
        if n_clips and texts:
            with self._column(dataset, index.column) as column:
                yield from matching_rows(index, self._dataset(dataset), column, texts, n_clips)

    def _arrays(self, dataset: str) -> tuple[str, ...]:
        with self._naming_damage(dataset):
            return members(self.path / self._dataset(dataset).path, "array")
