"""Manifest + models -> store: what is missing is computed, what is there is kept.

Data walks: manifest -> hashes of the recordings -> checks against the store, before
anything is computed -> the clip axis -> for each model, clip by clip: recording ->
waveform -> embedding -> rows of the store, a batch at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reno_store.audio import hash_file, is_silent, read_waveform
from reno_store.devices import resolve_device
from reno_store.errors import (
    AudioError,
    ManifestError,
    ModelError,
    RenoStoreError,
    UnknownNameError,
)
from reno_store.foundation_models import (
    FoundationModel,
    ModelSpec,
    load_model,
    parse_model_specs,
)
from reno_store.manifests import REQUIRED_COLUMNS, Clip, Manifest, read_manifest
from reno_store.progress import counting
from reno_store.reports import BuildReport, Failure, ModelReport
from reno_store.store import StoreWriter

__all__ = ["BuildReport", "Failure", "ModelReport", "build_store"]

_ROWS_PER_WRITE = 32
_HASHING_THREADS = 4


def build_store(
    manifest: str | Path,
    store: str | Path,
    models: str | Sequence[str],
    *,
    dataset: str | None = None,
    audio_folder: str | Path | None = None,
    device: str = "auto",
    refresh: str | Sequence[str] = (),
    progress: bool | None = None,
) -> BuildReport:
    """Embed every clip of a manifest with every model, as far as the store lacks it.

    Parameters
    ----------
    manifest : str or Path
        The CSV; see `read_manifest`.
    store : str or Path
        The store's folder; made where it is missing.
    models : str or Sequence[str]
        Models as ``[NAME=]SPEC``; see `parse_model_spec`.
    dataset : str, optional
        Name of the dataset; the manifest's stem unless given.
    audio_folder : str or Path, optional
        The folder that the manifest's paths are relative to; the CSV's own unless given.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    refresh : str or Sequence[str]
        ``"labels"`` to take over labels and speakers that the manifest has changed; no
        embedding depends on them.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    BuildReport
        What was new, reused and failed. A clip that fails never stops a build. Ctrl-C while
        clips are embedded stops it and is told by `BuildReport.interrupted`.

    Raises
    ------
    ManifestError
        If the manifest is wrong, or none of its recordings is there.
    ModelError, UnknownNameError, DeviceError
        If a model cannot be loaded or the device is not there.
    StaleStoreError
        If the store was built from other recordings, labels, speakers or weights.
    StoreError
        If the store cannot be written.
    """
    specs = parse_model_specs([models] if isinstance(models, str) else models)
    refreshed = {refresh} if isinstance(refresh, str) else set(refresh)
    if unknown := refreshed - {"labels"}:
        raise UnknownNameError.among("part to refresh:", min(unknown), ["labels"])
    table = read_manifest(manifest, dataset=dataset, audio_folder=audio_folder)
    device = resolve_device(device)
    with StoreWriter.open(store) as writer:
        columns = _clip_columns(table, progress)
        writer.check_names(table.dataset, columns, [spec.name for spec in specs])
        writer.check_clips(table.dataset, columns, refresh_labels="labels" in refreshed)
        loaded = _check_models(writer, table.dataset, specs, device)
        rows = writer.put_clips(table.dataset, columns)
        reports: list[ModelReport] = []
        interrupted = False
        for spec in specs:
            # Each model is let go before the next is loaded: together they may not fit.
            model = loaded.pop(spec.name, None) or load_model(spec, device=device)
            work = _ModelBuild(writer, table, spec.name, model, rows, columns["audio_sha256"])
            interrupted = work.run(progress)
            reports.append(work.report())
            if interrupted:
                break
    return BuildReport(
        Path(store),
        table.dataset,
        len(rows),
        tuple(reports),
        interrupted,
        _duplicates(columns),
    )


def _duplicates(columns: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Give the ids of clips that are one and the same recording, group by group."""
    ids_of: dict[str, list[str]] = {}
    for clip_id, sha256 in zip(columns["clip_id"], columns["audio_sha256"], strict=True):
        ids_of.setdefault(sha256, []).append(clip_id)
    return tuple(tuple(ids) for sha256, ids in ids_of.items() if sha256 and len(ids) > 1)


