"""Writing a store, so that a process killed at any moment leaves only whole rows.

Everything is idempotent: what a killed build left half made (a group without its arrays,
a column longer than ``n_clips``) is completed or written over by the next one. A chunk is
replaced by renaming a finished file over it, which is zarr's own way on a local folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import StaleStoreError, StoreError
from reno_store.manifests import check_name
from reno_store.store import schema
from reno_store.store.clip_table import put_table
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.folders import make_folder, sweep
from reno_store.store.known import known_embeddings
from reno_store.store.locking import Locks, Tell
from reno_store.store.raw_chunks import Damage
from reno_store.store.reader import StoreReader
from reno_store.store.staleness import changed_recordings, clip_differences

__all__ = ["StoreWriter"]


class StoreWriter:
    """A store open for writing; made by `StoreWriter.open`, which holds the lock.

    The order of a build: `check_names`, `check_clips` and `check_model` while nothing is
    touched, then `put_clips`; then, inside `working_on` each model, `add_model` and
    `put_embeddings` for each batch. Several processes may do so at once.
    """

    def __init__(self, path: Path, locks: Locks) -> None:
        self.path = path
        self._locks = locks
        self._root = schema.open_root(path, writable=True)
        self.reader = StoreReader(path)

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
                        _unmake_if_empty(path)
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
        refresh: Collection[str] = (),
    ) -> None:
        """Compare a clip table with the stored one; nothing is written.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        columns : Mapping[str, Sequence[str]]
            Column name -> one string a clip; at least clip_id, label, speaker, audio_sha256.
        refresh : Collection[str]
            What may have changed: ``"labels"`` (speakers too), ``"audio"``.

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
        differences = clip_differences(stored, columns, self._embedded(dataset), refresh)
        if differences:
            listed = "\n  ".join(differences)
            raise StaleStoreError(
                f"store {self.path}: dataset {dataset!r} was built from something else; "
                f"nothing was changed:\n  {listed}\nTo take changed labels and speakers over, add "
                "--refresh labels (refresh='labels'); to embed changed recordings anew, --refresh "
                "audio. Otherwise put back what it was, or build under another name: --dataset "
                "NAME, which takes over the embeddings of recordings that are the same."
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
                f"model; nothing was changed:\n  {listed}\nName the new one otherwise: NAME=SPEC. "
                "Or drop all embeddings of the old one and compute them anew: --refresh model."
            )

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
            self.check_clips(dataset, columns, refresh=refresh)
            group = self._root.require_group(dataset)
            self._sweep_table(dataset)
            stored = self._stored_columns(dataset)
            if "audio" in refresh and stored:
                self._forget_changed(dataset, stored, columns)
            rows = put_table(group, stored, columns)
            for model in self.reader.models(dataset):
                with self._locks.model_if_free(dataset, model) as is_free:
                    if is_free:
                        self._stretch(dataset, model)
        return rows

    def forget(self, dataset: str, model: str, rows: NDArray[np.int64]) -> None:
        """Mark embeddings as missing, and put NaN in their place."""
        with schema.naming_damage(f"store {self.path}: dataset {dataset!r}, model {model!r}"):
            group = schema.child_group(self._root, f"{dataset}/{model}")
            done = schema.child_array(group, schema.DONE)
            rows = np.sort(rows[rows < done.shape[0]])
            if not len(rows):
                return
            # In this order: rows without their mark are written again, whatever they hold.
            done.oindex[rows] = False
            schema.child_array(group, schema.EMBEDDING).oindex[rows, :] = np.float32("nan")

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
            # Its marks first: what is cut off from here on is a model without embeddings.
            del schema.child_group(self._root, f"{dataset}/{model}")[schema.DONE]
            self._drop(dataset, model)
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

    def copy_known(self, dataset: str, model: str, rows: NDArray[np.int64]) -> int:
        """Copy embeddings that this very model has made of the same recordings already.

        Of clips of this dataset or of another, under whatever name the model stands there.

        Returns
        -------
        int
            How many were copied.
        """
        wanted = self.missing(dataset, model, rows)
        hashes = self.reader.texts(dataset, schema.SHA256)
        found = known_embeddings(
            self.reader,
            self.reader.fingerprint(dataset, model),
            {hashes[row] for row in wanted.tolist()} - {""},
        )
        known = np.array([row for row in wanted.tolist() if hashes[row] in found], np.int64)
        if len(known):
            embeddings = np.stack([found[hashes[row]] for row in known.tolist()])
            self.put_embeddings(dataset, model, known, embeddings)
        return len(known)

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

    def discard(self, dataset: str, model: str, damage: Sequence[Damage]) -> None:
        """Mark rows that cannot be read as missing, and take their chunks away.

        For whoever holds the model's lock. Whole rows that share a chunk with damaged ones
        go with them: what cannot be read cannot be told apart.
        """
        group = schema.child_group(self._root, f"{dataset}/{model}")
        done = schema.child_array(group, schema.DONE)
        embedding = schema.child_array(group, schema.EMBEDDING)
        for each in damage:
            rows = slice(each.start, min(each.stop, done.shape[0]))
            done[rows] = False
            chunk = each.start // embedding.chunks[0]
            key = embedding.metadata.encode_chunk_key((chunk, 0))
            (self.path / embedding.path / key).unlink(missing_ok=True)

    def _stretch(self, dataset: str, model: str) -> None:
        """Make a model's arrays as long as the clip axis."""
        if model not in self.reader.models(dataset):
            return
        n_clips = self.reader.n_clips(dataset)
        group = schema.child_group(self._root, f"{dataset}/{model}")
        for name in (schema.EMBEDDING, schema.DONE):
            array = schema.child_array(group, name)
            if array.shape[0] < n_clips:
                array.resize((n_clips, *array.shape[1:]))

    def _drop(self, dataset: str, model: str) -> None:
        del schema.child_group(self._root, dataset)[model]

    def _forget_changed(
        self,
        dataset: str,
        stored: Mapping[str, Sequence[str]],
        columns: Mapping[str, Sequence[str]],
    ) -> None:
        changed = set(changed_recordings(stored, columns, self._embedded(dataset)))
        rows = [row for row, clip_id in enumerate(stored["clip_id"]) if clip_id in changed]
        for model in self.reader.models(dataset) if rows else ():
            with self._locks.model(dataset, model):
                self.forget(dataset, model, np.array(rows, np.int64))

    def _sweep_table(self, dataset: str) -> None:
        sweep(self.path / dataset, below=False)
        for column in self.reader.columns(dataset):
            sweep(self.path / dataset / column)


def _unmake_if_empty(path: Path) -> None:
    """Where nothing came of it, leave no empty store behind."""
    if [item.name for item in path.iterdir()] == ["zarr.json"]:
        (path / "zarr.json").unlink()
        path.rmdir()
