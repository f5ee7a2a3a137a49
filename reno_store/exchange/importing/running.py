"""Embeddings from elsewhere -> store: first all are checked, then all are written.

Data walks: source -> keys -> clips (of the store, of a manifest, or of the source itself)
-> numbers, all read once before anything is written -> the clip axis -> rows. A third of the
module documents the arguments and the report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import read_manifest, warn_of_variants
from reno_store.corpora.names import name_problem
from reno_store.errors import (
    ForeignEmbeddingsError,
    Remedy,
    StaleStoreError,
    StoreError,
    UnknownNameError,
    listed,
)
from reno_store.exchange.importing.matching import (
    match_clips,
    reconciled,
    source_columns,
    stored_columns,
)
from reno_store.exchange.importing.sources import Source, open_source
from reno_store.extraction import clip_columns
from reno_store.runtime.places import Place, open_place
from reno_store.runtime.progress import Counter, counting, tell
from reno_store.store import (
    ModelWriter,
    StoragePrecision,
    StoreReader,
    StoreWriter,
    check_clips,
    check_model,
    check_names,
    fingerprint_as_stored,
    storage_of,
)

__all__ = ["ImportReport", "import_embeddings"]

_ROWS_AT_A_TIME = 4096


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    store : Path
        The store.
    dataset, model : str
        Names in it.
    n_clips : int
        Clips of the dataset.
    n_new, n_reused : int
        Embeddings stored now, and those of the source that the store already had.
    n_missing : int
        Clips of the dataset that still have no embedding of the model.
    n_unknown : int
        Embeddings left out because the dataset has no such clip.
    matched_by : str
        How embeddings were matched to clips.
    example : tuple[str, str]
        Name of an embedding in the source, and the id of its clip.
    """

    store: Place
    dataset: str
    model: str
    n_clips: int
    n_new: int
    n_reused: int
    n_missing: int
    n_unknown: int
    matched_by: str
    example: tuple[str, str]


def import_embeddings(
    source: str | Path,
    store: str | Path,
    *,
    dataset: str,
    model: str,
    provenance: str,
    manifest: str | Path | None = None,
    audio_folder: str | Path | None = None,
    ids: str | Path | None = None,
    array: str | None = None,
    allow_unknown: bool = False,
    storage: str = "float32",
    refresh: str | Sequence[str] = (),
    progress: bool | None = None,
) -> ImportReport:
    """Import embeddings computed elsewhere, as a separate model.

    Parameters
    ----------
    source : str or Path
        A folder with one .npy per clip, or a matrix: .npy, .npz, .parquet, .safetensors.
    store : str or Path
        The store's folder; created if it does not exist.
    dataset, model : str
        Names in the store.
    provenance : str
        Origin of the embeddings (model, version, layer, pooling), kept in the fingerprint,
        whose ``kind`` is ``"foreign"``. More can be imported later under the same name with
        the same provenance.
    manifest : str or Path, optional
        The clips: labels, speakers and, where the recordings are available, their hashes. Not
        needed where the store has the dataset, or the source contains labels.
    audio_folder : str or Path, optional
        The folder that the manifest's paths are relative to; by default that of the CSV.
    ids : str or Path, optional
        The clip of each row, for a matrix without ids: a .txt with one id per line, a .json
        list, a .json of id: row, a .csv with a column clip_id.
    array : str, optional
        Name of the matrix in a file that holds several.
    allow_unknown : bool
        Whether to leave out embeddings of clips that the dataset does not have.
    storage : str
        ``"float32"`` or ``"float16"``; see `build_store`.
    refresh : str or Sequence[str]
        ``"labels"`` accepts labels and speakers of the manifest or, without one, of the source,
        where the store has others or none.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    ImportReport

    Raises
    ------
    ForeignEmbeddingsError
        If the source cannot be read, an embedding is no vector of finite numbers or belongs
        to no clip, or the clips have no labels.
    StaleStoreError
        If the store holds other embeddings of the model, other labels, or another model of
        that name.
    UnknownNameError
        If `refresh` names anything but labels.
    StoreError, ManifestError
        If the store or the manifest cannot be read.
    """
    place = open_place(store, "store", StoreError)
    refreshed = {refresh} if isinstance(refresh, str) else set(refresh)
    if unknown := refreshed - {"labels"}:
        raise UnknownNameError.among("part to refresh by an import:", min(unknown), ["labels"])
    if not provenance.strip():
        raise ForeignEmbeddingsError(
            "provenance is empty; name the model, version, layer and pooling of the embeddings."
        )
    for kind, name in (("dataset", dataset), ("model", model)):
        if problem := name_problem(name):
            raise ForeignEmbeddingsError(f"{kind} name {name!r} cannot be used: {problem}.")
    table = None
    if manifest is not None:
        table = read_manifest(manifest, dataset=dataset, audio_folder=audio_folder)
        for warning in warn_of_variants(manifest, table.label_counts):
            tell(warning)
    found = open_source(Path(source), ids=None if ids is None else Path(ids), array=array)
    fingerprint = fingerprint_as_stored(_fingerprint(found, provenance.strip()), storage)
    stored = {} if table else stored_columns(place, dataset)
    columns = stored or (clip_columns(table, progress) if table else source_columns(found))
    matched, way = match_clips(found.keys, columns, allow_unknown=allow_unknown)
    columns = reconciled(found, matched, columns, accept=bool(stored and refreshed))
    is_as_stored = columns == stored
    job = _Import(found, matched, columns, dataset, model, storage_of(fingerprint))
    with (
        StoreWriter.open(place, notify=tell) as writer,
        counting(f"importing {model}", 2 * len(matched), unit="clips", show=progress) as counter,
    ):
        check_names(writer.reader, dataset, columns, [model])
        if not is_as_stored:
            check_clips(writer.reader, dataset, columns, refresh=refreshed)
        check_model(writer.reader, dataset, model, fingerprint)
        digest = job.check_numbers(writer.reader, counter)
        fingerprint["source"] = {"name": found.path.name, "sha256": digest}
        clips = (
            writer.as_stored(dataset, columns)
            if is_as_stored
            else writer.put_clips(dataset, columns, refresh=refreshed)
        )
        with clips.writing(model, fingerprint, found.dim) as target:
            if target.is_changed.any():
                raise StaleStoreError(
                    f"store {place}: recordings of dataset {dataset!r} were changed by another "
                    "process; nothing more was stored. Import again."
                )
            n_new = job.store(target, clips.rows, counter)
            n_done = int(np.count_nonzero(writer.reader.done(dataset, model)))
        n_clips = writer.reader.n_clips(dataset)
    first = next(iter(matched))
    return ImportReport(
        place,
        dataset,
        model,
        n_clips,
        n_new,
        len(matched) - n_new,
        n_clips - n_done,
        len(found.keys) - len(matched),
        way,
        (found.keys[first], matched[first]),
    )