def _clip_columns(manifest: Manifest, progress: bool | None) -> dict[str, list[str]]:
    """Give the manifest's columns and the recordings' hashes, empty where unreadable."""
    clips = manifest.clips
    with (
        counting("hashing recordings", len(clips), unit="clips", show=progress) as counter,
        ThreadPoolExecutor(_HASHING_THREADS) as pool,
    ):

        def hash_or_empty(path: Path) -> str:
            try:
                return hash_file(path)
            except AudioError:
                return ""
            finally:
                counter.advance()

        hashes = list(pool.map(hash_or_empty, [manifest.audio_path(clip) for clip in clips]))
    if not any(hashes):
        example = manifest.audio_path(clips[0])
        raise ManifestError(
            f"none of the {len(clips):,} recordings can be read; the first would be {example}. "
            "Put the manifest above the recordings, or name their folder with --audio-folder "
            "(audio_folder=...)."
        )
    columns = {name: [getattr(clip, name) for clip in clips] for name in REQUIRED_COLUMNS}
    for name in manifest.extra_columns:
        columns[name] = [clip.extra[name] for clip in clips]
    return {**columns, "audio_sha256": hashes}


def _check_models(
    writer: StoreWriter, dataset: str, specs: Sequence[ModelSpec], device: str
) -> dict[str, FoundationModel]:
    """Load every model once before the first is run, so that a wrong one is told at once."""
    kept = {}
    for spec in specs:
        model = load_model(spec, device=device)
        writer.check_model(dataset, spec.name, model.fingerprint)
        if len(specs) == 1:
            kept[spec.name] = model
    return kept


class _ModelBuild:
    """One model's pass over the clips that it has no embedding of."""

    def __init__(
        self,
        writer: StoreWriter,
        manifest: Manifest,
        name: str,
        model: FoundationModel,
        rows: NDArray[np.int64],
        hashes: Sequence[str],
    ) -> None:
        self._writer, self._dataset = writer, manifest.dataset
        self._manifest, self._name, self._model = manifest, name, model
        self._n_clips = len(rows)
        writer.add_model(self._dataset, name, model.fingerprint, model.dim)
        missing = set(writer.missing(self._dataset, name, rows).tolist())
        self._todo = [
            (int(row), clip, sha256)
            for row, clip, sha256 in zip(rows, manifest.clips, hashes, strict=True)
            if int(row) in missing
        ]
        self._batch: list[tuple[int, NDArray[np.float32]]] = []
        self._n_new = 0
        self._failures: list[Failure] = []
        self._silent: list[str] = []

    def run(self, progress: bool | None) -> bool:
        """Embed what is missing; give whether the user interrupted it."""
        interrupted = False
        with counting(self._name, len(self._todo), unit="clips", show=progress) as counter:
            try:
                for row, clip, sha256 in self._todo:
                    try:
                        self._batch.append((row, self._embed(clip, sha256)))
                    except RenoStoreError as error:
                        self._failures.append(Failure(clip.clip_id, str(error)))
                    # Whatever a model of somebody else's raises is this clip's, not the night's.
                    except Exception as error:
                        reason = f"the model raised {type(error).__name__}: {error}"
                        self._failures.append(Failure(clip.clip_id, reason))
                    if len(self._batch) >= _ROWS_PER_WRITE:
                        self._write()
                    counter.advance()
            except KeyboardInterrupt:
                interrupted = True
            self._write()
        return interrupted

    def report(self) -> ModelReport:
        """Say what was done."""
        return ModelReport(
            self._name,
            self._n_new,
            self._n_clips - len(self._todo),
            tuple(self._failures),
            tuple(self._silent),
        )

    def _embed(self, clip: Clip, sha256: str) -> NDArray[np.float32]:
        path = self._manifest.audio_path(clip)
        waveform = read_waveform(path, self._model.sample_rate_hz)
        # What is stored beside an embedding must be the hash of what was embedded.
        if hash_file(path) != sha256:
            raise AudioError(f"{path}: changed while it was being built; build again.")
        embedding: NDArray[np.float32] = self._model.embed([waveform])[0]
        if embedding.shape != (self._model.dim,):
            raise ModelError(
                f"the model gave shape {embedding.shape} for it; expected ({self._model.dim},)"
            )
        if not np.isfinite(embedding).all():
            raise ModelError(
                f"the model gave {np.count_nonzero(~np.isfinite(embedding))} NaN or infinite "
                "numbers for it; nothing was stored"
            )
        if is_silent(waveform):
            self._silent.append(clip.clip_id)
        return embedding

    def _write(self) -> None:
        if self._batch:
            rows = np.array([row for row, _ in self._batch], np.int64)
            embeddings = np.stack([embedding for _, embedding in self._batch])
            self._writer.put_embeddings(self._dataset, self._name, rows, embeddings)
            # Counted and cleared once written: after an interrupt in between it is written again.
            self._n_new += len(self._batch)
            self._batch = []
