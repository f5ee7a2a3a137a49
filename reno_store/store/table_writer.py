"""Writing the clip table: whoever changes it holds its lock, and those of models it concerns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.store import nodes, schema
from reno_store.store.checks import StoreChecks
from reno_store.store.clip_table import put_table
from reno_store.store.folders import sweep
from reno_store.store.locking import Locks
from reno_store.store.model_rows import forget_rows, stretch_rows
from reno_store.store.reader import StoreReader
from reno_store.store.staleness import changed_recordings

__all__ = ["ClipTableWriter"]


class ClipTableWriter(StoreChecks):
    """The half of a `StoreWriter` that knows clips.

    Parameters
    ----------
    path : Path
        The store's folder.
    locks : Locks
        Its locks.
    """

    def __init__(self, path: Path, locks: Locks) -> None:
        super().__init__(path, StoreReader(path))
        self._locks = locks
        self._root = schema.open_root(path, writable=True)

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
        with self._changing_table(dataset):
            return self._put_clips(dataset, columns, refresh)

    def fill_clips(
        self,
        dataset: str,
        combine: Callable[[dict[str, list[str]]], Mapping[str, Sequence[str]]],
    ) -> NDArray[np.int64]:
        """Bring the stored clip table up to one that is made of it; nobody changes it meanwhile.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        combine : callable
            Takes the stored table, empty where there is none, and gives the new one with all
            of its clips; or raises, and nothing is changed.

        Returns
        -------
        numpy.ndarray of int64, shape (n_clips of the table,)
            As `put_clips`.
        """
        with self._changing_table(dataset):
            is_there = dataset in self.reader.datasets()
            stored = self.reader.table(dataset) if is_there else {}
            # What `combine` changes of labels and speakers is meant.
            return self._put_clips(dataset, combine(stored), {"labels"})

    @contextlib.contextmanager
    def _changing_table(self, dataset: str) -> Iterator[None]:
        with self._locks.table(dataset):
            with self._locks.making():
                if not (self.path / "zarr.json").exists():  # unmade by who made it in vain
                    schema.create_root(self.path)
            yield

    def _put_clips(
        self, dataset: str, columns: Mapping[str, Sequence[str]], refresh: Collection[str]
    ) -> NDArray[np.int64]:
        with contextlib.ExitStack() as locks:
            # An extraction may be about to store what it made of a recording that changed.
            held = self.models_to_hold(dataset, columns)
            for model in held:
                locks.enter_context(self._locks.model(dataset, model))
            self.check_clips(dataset, columns, refresh=refresh)
            nodes.drop_consolidated(self.path / dataset)
            group = self._root.require_group(dataset)
            self._sweep_table(dataset)
            # A killed build may have left columns half made, of which no row counts.
            stored = self.reader.table(dataset)
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

    def drop_root_copy(self) -> None:
        """Take the consolidated metadata out that somebody wrote into the store's own group.

        This package never reads it; others would go on believing it after it is out of date.
        """
        if nodes.has_consolidated(self.path):
            with self._locks.making():
                nodes.drop_consolidated(self.path)

    def _drop_copy(self, dataset: str) -> None:
        """Do the same for a dataset; not while a model's lock is held."""
        if nodes.has_consolidated(self.path / dataset):
            with self._locks.table(dataset):
                nodes.drop_consolidated(self.path / dataset)

    def _sweep_table(self, dataset: str) -> None:
        sweep(self.path / dataset, below=False)
        for column in self.reader.columns(dataset):
            sweep(self.path / dataset / column)

    def _model(self, dataset: str, model: str) -> zarr.Group:
        return schema.child_group(self._root, f"{dataset}/{model}")

    def _stretch(self, dataset: str, model: str) -> None:
        if model in self.reader.models(dataset):
            n_clips = self.reader.n_clips(dataset)
            with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
                stretch_rows(self._model(dataset, model), n_clips)
