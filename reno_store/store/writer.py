"""Writing a store, so that a process killed at any moment leaves only whole rows.

Everything is idempotent: what a killed build left half made (a group without its arrays,
a column longer than ``n_clips``) is completed or written over by the next one. A chunk is
replaced by renaming a finished file over it, which is zarr's own way on a local folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.errors import StaleStoreError, StoreError
from reno_store.manifests import check_name
from reno_store.store import schema
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.folders import make_folder, sweep
from reno_store.store.locking import writing_to
from reno_store.store.reader import StoreReader
from reno_store.store.staleness import clip_differences

__all__ = ["StoreWriter"]


class StoreWriter:
    """A store open for writing; made by `StoreWriter.open`, which holds the lock.

    The order of a build: `check_names`, `check_clips` and `check_model` while nothing is
    touched, then `put_clips`, `add_model`, and `put_embeddings` for each batch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = schema.open_root(path, writable=True)
        self.reader = StoreReader(path)

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str | Path) -> Iterator[StoreWriter]:
        """Open a store for writing, making it where there is none.

        Raises
        ------
        StoreError
            If the path is a file, a folder with other things in it, or cannot be written.
        StoreBusyError
            If another process is writing.
        """
        path = Path(path)
        try:
            make_folder(path)
            with writing_to(path):
                is_new = not (path / "zarr.json").exists()
                if is_new:
                    schema.create_root(path)
                writer = cls(path)
                sweep(path)
                try:
                    yield writer
                finally:
                    # Where nothing came of it, leave no empty store behind.
                    if is_new and [item.name for item in path.iterdir()] == ["zarr.json"]:
                        (path / "zarr.json").unlink()
                        path.rmdir()
        except OSError as error:
            raise StoreError(
                f"store {path} cannot be written: {error.strerror or error}. What was written "
                "until then is kept; make room, change its permissions, or build elsewhere."
            ) from error

    def check_names(self, dataset: str, columns: Iterable[str], models: Iterable[str]) -> None:
        """Check that names can be used and that no model is called what a column is.

        Both stand side by side in the dataset's group, so they share one space of names.

        Raises
        ------
        ValueError
            If the dataset's or a model's name cannot be used; see `check_name`.
        StoreError
            If a model and a column of the manifest or of the store have one name.
        """
        check_name("dataset", dataset)
        taken, named = set(columns), {check_name("model", model) for model in models}
        if dataset in self.reader.datasets():
            taken.update(self.reader.columns(dataset))
            named.update(self.reader.models(dataset))
        if clashes := sorted(taken & named):
            raise StoreError(
                f"store {self.path}: dataset {dataset!r} cannot have both a column and a model "
                f"called {clashes[0]!r}. Name the model otherwise: NAME=SPEC, or rename the "
                "manifest's column."
            )

    def check_clips(
        self,
        dataset: str,
        columns: Mapping[str, Sequence[str]],
        *,
        refresh_labels: bool = False,
    ) -> None:
        """Compare a clip table with the stored one; nothing is written.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        columns : Mapping[str, Sequence[str]]
            Column name -> one string a clip; at least clip_id, label, speaker, audio_sha256.
        refresh_labels : bool
            Whether changed labels and speakers are welcome.

        Raises
        ------
        StoreError
            If the stored table is damaged.
        StaleStoreError
            If clips have vanished, or labels, speakers or embedded recordings changed.
        """
        if dataset not in self.reader.datasets():
            if any(path.is_file() for path in (self.path / dataset).rglob("*")):
                raise StoreError(
                    f"store {self.path}: damaged: folder {dataset!r} is there but its zarr.json "
                    "is lost. Restore it from a copy, or name the dataset otherwise."
                )
            return
        self.reader.check_clip_table(dataset)
        if not self.reader.n_clips(dataset):
            return
        stored = {name: self.reader.texts(dataset, name) for name in schema.IDENTITY_COLUMNS}
        differences = clip_differences(stored, columns, self._embedded(dataset), refresh_labels)
        if differences:
            listed = "\n  ".join(differences)
            raise StaleStoreError(
                f"store {self.path}: dataset {dataset!r} was built from something else; "
                f"nothing was changed:\n  {listed}\nTo take changed labels and speakers over, add "
                "--refresh labels (refresh='labels'). Otherwise put back what it was, or build "
                "under another name: --dataset NAME."
            )

    def check_model(self, dataset: str, model: str, fingerprint: Mapping[str, Any]) -> None:
        """Compare a model with the stored one of that name; nothing is written.

        Raises
        ------
        StaleStoreError
            If the fingerprints differ; each part that does is named.
        """
        if dataset not in self.reader.datasets():
            return
        if model not in self.reader.models(dataset):
            return
        stored = self.reader.fingerprint(dataset, model)
        differences = fingerprint_differences(stored, fingerprint)
        if differences:
            listed = "\n  ".join(differences)
            raise StaleStoreError(
                f"store {self.path}: {model!r} of dataset {dataset!r} was computed by a different "
                f"model; nothing was changed:\n  {listed}\nName the new one otherwise: NAME=SPEC."
            )

    def put_clips(self, dataset: str, columns: Mapping[str, Sequence[str]]) -> NDArray[np.int64]:
        """Bring the stored clip table up to a checked one; new clips go to the end.

        Returns
        -------
        numpy.ndarray of int64, shape (n_clips of the table,)
            The row of the store's clip axis for each clip of the table.
        """
        group = self._root.require_group(dataset)
        stored = self._stored_columns(dataset)
        row_of = {clip_id: row for row, clip_id in enumerate(stored.get("clip_id", ()))}
        for clip_id in columns["clip_id"]:
            row_of.setdefault(clip_id, len(row_of))
        rows = np.array([row_of[clip_id] for clip_id in columns["clip_id"]], np.int64)
        for name in sorted(set(columns) | set(stored)):
            values = np.full(len(row_of), "", object)
            if name in stored:
                values[: len(stored[name])] = stored[name]
            if name in columns:
                values[rows] = _kept_where_empty(name, columns[name], values[rows])
            self._put_column(group, name, values)
        for model in self.reader.models(dataset):
            self._stretch(schema.child_group(group, model), len(row_of))
        if group.attrs.get(schema.N_CLIPS) != len(row_of):
            group.attrs[schema.N_CLIPS] = len(row_of)
        return rows

    def add_model(self, dataset: str, model: str, fingerprint: Mapping[str, Any], dim: int) -> None:
        """Make room for a model's embeddings, or find that there is room for this very model.

        Raises
        ------
        StaleStoreError
            As `check_model`: the model may have changed since it was checked.
        StoreError
            If the model's embeddings are there without word of which are whole.
        """
        if model in self.reader.models(dataset):
            self.check_model(dataset, model, fingerprint)
            return
        n_clips = self.reader.n_clips(dataset)
        parent = schema.child_group(self._root, dataset)
        where = f"store {self.path}: dataset {dataset!r}, model {model!r}"
        with schema.naming_damage(where):
            if model in parent and schema.EMBEDDING in schema.child_group(parent, model):
                half_made = schema.child_array(parent, f"{model}/{schema.EMBEDDING}")
                if half_made.nchunks_initialized:
                    raise ValueError(f"its array {schema.DONE!r} is lost")
        # What a killed build left half made holds nothing yet, so it is made anew.
        group = parent.create_group(
            model, attributes={schema.FINGERPRINT: dict(fingerprint)}, overwrite=True
        )
        schema.create_embedding(group, n_clips, dim)
        schema.create_done(group, n_clips)

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
        order = np.argsort(rows)
        with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
            group = schema.child_group(self._root, f"{dataset}/{model}")
            schema.child_array(group, schema.EMBEDDING).oindex[rows[order], :] = embeddings[order]
            schema.child_array(group, schema.DONE).oindex[rows[order]] = True

    def _stored_columns(self, dataset: str) -> dict[str, list[str]]:
        if not self.reader.n_clips(dataset):
            return {}  # a killed build may have left columns half made
        return {name: self.reader.texts(dataset, name) for name in self.reader.columns(dataset)}

    def _embedded(self, dataset: str) -> NDArray[np.bool_]:
        embedded = np.zeros(self.reader.n_clips(dataset), bool)
        for model in self.reader.models(dataset):
            embedded |= self.reader.done(dataset, model)
        return embedded

    def _put_column(self, group: zarr.Group, name: str, values: NDArray[np.object_]) -> None:
        if name not in group:
            schema.create_text_column(group, name)
        # Chunks of empty strings are written like others, so that a lost one can be told.
        with zarr.config.set({"array.write_empty_chunks": True}):
            array = schema.child_array(group, name)
        resized = array.shape != values.shape
        if resized:
            array.resize(values.shape)
        # Untouched columns stay untouched on disk.
        if resized or np.asarray(array[:]).tolist() != values.tolist():
            array[:] = values

    def _stretch(self, group: zarr.Group, n_clips: int) -> None:
        for name in (schema.EMBEDDING, schema.DONE):
            array = schema.child_array(group, name)
            if array.shape[0] != n_clips:
                array.resize((n_clips, *array.shape[1:]))


def _kept_where_empty(
    name: str, now: Sequence[str], stored: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Keep a stored hash where today none could be taken."""
    values = np.array(now, object)
    return np.where(values == "", stored, values) if name == schema.SHA256 else values
