"""Manifest + models -> store: compute what is missing, reuse existing results.

Data walks: manifest -> hashes of the recordings -> checks against the store, before
anything is computed -> the clip axis -> for each model an extraction: recordings ->
waveforms -> embeddings -> rows of the store, one batch at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reno_store.corpora import Manifest, read_manifest, warn_of_variants
from reno_store.errors import ManifestError, Remedy, RenoStoreError, StoreError, UnknownNameError
from reno_store.extraction import (
    MAX_SECONDS,
    Extraction,
    Recording,
    Task,
    Windows,
    clip_columns,
    default_batch_seconds,
    read_durations,
)
from reno_store.extraction.reports import BuildReport, Failure, ModelReport
from reno_store.foundation_models import (
    FoundationModel,
    check_precision,
    load_model,
    parse_model_specs,
)
from reno_store.runtime.devices import free_memory, resolve_device
from reno_store.runtime.places import open_place
from reno_store.runtime.progress import tell
from reno_store.store import (
    StoreWriter,
    check_clips,
    check_model,
    check_names,
    fingerprint_as_stored,
    storage_of,
)

__all__ = ["MAX_SECONDS", "REFRESHABLE", "BuildReport", "Failure", "ModelReport", "build_store"]

REFRESHABLE = ("labels", "audio", "model")
"""What a build can update where it has changed."""


def build_store(
    manifest: str | Path,
    store: str | Path,
    models: str | Sequence[str],
    *,
    dataset: str | None = None,
    audio_folder: str | Path | None = None,
    device: str = "auto",
    precision: str = "float32",
    batch_seconds: float | None = None,
    max_seconds: float | None = MAX_SECONDS,
    window_s: float | None = None,
    hop_s: float | None = None,
    refresh: str | Sequence[str] = (),
    append: bool = False,
    storage: str = "float32",
    progress: bool | None = None,
) -> BuildReport:
    """Embed every clip of a manifest with every model, except what the store already has.

    Parameters
    ----------
    manifest : str or Path
        The CSV; see `read_manifest`.
    store : str or Path
        The store's folder; created if it does not exist.
    models : str or Sequence[str]
        Models as ``[NAME=]SPEC``; see `parse_model_spec`.
    dataset : str, optional
        Name of the dataset; by default the manifest's stem.
    audio_folder : str or Path, optional
        The folder that the manifest's paths are relative to; by default that of the CSV.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    precision : str
        ``"float32"``, or ``"bfloat16"`` or ``"float16"`` for mixed precision; part of the
        fingerprint of every model that supports it.
    batch_seconds : float, optional
        Seconds of audio that go through a model together, padding included; by default 60
        on a CPU and 160 on a GPU. No embedding depends on it.
    max_seconds : float or None
        Maximum clip length: longer recordings fail, each by name, because a model's memory
        grows with the length; None allows any. Not used with windows.
    window_s : float, optional
        Cut longer recordings into windows of so many seconds and embed each; the embedding of
        the clip is the mean over them, weighted by their lengths. Part of the fingerprint of
        every model.
    hop_s : float, optional
        Seconds between the starts of two windows; by default `window_s`, without overlap.
    refresh : str or Sequence[str]
        What may have changed and is updated: ``"labels"`` accepts new labels and speakers, on
        which no embedding depends; ``"audio"`` embeds changed recordings again, with every
        model as it is built; ``"model"`` computes all embeddings of a model whose weights or
        settings changed; ``"all"`` is all three.
    append : bool
        Whether the manifest lists only clips to add: stored clips that it lacks stay as they
        are. Otherwise they raise an error.
    storage : str
        How numbers are stored: ``"float32"``, exactly, or ``"float16"``, rounded, in half the
        space; part of the fingerprint, with a bound of the error.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    BuildReport
        What was new, reused and failed. A clip that fails never stops a build. Ctrl-C while
        clips are embedded stops it and sets `BuildReport.interrupted`. Labels that differ
        only in case or spaces are listed on standard error.

    Raises
    ------
    ManifestError
        If the manifest is wrong, or none of its recordings can be read.
    ModelError, UnknownNameError, DeviceError
        If a model cannot be loaded or does not take such windows, or the device does not exist.
    StaleStoreError
        If the store was built from other recordings, labels, speakers or weights.
    StoreError
        If the store cannot be written.
    RenoStoreError
        If a number of seconds is not positive, or the hop is longer than the window.
    """
    place = open_place(store, "store", StoreError)
    specs = parse_model_specs([models] if isinstance(models, str) else models)
    check_precision(precision)
    _check_seconds("batch_seconds", batch_seconds)
    _check_seconds("max_seconds", max_seconds)
    windows = Windows.parse(window_s, hop_s)

    def stored_fingerprint(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
        in_windows = windows.added_to(fingerprint) if windows else fingerprint
        return fingerprint_as_stored(in_windows, precision=storage)

    largest = storage_of(stored_fingerprint({})).largest
    refreshed = _parts_to_refresh(refresh)
    table = read_manifest(manifest, dataset=dataset, audio_folder=audio_folder)
    for warning in warn_of_variants(manifest, table.label_counts):
        tell(warning)
    device = resolve_device(device)
    with StoreWriter.open(place, notify=tell) as writer:
        columns = clip_columns(table, progress)
        _check_any_readable(table, columns)
        check_names(writer.reader, table.dataset, columns, [spec.name for spec in specs])
        check_clips(writer.reader, table.dataset, columns, refresh=refreshed, part=append)
        load = partial(load_model, device=device, precision=precision)
        loaded: FoundationModel | None = None
        for spec in specs:  # so that a wrong model is reported before the first one runs
            loaded = load(spec)
            if windows:
                windows.check(loaded, spec.name)
            if "model" not in refreshed:
                fingerprint = stored_fingerprint(loaded.fingerprint)
                check_model(writer.reader, table.dataset, spec.name, fingerprint)
        clips = writer.put_clips(table.dataset, columns, refresh=refreshed, part=append)
        recordings: Sequence[Recording] = ()
        reports: list[ModelReport] = []
        interrupted = False
        for spec in specs:
            # One model is kept in memory; several may not fit.
            model = loaded if len(specs) == 1 and loaded is not None else load(spec)
            loaded = None
            fingerprint = stored_fingerprint(model.fingerprint)
            with clips.writing(spec.name, fingerprint, model.dim, refresh=refreshed) as target:
                is_changed = target.is_changed
                n_copied = target.copy_known(clips.rows[~is_changed])
                is_missing = np.isin(clips.rows, target.missing(clips.rows))
                if is_missing.any() and not recordings:
                    recordings = _recordings(table, columns["audio_sha256"])
                task = Task(
                    recordings,
                    clips.rows,
                    is_missing & ~is_changed,
                    batch_seconds or default_batch_seconds(device),
                    max_seconds,
                    padded=not device.startswith("cpu"),
                    largest=largest,
                    windows=windows,
                )
                extraction = Extraction(spec.name, model, task, target.put)
                interrupted = extraction.run(progress)
            reports.append(extraction.report(n_copied, is_missing & is_changed))
            del model, extraction
            free_memory()
            if interrupted:
                break
    return BuildReport(
        place, table.dataset, len(clips.rows), tuple(reports), interrupted, _duplicates(columns)
    )


def _parts_to_refresh(refresh: str | Sequence[str]) -> set[str]:
    parts = {refresh} if isinstance(refresh, str) else set(refresh)
    if unknown := parts - {*REFRESHABLE, "all"}:
        raise UnknownNameError.among("part to refresh:", min(unknown), [*REFRESHABLE, "all"])
    return set(REFRESHABLE) if "all" in parts else parts


def _duplicates(columns: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return groups of clip ids that have the same recording."""
    ids_of: dict[str, list[str]] = {}
    for clip_id, sha256 in zip(columns["clip_id"], columns["audio_sha256"], strict=True):
        ids_of.setdefault(sha256, []).append(clip_id)
    return tuple(tuple(ids) for sha256, ids in ids_of.items() if sha256 and len(ids) > 1)


def _check_any_readable(manifest: Manifest, columns: Mapping[str, Sequence[str]]) -> None:
    if not any(columns["audio_sha256"]):
        example = manifest.audio_path(manifest.clips[0])
        raise ManifestError(
            f"none of the {len(manifest.clips):,} recordings can be read; the first would be "
            f"{example}. Put the manifest above the recordings.",
            (),
            Remedy("Or name their folder", {"audio_folder": ...}),
        )


def _recordings(manifest: Manifest, hashes: Sequence[str]) -> list[Recording]:
    """Read every recording's length from its header, for the planning of batches."""
    paths = [manifest.audio_path(clip) for clip in manifest.clips]
    return [
        Recording(clip.clip_id, path, sha256, duration_s)
        for clip, path, sha256, duration_s in zip(
            manifest.clips, paths, hashes, read_durations(paths), strict=True
        )
    ]


def _check_seconds(name: str, seconds: float | None) -> None:
    if seconds is not None and not seconds > 0:
        raise RenoStoreError(f"{name} is {seconds:g}; expected more than 0 seconds.")
