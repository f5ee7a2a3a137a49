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
import zarr
from numpy.typing import NDArray

from reno_store.errors import StoreError
from reno_store.store import schema
from reno_store.store.checks import StoreChecks
from reno_store.store.clip_table import put_table
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.folders import make_folder, sweep, unmake_if_empty
from reno_store.store.known import known_embeddings
from reno_store.store.locking import Locks, Tell
from reno_store.store.model_rows import (
    discard_chunks,
    forget_rows,
    put_rows,
    stretch_rows,
)
from reno_store.store.precision import storage_of
from reno_store.store.raw_chunks import Damage
from reno_store.store.reader import StoreReader
from reno_store.store.staleness import changed_recordings

__all__ = ["StoreWriter"]


class StoreWriter(StoreChecks):
    """A store open for writing; made by `StoreWriter.open`, which holds the lock.

    The order of a build: `check_names`, `check_clips` and `check_model` while nothing is
    touched, then `put_clips`; then, inside `working_on` each model, `add_model` and
    `put_embeddings` for each batch. Several processes may do so at once.
    """

    def __init__(self, path: Path, locks: Locks) -> None:
        super().__init__(path, StoreReader(path))
        self._locks = locks
        self._root = schema.open_root(path, writable=True)

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
            If the path is a file, a folder with other things in it, or cannot be written.
        StoreBusyError
            If another process is writing the same part of it and `tell` is not given.
        """
        path = Path(path)
        try:
            make_folder(path)
            locks = Locks(path, tell)
            with locks.making():
                is_new = not (path / "zarr.json").exists()
                if is_new:
                    sweep(path)
                    schema.create_root(path)
            writer = cls(path, locks)
            try:
                yield writer
            finally:
                if is_new:
                    with locks.making():
                        unmake_if_empty(path)
        except OSError as error:
            raise StoreError(
                f"store {path} cannot be written: {error.strerror or error}. What was written "
                "until then is kept; make room, change its permissions, or build elsewhere."
            ) from error

    @contextlib.contextmanager
    def working_on(self, dataset: str, model: str) -> Iterator[None]:
        """Hold the right to write a model's embeddings; others wait, or are refused."""
        with self._locks.model(dataset, model):
            sweep(self.path / dataset / model)
            try:
                yield
            finally:
                # Clips that were added meanwhile could not be made room for by who added them.
                self._stretch(dataset, model)

    def put_clips(
        self,
        dataset: str,
        columns: Mapping[str, Sequence[str]],
        *,
        refresh: Collection[str] = (),
    ) -> NDArray[np.int64]:
        """Check a clip table once more and bring the stored one up to it; new clips at the end.

        Where recordings changed and `refresh` allows it, their embeddings, of every model,
        are marked as missing.

        Returns
        -------
        numpy.ndarray of int64, shape (n_clips of the table,)
            The row of the store's clip axis for each clip of the table.

        Raises
        ------
        StoreError, StaleStoreError
            As `check_clips`: another process may have changed the table since.
        """
        with self._locks.table(dataset):
            with self._locks.making():
                if not (self.path / "zarr.json").exists():  # unmade by who made it in vain
                    schema.create_root(self.path)
            with contextlib.ExitStack() as locks:
                # An extraction may be about to store what it made of a recording that changed.
                held = self.models_to_hold(dataset, columns)
                for model in held:
                    locks.enter_context(self._locks.model(dataset, model))
                self.check_clips(dataset, columns, refresh=refresh)
                group = self._root.require_group(dataset)
                self._sweep_table(dataset)
                stored = self._stored_columns(dataset)
                if held:
                    self._forget_changed(dataset, stored, columns)
                rows = put_table(group, stored, columns)
                # A damaged one stays short, which counts as missing, until it is mended.
                for model in self.readable_models(dataset):
                    if model in held:
                        self._stretch(dataset, model)
                        continue
                    with self._locks.model_if_free(dataset, model) as is_free:
                        if is_free:
                            self._stretch(dataset, model)
        return rows

    def forget(self, dataset: str, model: str, rows: NDArray[np.int64]) -> None:
        """Mark embeddings as missing, and put NaN in their place."""
        with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
            forget_rows(self._model(dataset, model), rows)

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
                self._stretch(dataset, model)
                return
            self._drop(dataset, model)
        n_clips = self.reader.n_clips(dataset)
        parent = schema.child_group(self._root, dataset)
        where = f"store {self.path}: dataset {dataset!r}, model {model!r}"
        with schema.naming_damage(where):
            if model in parent and schema.EMBEDDING in schema.child_group(parent, model):
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
        with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
            put_rows(self._model(dataset, model), rows, embeddings)

    def _stored_columns(self, dataset: str) -> dict[str, list[str]]:
        if not self.reader.n_clips(dataset):
            return {}  # a killed build may have left columns half made
        return {name: self.reader.texts(dataset, name) for name in self.reader.columns(dataset)}

    def remove_model(self, dataset: str, model: str) -> None:
        """Remove a model's embeddings.

        Raises
        ------
        UnknownNameError
            If there is no such dataset or model.
        """
        if model not in schema.child_group(self._root, dataset):
            self.reader.dim(dataset, model)  # raises, with the names there are
        with self._locks.model(dataset, model), schema.naming_damage(str(self.path)):
            self._drop(dataset, model)

    def remove_dataset(self, dataset: str) -> None:
        """Remove a dataset, whatever is damaged in it.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        """
        with self._locks.table(dataset), contextlib.ExitStack() as locks:
            models = self.reader.models(dataset)
            for model in models:
                locks.enter_context(self._locks.model(dataset, model))
            for model in models:
                with contextlib.suppress(StoreError), schema.naming_damage(model):
                    self._drop(dataset, model)
            # No row counts from here on; its own zarr.json goes last, so that what is cut off
            # is a dataset without models, or an empty one.
            schema.child_group(self._root, dataset).attrs[schema.N_CLIPS] = 0
            for item in sorted((self.path / dataset).iterdir()):
                if item.is_dir():
                    shutil.rmtree(item)
            del self._root[dataset]

    def _model(self, dataset: str, model: str) -> zarr.Group:
        return schema.child_group(self._root, f"{dataset}/{model}")

    def _stretch(self, dataset: str, model: str) -> None:
        if model in self.reader.models(dataset):
            n_clips = self.reader.n_clips(dataset)
            with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
                stretch_rows(self._model(dataset, model), n_clips)

    def _drop(self, dataset: str, model: str) -> None:
        # A word that this is meant, then its marks: what is cut off from here on is no model,
        # and may be made anew.
        group = self._model(dataset, model)
        group.attrs[schema.DROPPED] = True
        if schema.DONE in group:
            del group[schema.DONE]
        del schema.child_group(self._root, dataset)[model]

    def _forget_changed(
        self,
        dataset: str,
        stored: Mapping[str, Sequence[str]],
        columns: Mapping[str, Sequence[str]],
    ) -> None:
        changed = set(changed_recordings(stored, columns, self.embedded(dataset)))
        rows = [row for row, clip_id in enumerate(stored["clip_id"]) if clip_id in changed]
        for model in self.reader.models(dataset) if rows else ():
            self.forget(dataset, model, np.array(rows, np.int64))

    def _sweep_table(self, dataset: str) -> None:
        sweep(self.path / dataset, below=False)
        for column in self.reader.columns(dataset):
            sweep(self.path / dataset / column)