@dataclass(frozen=True, slots=True)
class _Import:
    """Embeddings matched to their clips."""

    source: Source
    clip_of: Mapping[int, str]
    columns: Mapping[str, Sequence[str]]
    dataset: str
    model: str
    storage: StoragePrecision

    def check_numbers(self, reader: StoreReader, counter: Counter) -> str:
        """Check every number, also against the store; return a hash of all."""
        stored = _stored_rows(reader, self.dataset, self.model)
        digest = hashlib.sha256()
        for clip_ids, embeddings in self._pieces():
            is_good = (np.abs(embeddings) <= self.storage.largest).all(axis=1)
            if bad := [clip_ids[position] for position in np.flatnonzero(~is_good).tolist()]:
                raise ForeignEmbeddingsError(
                    f"{self.source.path}: {len(bad):,} embeddings hold NaN, infinity or numbers "
                    f"beyond {self.storage.largest:g}: {listed(bad)}. Nothing was stored; remove "
                    "them."
                )
            self._check_stored(reader, stored, clip_ids, embeddings)
            digest.update("\n".join(clip_ids).encode())
            digest.update(embeddings.tobytes())
            counter.advance(len(clip_ids))
        return digest.hexdigest()

    def _check_stored(
        self,
        reader: StoreReader,
        stored: Mapping[str, int],
        clip_ids: Sequence[str],
        embeddings: NDArray[np.float32],
    ) -> None:
        known = [position for position, clip_id in enumerate(clip_ids) if clip_id in stored]
        if not known:
            return
        rows = np.array([stored[clip_ids[position]] for position in known], np.int64)
        there = reader.embeddings(self.dataset, self.model, rows)
        same = (there == embeddings[known].astype(self.storage.dtype)).all(axis=1)
        differ = [clip_ids[position] for position in np.array(known)[~same].tolist()]
        if differ:
            raise StaleStoreError(
                f"store {reader.path}: {self.model!r} of dataset {self.dataset!r} has other "
                f"embeddings of {len(differ):,} clips ({listed(differ)}); nothing was changed. "
                "Use another model name.",
                Remedy(
                    "Or remove the old embeddings first",
                    {"store": str(reader.path), "dataset": self.dataset, "model": self.model},
                    "remove_from_store",
                ),
            )

    def store(self, target: ModelWriter, rows: NDArray[np.int64], counter: Counter) -> int:
        """Write the missing embeddings; return their number."""
        row_of = dict(zip(self.columns["clip_id"], rows.tolist(), strict=True))
        # Checked again: another process may have imported others under this name by now.
        if stored := _stored_rows(target.reader, self.dataset, self.model):
            for clip_ids, embeddings in self._pieces():
                self._check_stored(target.reader, stored, clip_ids, embeddings)
        n_new = 0
        for clip_ids, embeddings in self._pieces():
            wanted = np.array([row_of[clip_id] for clip_id in clip_ids], np.int64)
            is_missing = np.isin(wanted, target.missing(wanted))
            if is_missing.any():
                target.put(wanted[is_missing], embeddings[is_missing])
            n_new += int(is_missing.sum())
            counter.advance(len(clip_ids))
        return n_new

    def _pieces(self) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        positions = list(self.clip_of)
        for start in range(0, len(positions), _ROWS_AT_A_TIME):
            piece = positions[start : start + _ROWS_AT_A_TIME]
            yield [self.clip_of[position] for position in piece], self.source.read(piece)


def _fingerprint(source: Source, provenance: str) -> dict[str, Any]:
    return {
        "kind": "foreign",
        "provenance": provenance,
        "dim": source.dim,
        "precision": source.dtype,
    }


def _stored_rows(reader: StoreReader, dataset: str, model: str) -> dict[str, int]:
    """Return the rows of the clips that have an embedding of the model."""
    if dataset not in reader.datasets or model not in reader.models(dataset):
        return {}
    ids = reader.texts(dataset, "clip_id")
    return {ids[row]: row for row in np.flatnonzero(reader.done(dataset, model)).tolist()}
