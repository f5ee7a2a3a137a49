"""Embeddings of recordings that a store keeps for later, found by hash and fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import AudioError, StoreError, listed
from reno_store.runtime.places import Place, open_place
from reno_store.runtime.progress import tell
from reno_store.samples.recordings import Keep, RecordingLike, hash_recording
from reno_store.store import (
    StoredClips,
    StoreReader,
    StoreWriter,
    check_names,
    fingerprint_differences,
)

__all__ = ["KeptEmbeddings"]

_SHA256 = "audio_sha256"


@dataclass(frozen=True, slots=True)
class KeptEmbeddings:
    """Recordings, and the dataset of a store that keeps their embeddings.

    Attributes
    ----------
    store : Path
        The store's folder; created if it does not exist.
    dataset : str
        Name of the dataset.
    recordings : Sequence[Path or (waveform, rate_hz)]
        The recordings.
    hashes : Sequence[str]
        Their hashes.
    """

    store: Place
    dataset: str
    recordings: Sequence[RecordingLike]
    hashes: Sequence[str]

    @classmethod
    def of(
        cls,
        store: str | Path,
        dataset: str,
        recordings: Sequence[RecordingLike],
        labels: Sequence[str],
    ) -> KeptEmbeddings:
        """Hash the recordings.

        Parameters
        ----------
        labels : Sequence[str]
            What errors call the recordings.

        Raises
        ------
        AudioError
            If some are missing or cannot be read; all are named.
        """
        hashes, problems = [], []
        for recording, label in zip(recordings, labels, strict=True):
            try:
                hashes.append(hash_recording(recording))
            except AudioError as error:
                problems.append(str(error) if str(error).startswith(label) else f"{label}: {error}")
        if problems:
            several = f"{len(problems):,} of {len(recordings):,} recordings cannot be read:\n  "
            raise AudioError(several * (len(problems) > 1) + "\n  ".join(problems))
        return cls(open_place(store, "store", StoreError), dataset, recordings, hashes)

    def block(
        self,
        model: str,
        fingerprint: Mapping[str, Any],
        dim: int,
        embed: Callable[[Sequence[RecordingLike], Keep | None], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Return a model's embeddings; compute and keep those that the store lacks.

        Parameters
        ----------
        model : str
            Its name in the store.
        fingerprint : Mapping[str, Any]
            What its embeddings depend on.
        dim : int
            Length of an embedding.
        embed : callable
            Embeds some of the recordings, and hands finished embeddings on to be kept.

        Returns
        -------
        numpy.ndarray of float32, shape (n_recordings, dim)

        Raises
        ------
        StaleStoreError
            If the dataset has a model of this name with another fingerprint.
        StoreError
            If the store cannot be written, or the dataset has labels and lacks a recording.
        """
        if (rows := self._rows(model, fingerprint)) is None:
            self._complete(model, fingerprint, dim, embed)
            rows = self._rows(model, fingerprint)
        if rows is None:
            raise StoreError(f"store {self.store}: it was changed meanwhile. Try again.")
        return StoreReader(self.store).embeddings(self.dataset, model, rows)

    def _rows(self, model: str, fingerprint: Mapping[str, Any]) -> NDArray[np.int64] | None:
        """Return the rows of the recordings' embeddings; None if any is missing."""
        if not (self.store / "zarr.json").is_file():
            return None
        reader = StoreReader(self.store)
        if self.dataset not in reader.datasets or model not in reader.models(self.dataset):
            return None
        if fingerprint_differences(reader.fingerprint(self.dataset, model), fingerprint):
            return None
        stored, done = reader.texts(self.dataset, _SHA256), reader.done(self.dataset, model)
        row_of = {stored[row]: row for row in np.flatnonzero(done).tolist() if row < len(stored)}
        if not row_of.keys() >= set(self.hashes):
            return None
        return np.array([row_of[sha256] for sha256 in self.hashes], np.int64)

    def _complete(
        self,
        model: str,
        fingerprint: Mapping[str, Any],
        dim: int,
        embed: Callable[[Sequence[RecordingLike], Keep | None], NDArray[np.float32]],
    ) -> None:
        with StoreWriter.open(self.store, notify=tell) as writer:
            check_names(writer.reader, self.dataset, (), [model])
            clips = self._table(writer)
            with clips.writing(model, fingerprint, dim) as target:
                row_of: dict[str, int] = {}
                for row, sha256 in zip(clips.rows.tolist(), clips.columns[_SHA256], strict=True):
                    row_of.setdefault(sha256, row)
                wanted = {row_of[sha256]: number for number, sha256 in enumerate(self.hashes)}
                target.copy_known(np.array(list(wanted), np.int64))
                missing = target.missing(np.array(list(wanted), np.int64))
                if len(missing):
                    some = [self.recordings[wanted[row]] for row in missing.tolist()]
                    embed(some, lambda places, found: target.put(missing[places], found))

    def _table(self, writer: StoreWriter) -> StoredClips:
        """Return the dataset's clip table, to which new recordings are added."""

        def combine(stored: dict[str, list[str]]) -> dict[str, list[str]]:
            names = ("clip_id", "path", "label", "speaker", _SHA256)
            table = {name: list(stored.get(name, ())) for name in dict.fromkeys((*names, *stored))}
            known = set(table[_SHA256])
            new = {
                sha256: recording
                for sha256, recording in zip(self.hashes, self.recordings, strict=True)
                if sha256 not in known
            }
            if new and any(table["label"]):
                shown = [str(each) for each in new.values() if isinstance(each, Place)]
                raise StoreError(
                    f"store {self.store}: dataset {self.dataset!r} has labels, and "
                    f"{len(new):,} of the recordings are not in it"
                    f"{f': {listed(shown)}' if shown else ''}. Name another dataset for "
                    "new recordings; embeddings of known ones are copied."
                )
            for sha256, recording in new.items():
                row = {"clip_id": sha256, _SHA256: sha256}
                if isinstance(recording, Place):
                    row["path"] = str(recording)
                for name, column in table.items():
                    column.append(row.get(name, ""))
            return table

        return writer.fill_clips(self.dataset, combine)
