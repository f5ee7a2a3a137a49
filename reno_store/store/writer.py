"""Writing a store, so that a process killed at any moment leaves only whole rows.

Everything is idempotent: what a killed build left half made (a group without its arrays,
a column longer than ``n_clips``) is completed or written over by the next one. A chunk is
replaced by renaming a finished file over it, which is zarr's own way on a local folder.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.names import name_problem
from reno_store.errors import StaleStoreError, StoreError
from reno_store.runtime.locations import local_path
from reno_store.store import nodes, schema
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.folders import make_folder, sweep, unmake_if_empty
from reno_store.store.known import known_embeddings
from reno_store.store.locking import Locks, Tell
from reno_store.store.model_rows import (
    discard_chunks,
    put_rows,
)
from reno_store.store.precision import storage_of
from reno_store.store.raw_chunks import Damage
from reno_store.store.removal import drop_dataset, drop_model
from reno_store.store.table_writer import ClipTableWriter

__all__ = ["StoreWriter"]


class StoreWriter(ClipTableWriter):
    """A store open for writing; made by `StoreWriter.open`, which holds the lock.

    The order of a build: `check_names`, `check_clips` and `check_model` while nothing is
    touched, then `put_clips`; then, inside `working_on` each model, `add_model` and
    `put_embeddings` for each batch. Several processes may do so at once.
    """

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str | Path, *, tell: Tell | None = None) -> Iterator[StoreWriter]:
        """Open a store for writing, making it where there is none.

        Parameters
        ----------
        path : str or Path
            The store's folder.
        tell : Tell, optional
            Told, in words, for whom is waited where another process writes the same part.
            Without it nothing is waited for.

        Raises
        ------
        StoreError
            If the path is a URL, a file, a folder with other things in it, or cannot be written.
        StoreBusyError
            If another process is writing the same part of it and `tell` is not given.
        """
        path = local_path(path, "store", StoreError)
        try:
            is_made = make_folder(path)
            locks = Locks(path, tell)
            with locks.making():
                is_new = not (path / "zarr.json").exists()
                if is_new:
                    sweep(path)
                    schema.create_root(path)
            writer = cls(path, locks)
            writer.drop_root_copy()
            try:
                yield writer
            finally:
                # Somebody may have consolidated what was just being written.
                writer.drop_root_copy()
                if is_new:
                    with locks.making():
                        unmake_if_empty(path, folder=is_made)
        except OSError as error:
            raise StoreError(
                f"store {path} cannot be written: {error.strerror or error}. What was written "
                "until then is kept; make room, change its permissions, or build elsewhere."
            ) from error

    @contextlib.contextmanager
    def working_on(self, dataset: str, model: str) -> Iterator[None]:
        """Hold the right to write a model's embeddings; others wait, or are refused."""
        self._drop_copy(dataset)
        with self._locks.model(dataset, model):
            sweep(self.path / dataset / model)
            nodes.drop_consolidated(self.path / dataset / model)
            try:
                yield
            finally:
                # Clips that were added meanwhile could not be made room for by who added them.
                self._stretch(dataset, model)

    def mend_marks(self, dataset: str, model: str) -> None:
        """Where it cannot be read which rows are whole, mark all of them as missing."""
        try:
            self.reader.done(dataset, model)
        except StoreError:
            marks = schema.child_array(self._model(dataset, model), schema.DONE)
            shutil.rmtree(self.path / marks.path / "c", ignore_errors=True)

    def discard(self, dataset: str, model: str, damage: Sequence[Damage]) -> None:
        """Mark rows that cannot be read as missing, and take their chunks away.

        For whoever holds the model's lock. Whole rows that share a chunk with damaged ones
        go with them: what cannot be read cannot be told apart.
        """
        discard_chunks(self._model(dataset, model), self.path, damage)

    def add_model(
        self,
        dataset: str,
        model: str,
        fingerprint: Mapping[str, Any],
        dim: int,
        *,
        refresh: Collection[str] = (),
    ) -> None:
        """Make room for a model's embeddings, or find that there is room for this very model.

        With ``"model"`` in `refresh`, the embeddings of a model that has changed are dropped.

        Raises
        ------
        StaleStoreError
            As `check_model`: the model may have changed since it was checked.
        StoreError
            If the model's embeddings are there without word of which are whole.
        """
        if model in self.reader.models(dataset):
            if "model" not in refresh:
                self.check_model(dataset, model, fingerprint)
            stored = self.reader.fingerprint(dataset, model)
            if not fingerprint_differences(stored, fingerprint):
                self._check_dim(dataset, model, dim)
                self._stretch(dataset, model)
                return
            drop_model(self._root, self.path, dataset, model)
        n_clips = self.reader.n_clips(dataset)
        parent = schema.child_group(self._root, dataset)
        where = f"store {self.path}: dataset {dataset!r}, model {model!r}"
        with schema.naming_damage(where):
            with nodes.own_codecs():
                half_there = model in parent and schema.EMBEDDING in schema.child_group(
                    parent, model
                )
            if half_there:
                half_made = schema.child_array(parent, f"{model}/{schema.EMBEDDING}")
                dropped = schema.child_group(parent, model).attrs.get(schema.DROPPED)
                if half_made.nchunks_initialized and not dropped:
                    raise ValueError(f"its array {schema.DONE!r} is lost")
        # What a killed build left half made holds nothing yet, so it is made anew.
        group = parent.create_group(
            model, attributes={schema.FINGERPRINT: dict(fingerprint)}, overwrite=True
        )
        schema.create_embedding(group, n_clips, dim, storage_of(fingerprint))
        schema.create_done(group, n_clips)

    def copy_known(self, dataset: str, model: str, rows: NDArray[np.int64]) -> int:
        """Copy embeddings that this very model has made of the same recordings already.

        Of clips of this dataset or of another, under whatever name the model stands there.

        Returns
        -------
        int
            How many were copied.
        """
        hashes = self.reader.texts(dataset, schema.SHA256)
        rows_of: dict[str, list[int]] = {}
        for row in self.missing(dataset, model, rows).tolist():
            rows_of.setdefault(hashes[row], []).append(row)
        rows_of.pop("", None)
        n_copied = 0
        fingerprint = self.reader.fingerprint(dataset, model)
        for found in known_embeddings(self.reader, fingerprint, rows_of):
            pairs = [(row, each) for sha256, each in found.items() for row in rows_of[sha256]]
            if pairs:
                known = np.array([row for row, _ in pairs], np.int64)
                self.put_embeddings(dataset, model, known, np.stack([each for _, each in pairs]))
            n_copied += len(pairs)
        return n_copied

    def missing(self, dataset: str, model: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give those of the rows that have no embedding yet, in their order."""
        return rows[~self.reader.done(dataset, model)[rows]]

    def put_embeddings(
        self,
        dataset: str,
        model: str,
        rows: NDArray[np.int64],
        embeddings: NDArray[np.float32],
    ) -> None:
        """Store embeddings and, once they are written, mark their rows as done.

        Parameters
        ----------
        dataset, model : str
            Names; `add_model` came before.
        rows : numpy.ndarray of int64, shape (n,)
            Rows of the clip axis, each once.
        embeddings : numpy.ndarray of float32, shape (n, dim)
            Finite numbers.
        """
        if not np.isfinite(embeddings).all():
            raise ValueError("embeddings hold NaN or infinite numbers; expected finite ones")
        largest = storage_of(self.reader.fingerprint(dataset, model)).largest
        if np.abs(embeddings).max(initial=0) > largest:
            raise ValueError(f"embeddings hold numbers beyond {largest:g}; expected none")
        self._check_dim(dataset, model, embeddings.shape[1])
        with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
            put_rows(self._model(dataset, model), rows, embeddings)

    def remove_model(self, dataset: str, model: str) -> None:
        """Remove a model's embeddings, whatever is damaged in them.

        Raises
        ------
        UnknownNameError
            If there is no such dataset or model.
        """
        if model not in self.reader.remains(dataset):
            self.reader.dim(dataset, model)  # raises, with the names there are
        self._drop_copy(dataset)
        with self._locks.model(dataset, model):
            drop_model(self._root, self.path, dataset, model)

    def remove_dataset(self, dataset: str) -> None:
        """Remove a dataset, whatever is damaged in it.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        """
        if name_problem(dataset) or not (self.path / dataset).is_dir():
            self.reader.n_clips(dataset)  # raises, with the names there are
        with self._locks.table(dataset), contextlib.ExitStack() as locks:
            for model in self.reader.remains(dataset):
                locks.enter_context(self._locks.model(dataset, model))
            drop_dataset(self._root, self.path, dataset)

    def _check_dim(self, dataset: str, model: str, dim: int) -> None:
        stored = self.reader.dim(dataset, model)
        if stored != dim:
            raise StaleStoreError(
                f"store {self.path}: {model!r} of dataset {dataset!r} has embeddings of "
                f"{stored:,} numbers, these have {dim:,}. Give them another name."
            )
