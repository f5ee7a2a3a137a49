"""What a build compares with a store before it touches anything."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import check_name
from reno_store.errors import StaleStoreError, StoreError, command_line
from reno_store.store import schema
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.reader import StoreReader
from reno_store.store.staleness import changed_recordings, clip_differences

__all__ = ["StoreChecks"]

_LABELS_ADVICE = "To take changed labels and speakers over, add --refresh labels."
_ADVICE = {
    "vanished": "Clips are never taken out of a dataset: put their lines back into the manifest.",
    "labels": _LABELS_ADVICE,
    "speakers": _LABELS_ADVICE,
    "recordings": "To embed changed recordings anew, add --refresh audio to a build.",
}


class StoreChecks:
    """Refuses what does not fit a store; writes nothing.

    Parameters
    ----------
    path : Path
        The store's folder.
    reader : StoreReader
        Of that store.
    """

    def __init__(self, path: Path, reader: StoreReader) -> None:
        self.path = path
        self.reader = reader

    def check_names(self, dataset: str, columns: Iterable[str], models: Iterable[str]) -> None:
        """Check that names can be used and that no model is called what a column is.

        Both stand side by side in the dataset's group, so they share one space of names.

        Raises
        ------
        ValueError
            If the dataset's or a model's name cannot be used; see `check_name`.
        StoreError
            If a model and a column of the manifest or of the store have one name, or one of
            them has the name of an array that somebody else added.
        """
        check_name("dataset", dataset)
        taken, named = set(columns), {check_name("model", model) for model in models}
        if dataset in self.reader.datasets():
            foreign = set(self.reader.foreign_arrays(dataset))
            if clashes := sorted(foreign & (taken | named)):
                raise StoreError(
                    f"store {self.path}: dataset {dataset!r} has an array {clashes[0]!r} that is "
                    "not reno-store's, so nothing of that name can be stored. Rename the column "
                    "or the model, or move the array."
                )
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
        self.reader.check_clip_table(dataset, self.readable_models(dataset))
        if not self.reader.n_clips(dataset):
            return
        stored = {name: self.reader.texts(dataset, name) for name in schema.IDENTITY_COLUMNS}
        differences = clip_differences(stored, columns, self.embedded(dataset), refresh)
        if differences:
            listed = "\n  ".join(differences.values())
            advice = " ".join(dict.fromkeys(_ADVICE[kind] for kind in differences))
            raise StaleStoreError(
                f"store {self.path}: dataset {dataset!r} was built from something else; "
                f"nothing was changed:\n  {listed}\n{advice} Otherwise put back what it was, or "
                "build under another name: --dataset NAME, which takes over the embeddings of "
                "recordings that are the same."
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
                f"model; nothing was changed:\n  {listed}\nGive the new one another name "
                "(build: NAME=SPEC), or drop all embeddings of the old one: "
                f"`{command_line('remove', self.path, dataset, '--model', model)}`, "
                "or build with --refresh model, which computes them anew."
            )

    def changed_rows(
        self, dataset: str, columns: Mapping[str, Sequence[str]], rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell which clips of a table have another recording in the store by now.

        For whoever holds a model's lock: from here on no recording changes.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        columns : Mapping[str, Sequence[str]]
            The table that a build began with.
        rows : numpy.ndarray of int64, shape (n_clips of the table,)
            The rows that its clips had then.

        Returns
        -------
        numpy.ndarray of bool, shape (n_clips of the table,)

        Raises
        ------
        StaleStoreError
            If the rows have become other clips': the dataset was removed and made anew.
        """
        stored_ids = np.array(self.reader.texts(dataset, "clip_id"), object)
        if (rows >= len(stored_ids)).any() or (stored_ids[rows] != columns["clip_id"]).any():
            raise StaleStoreError(
                f"store {self.path}: dataset {dataset!r} was removed and made anew by another "
                "process meanwhile; nothing more was stored. Build again."
            )
        stored = np.array(self.reader.texts(dataset, schema.SHA256), object)[rows]
        now = np.array(columns[schema.SHA256], object)
        return np.asarray((now != "") & (stored != now), bool)

    def embedded(self, dataset: str) -> NDArray[np.bool_]:
        """Tell which clips have an embedding of any model, shape (n_clips,).

        All of them, where the marks of a model are damaged.
        """
        embedded = np.zeros(self.reader.n_clips(dataset), bool)
        for model in self.reader.models(dataset):
            try:
                embedded |= self.reader.done(dataset, model)
            except StoreError:
                embedded[:] = True
        return embedded

    def readable_models(self, dataset: str) -> tuple[str, ...]:
        """Name the models of a dataset whose arrays and marks are not damaged."""
        readable = []
        for model in self.reader.models(dataset):
            with contextlib.suppress(StoreError):
                self.reader.done(dataset, model)
                self.reader.dim(dataset, model)
                readable.append(model)
        return tuple(readable)

    def models_to_hold(self, dataset: str, columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Give all models of a dataset if any recording's hash is about to change, else none.

        An extraction of any of them may have the old recording in flight.
        """
        if dataset not in self.reader.datasets() or not self.reader.n_clips(dataset):
            return ()
        names = ("clip_id", schema.SHA256)
        stored = {name: self.reader.texts(dataset, name) for name in names}
        known = np.array(stored[schema.SHA256], object) != ""
        changed = changed_recordings(stored, columns, known)
        return self.reader.models(dataset) if changed else ()
