"""Writing a store: one path, on which each step returns what the next one needs.

`StoreWriter.open` yields a writer, `StoreWriter.put_clips` returns the rows of a clip table,
and `StoredClips.writing` yields a `ModelWriter` while the model's lock is held. Each step
checks what it writes against what is stored, so no check can be forgotten; a build calls those
in `checks` itself only to fail before hours of work.

Every step is idempotent: what a killed build left unfinished is completed or overwritten by the
next one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
import zarr

from reno_store.corpora.names import name_problem
from reno_store.errors import StoreError, UnknownNameError
from reno_store.runtime.places import BucketPlace, Place, open_place
from reno_store.store import nodes, schema
from reno_store.store.checks import (
    check_clips,
    check_stored,
    embedded_rows,
)
from reno_store.store.clip_index import ARRAYS as INDEX
from reno_store.store.clip_table import Columns, compare_tables, put_table
from reno_store.store.folders import drop_dataset, drop_model, make_folder, sweep, unmake_if_empty
from reno_store.store.index_writer import IndexWriter
from reno_store.store.locking import Locks, Notify
from reno_store.store.marks import fitting_stripe
from reno_store.store.model_writer import ModelWriter
from reno_store.store.reader import StoreReader
from reno_store.store.stored_clips import StoredClips

__all__ = ["StoreWriter"]


class StoreWriter:
    """A store, open for writing; made by `StoreWriter.open`.

    Several processes may write one store: each clip table and each model has its own lock.

    Parameters
    ----------
    path : Place
        The store's folder.
    locks : Locks
        Its locks.

    Attributes
    ----------
    reader : StoreReader
        The same store, for reading.
    root : zarr.Group
        Its root group, for writing.
    """

    def __init__(self, path: Place, locks: Locks) -> None:
        self.path = path
        self.reader = StoreReader(path)
        self.root = schema.open_root(path, writable=True)
        self.locks = locks

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, path: str | Path | BucketPlace, *, notify: Notify | None = None
    ) -> Iterator[StoreWriter]:
        """Open a store for writing; create it if there is none.

        Parameters
        ----------
        path : str, Path or BucketPlace
            The store's folder, or its URL in a bucket.
        notify : Notify, optional
            Called with a message when another process is writing the same part and this one
            waits. Without it, such a conflict raises an error.

        Raises
        ------
        StoreError
            If the path is a file, a folder with other contents, or cannot be written.
        StoreBusyError
            If another process is writing the same part and `notify` is not given.
        """
        place = open_place(path, "store", StoreError)
        try:
            is_new_folder = make_folder(place)
            locks = Locks(place, notify)
            locks.check_server()
            place = locks.guard(place)
            with locks.making():
                is_new = not (place / "zarr.json").is_file()
                sweep(place, below=is_new)
                if is_new:
                    schema.create_root(place)
                writer = cls(place, locks)
            writer.drop_consolidated("", locks.making())
            try:
                yield writer
            finally:
                # Somebody may have consolidated the store in between.
                writer.drop_consolidated("", locks.making())
                if is_new:
                    with locks.making():
                        unmake_if_empty(place, folder=is_new_folder)
        except OSError as error:
            raise StoreError(
                f"store {place} cannot be written: {error.strerror or error}. What was written "
                "until then is kept; free space, change its permissions, or build elsewhere."
            ) from error

    def put_clips(
        self,
        dataset: str,
        columns: Columns,
        *,
        refresh: Collection[str] = (),
        part: bool = False,
    ) -> StoredClips:
        """Check a clip table and update the stored one; new clips are appended.

        Where recordings changed and `refresh` allows it, their embeddings, of every model, are
        marked as missing. With `part`, clips that the table lacks stay as they are: adding a
        thousand clips to ten million then reads only the hashes of the ten million. Parameters
        and errors are those of `checks.check_clips`.
        """
        with self.locks.table(dataset):
            return self._put(dataset, columns, refresh, part=part)

    def fill_clips(
        self, dataset: str, combine: Callable[[dict[str, list[str]]], Columns]
    ) -> StoredClips:
        """Update the stored clip table by a function, while no other process can change it.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        combine : callable
            Takes the stored table, empty where there is none, and returns the new one with all
            its clips; or raises, and nothing is changed.
        """
        with self.locks.table(dataset):
            reader = self.reader
            stored = reader.table(dataset) if dataset in reader.datasets else {}
            return self._put(dataset, combine(stored), {"labels"})

    def rebuild_index(self, dataset: str) -> None:
        """Write the index of a clip table again, from its strings."""
        with self.locks.table(dataset):
            group = schema.child_group(self.root, dataset)
            n_clips = self.reader.n_clips(dataset)
            where = f"store {self.path}: dataset {dataset!r}"
            with schema.naming_damage(where), nodes.own_codecs():
                IndexWriter(group, 0).complete(self.path / dataset, n_clips, np.zeros(0, np.int64))

    def as_stored(self, dataset: str, columns: Columns) -> StoredClips:
        """Return the rows of a clip table that was read from the store, without writing."""
        return StoredClips(self, dataset, columns, np.arange(len(columns["clip_id"])))

    @contextlib.contextmanager
    def model(self, dataset: str, model: str) -> Iterator[ModelWriter]:
        """Hold the lock on a model and yield its rows; see `StoredClips.writing` to add any."""
        # Before the lock, since a table's lock always comes before those of its models.
        self.drop_consolidated(dataset, self.locks.table(dataset))
        with self.locks.model(dataset, model):
            self.clean(dataset, model)
            rows = self.model_rows(dataset, model)
            try:
                yield rows
            finally:
                # Another process that added clips could not extend these arrays.
                rows.stretch()
                rows.close()

    def remove_model(self, dataset: str, model: str) -> None:
        """Remove a model's embeddings, damaged or not.

        Raises
        ------
        UnknownNameError
            If there is no such dataset or model.
        """
        if model not in self.reader.remains(dataset):
            self.reader.dim(dataset, model)  # raises, and lists the names
        self.drop_consolidated(dataset, self.locks.table(dataset))
        with self.locks.model(dataset, model):
            drop_model(self.root, self.path, dataset, model)

    def remove_dataset(self, dataset: str) -> None:
        """Remove a dataset, damaged or not.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        """
        if name_problem(dataset) or not (self.path / dataset).is_dir():
            self.reader.n_clips(dataset)  # raises, and lists the names
        held: set[str] = set()
        with self.locks.table(dataset), contextlib.ExitStack() as locks:
            while True:
                with self.locks.new_models(dataset):
                    others = sorted({*self.reader.remains(dataset)} - held)
                    if not others:
                        drop_dataset(self.root, self.path, dataset)
                        return
                for model in others:
                    locks.enter_context(self.locks.model(dataset, model))
                held.update(others)

    def _put(
        self, dataset: str, columns: Columns, refresh: Collection[str], *, part: bool = False
    ) -> StoredClips:
        reader = self.reader.settled()
        readable = check_stored(reader, dataset)
        changes = compare_tables(reader, dataset, columns)
        with contextlib.ExitStack() as locks:
            # Another process may be about to store embeddings of a recording that changed.
            changed = changes.recordings
            held = reader.models(dataset) if len(changed) else ()
            for model in held:
                locks.enter_context(self.locks.model(dataset, model))
            if held:  # after a wait
                reader = self.reader.settled()
            check_clips(reader, dataset, columns, refresh=refresh, part=part, changes=changes)
            nodes.drop_consolidated(self.path / dataset)
            group = self._group(dataset)
            sweep(self.path / dataset, below=False)
            stored = reader.columns(dataset) if dataset in reader.datasets else ()
            for array in (*stored, *(index.name for index in INDEX)):
                sweep(self.path / dataset / array)
            forgotten = changed[embedded_rows(reader, dataset)[changed]] if held else changed
            for model in held if len(forgotten) else ():
                self.model_rows(dataset, model).forget(forgotten)
            with schema.naming_damage(f"store {self.path}: dataset {dataset!r}"):
                put_table(group, self.path / dataset, stored, changes, columns)
            # A damaged model stays short, which counts as missing, until it is repaired.
            for model in readable:
                try:
                    if reader.n_rows(dataset, model) >= changes.n_clips_after:
                        continue
                except (UnknownNameError, StoreError):  # another process has removed it
                    continue
                if model in held:
                    self.model_rows(dataset, model).stretch()
                    continue
                with self.locks.model_if_free(dataset, model) as is_free:
                    if is_free:
                        self.model_rows(dataset, model).stretch()
        rows = changes.rows
        return StoredClips(self, dataset, columns, rows)

    def _group(self, dataset: str) -> zarr.Group:
        """Return the group of a dataset; create it if there is none."""
        if not (self.path / dataset / "zarr.json").is_file():
            with self.locks.making():
                # The process that created the store may have removed it, still empty.
                if not (self.path / "zarr.json").is_file():
                    schema.create_root(self.path)
                return self.root.require_group(dataset)
        return schema.child_group(self.root, dataset)

    def stripe_rows(self, dataset: str, models: Collection[str], *, anew: bool = False) -> int:
        """Return how many rows a stripe has that fits all of some models once they are prepared.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        models : Collection[str]
            Names of models, stored or new.
        anew : bool
            Whether stored ones may be replaced.
        """
        n_clips = self.reader.n_clips(dataset)
        fitting = fitting_stripe(n_clips, schema.EMBEDDING_CHUNK_ROWS)
        stored = set(models) & set(self.reader.models(dataset))
        rows = [fitting] if anew or stored != set(models) else []
        rows += [self.model_rows(dataset, model).stripe_rows_then(n_clips) for model in stored]
        return max(rows)

    def hashing(self, dataset: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock for hashing a dataset's recordings, so that one process does it."""
        return self.locks.hashing(dataset)

    def clean(self, dataset: str, model: str) -> None:
        """Remove from a model what killed or other writers left; nobody else may write it."""
        sweep(self.path / dataset / model)
        nodes.drop_consolidated(self.path / dataset / model)

    def model_rows(self, dataset: str, model: str) -> ModelWriter:
        """Return the rows of a model, open for writing; the caller holds its lock."""
        return ModelWriter(self.reader, self.root, dataset, model)

    def drop_consolidated(
        self, dataset: str, lock: contextlib.AbstractContextManager[None]
    ) -> None:
        """Remove consolidated metadata that somebody wrote into a group.

        This package never reads it; other programs would trust it after it is out of date.
        """
        if nodes.has_consolidated(self.path / dataset):
            with lock:
                nodes.drop_consolidated(self.path / dataset)
