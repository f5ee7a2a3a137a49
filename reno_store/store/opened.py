"""Finding the groups and arrays of a store, and naming them in errors.

Nothing is kept between two calls, so each sees what other processes have written. In a bucket that
takes a request per file of metadata; `OpenedStore.settled` reads each of them once.
"""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import zarr
from zarr.storage import StorePath

from reno_store.corpora.names import name_problem
from reno_store.errors import StoreError, UnknownNameError
from reno_store.runtime.places import BucketPlace, Place, concurrently, open_place
from reno_store.store import nodes, schema
from reno_store.store.members import members
from reno_store.store.text_column import TextColumn

__all__ = ["DONE_METADATA", "OpenedStore"]

DONE_METADATA = f"{schema.DONE}/zarr.json"

_OF_A_MODEL = ("", f"/{schema.DONE}", f"/{schema.EMBEDDING}")
_Self = TypeVar("_Self", bound="OpenedStore")


class OpenedStore:
    """A store whose groups and arrays can be opened for reading; see `StoreReader`."""

    def __init__(self, path: str | Path | BucketPlace) -> None:
        self.path: Place = open_place(path, "store", StoreError)
        self._root = schema.open_root(self.path, writable=False)
        self._settled_from: Any = None

    def settled(
        self: _Self, dataset: str = "", models: Iterable[str] = (), columns: Iterable[str] = ()
    ) -> _Self:
        """Return the same store for one task, during which metadata are read once.

        On a local disk, or of a store that is settled already, it is this object: reading a file
        again costs nothing.

        Parameters
        ----------
        dataset : str
            Whose metadata to read now, as many at a time as possible.
        models, columns : Iterable[str]
            Models and arrays of that dataset.
        """
        if not isinstance(self.path, BucketPlace) or self._settled_from is not None:
            return self
        settled = copy.copy(self)
        settled.path = self.path.keeping("zarr.json")
        settled._settled_from = self
        store = StorePath(nodes.zarr_store(settled.path, read_only=True))
        settled._root = zarr.Group(zarr.AsyncGroup(self._root.metadata, store))
        if dataset and name_problem(dataset) is None:
            # The count of clips comes first: what other processes append meanwhile is no damage.
            (settled.path / dataset / "zarr.json").is_file()
            names = [f"{model}{below}" for model in models for below in _OF_A_MODEL]
            keys = [f"{dataset}/{name}/zarr.json" for name in (*names, *columns)]
            deque(concurrently(lambda key: (settled.path / key).is_file(), keys, settled.path), 0)
        return settled

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, sorted."""
        with self._naming_damage():
            return members(self.path, "group")

    def models(self, dataset: str) -> tuple[str, ...]:
        """Return the sorted names of a dataset's models.

        A model whose arrays a killed build could not create is not one of them yet.
        """
        with self._naming_damage(dataset):
            folder = self.path / self._dataset(dataset).path
            names = members(folder, "group")
            is_model = concurrently(
                lambda name: (folder / name / DONE_METADATA).is_file(), names, folder
            )
            return tuple(name for name, is_one in zip(names, is_model, strict=True) if is_one)

    def has_model(self, dataset: str, model: str) -> bool:
        """Return whether there are this dataset and this model of it, without listing others."""
        with self._naming_damage(dataset, model):
            group = self._child(self._root, dataset)
            if group is not None:  # an empty group is false
                group = self._child(group, model)
            return group is not None and (self.path / group.path / DONE_METADATA).is_file()

    def n_clips(self, dataset: str) -> int:
        """Return how many clips the dataset has, with an embedding or without.

        Raises
        ------
        StoreError
            If the stored count exceeds the table: trusting it could allocate any amount of
            memory.
        """
        return self._count(self._dataset(dataset))

    def _live(self: _Self) -> _Self:
        """Return the store as it is now: itself, unless it is settled."""
        found: _Self | None = self._settled_from
        return self if found is None else found

    @contextlib.contextmanager
    def _column(self, dataset: str, name: str) -> Iterator[TextColumn]:
        """Open a column and name it in errors about damage."""
        group = self._dataset(dataset)
        with schema.naming_damage(f"{self.path}: dataset {dataset!r}, column {name!r}"):
            yield TextColumn.open(group, name, self.path / dataset)

    def _count(self, group: zarr.Group) -> int:
        with self._naming_damage(group.path):
            n_clips = group.attrs.get(schema.N_CLIPS, 0)
            if not isinstance(n_clips, int) or isinstance(n_clips, bool) or n_clips < 0:
                raise ValueError(f"attribute {schema.N_CLIPS!r} is {n_clips!r}")
        if not n_clips:
            return 0
        with schema.naming_damage(f"{self.path}: dataset {group.path!r}, column 'clip_id'"):
            length = schema.child_array(group, "clip_id").shape[0]
        with self._naming_damage(group.path):
            if n_clips > length:
                raise ValueError(
                    f"attribute {schema.N_CLIPS!r} is {n_clips:,}, its clip_id has {length:,}"
                )
        return n_clips

    @contextlib.contextmanager
    def _array(self, dataset: str, model: str, name: str) -> Iterator[zarr.Array[Any]]:
        """Open one of a model's arrays and name it in errors about damage."""
        group = self._model(dataset, model)
        with self._naming_damage(dataset, model):
            try:
                array = schema.child_array(group, name)
            except KeyError:
                self._model(dataset, model)  # raises if another process has just removed it
                raise
            yield array

    def _naming_damage(
        self, dataset: str = "", model: str = ""
    ) -> contextlib.AbstractContextManager[None]:
        parts = {"dataset": dataset, "model": model}
        named = ", ".join(f"{kind} {name!r}" for kind, name in parts.items() if name)
        return schema.naming_damage(f"{self.path}: {named}" if named else str(self.path))

    def _dataset(self, name: str) -> zarr.Group:
        group = self._child(self._root, name)
        if group is None:
            raise UnknownNameError.among(f"dataset in store {self.path}:", name, self.datasets)
        return group

    def _model(self, dataset: str, name: str) -> zarr.Group:
        group = self._child(self._dataset(dataset), name)
        if group is None or not (self.path / group.path / DONE_METADATA).is_file():
            if name in self.models(dataset):
                # Another process may have created it in between.
                group = self._child(self._dataset(dataset), name)
                if group is not None:
                    return group
                where = f"{self.path}: dataset {dataset!r}, model {name!r}"
                raise StoreError(f"{where}: damaged: its zarr.json cannot be read. Remove it.")
            kind = f"model of dataset {dataset!r} in store {self.path}:"
            raise UnknownNameError.among(kind, name, self.models(dataset))
        return group

    def _child(self, group: zarr.Group, name: str) -> zarr.Group | None:
        """Return the group of a name below another, or None; no name leads elsewhere."""
        if name_problem(name) is not None:
            return None
        with schema.naming_damage(f"{self.path}: {'/'.join(filter(None, [group.path, name]))}"):
            try:
                child = nodes.child(group, name)
            except KeyError:
                return None
        return child if isinstance(child, zarr.Group) else None
