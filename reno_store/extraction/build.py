"""Manifest + models -> store: what is missing is computed, what is there is kept.

Data walks: manifest -> hashes of the recordings -> checks against the store, before
anything is computed -> the clip axis -> for each model an extraction: recordings ->
waveforms -> embeddings -> rows of the store, a batch at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reno_store.corpora import Manifest, read_manifest, warn_of_variants
from reno_store.errors import ManifestError, RenoStoreError, StoreError, UnknownNameError
from reno_store.extraction import (
    MAX_SECONDS,
    Extraction,
    Recording,
    Task,
    default_batch_seconds,
    read_durations,
)
from reno_store.extraction.hashing import clip_columns
from reno_store.extraction.reports import BuildReport, Failure, ModelReport
from reno_store.foundation_models import (
    FoundationModel,
    ModelSpec,
    check_precision,
    load_model,
    parse_model_specs,
)
from reno_store.runtime.devices import free_memory, resolve_device
from reno_store.runtime.locations import local_path
from reno_store.runtime.progress import tell
from reno_store.store import StoreWriter, fingerprint_as_stored, storage_of

__all__ = ["MAX_SECONDS", "REFRESHABLE", "BuildReport", "Failure", "ModelReport", "build_store"]

REFRESHABLE = ("labels", "audio", "model")
"""What a build may be told to do anew where it has changed."""


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
    refresh: str | Sequence[str] = (),
    storage: str = "float32",
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
    precision : str
        ``"float32"``, or ``"bfloat16"`` or ``"float16"`` for mixed precision; part of the
        fingerprint of every model that has the choice.
    batch_seconds : float, optional
        Seconds of audio that go through a model together, padding included; by default 60
        on a CPU and 160 on a GPU. No embedding depends on it.
    max_seconds : float or None
        Longer recordings are refused, each by name, since the memory that a model needs
        grows with them; None allows any.
    refresh : str or Sequence[str]
        What may have changed since, and is done anew: ``"labels"`` takes over labels and
        speakers, on which no embedding depends; ``"audio"`` embeds changed recordings
        again, with every model as it is built; ``"model"`` drops all embeddings of a model
        whose weights or settings changed; ``"all"`` is all three.
    storage : str
        How numbers are stored: ``"float32"``, as they are, or ``"float16"``, rounded, in half
        the space; part of the fingerprint, with a bound of the error.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    BuildReport
        What was new, reused and failed. A clip that fails never stops a build. Ctrl-C while
        clips are embedded stops it and is told by `BuildReport.interrupted`. Labels that
        differ only in case or spaces are named on standard error.

    Raises
    ------
    ManifestError
        If the manifest is wrong, or none of its recordings is there.
    ModelError, UnknownNameError, DeviceError
        If a model cannot be loaded or the device is not there.
    StaleStoreError
        If the store was built from other recordings, labels, speakers or weights.
    StoreError
        If the store cannot be written, or is named by a URL.
    """
    store = local_path(store, "store", StoreError)
    specs = parse_model_specs([models] if isinstance(models, str) else models)
    check_precision(precision)
    stored_fingerprint = partial(fingerprint_as_stored, precision=storage)
    largest = storage_of(stored_fingerprint({})).largest
    _check_seconds("batch_seconds", batch_seconds)
    _check_seconds("max_seconds", max_seconds)
    refreshed = {refresh} if isinstance(refresh, str) else set(refresh)
    if unknown := refreshed - {*REFRESHABLE, "all"}:
        raise UnknownNameError.among("part to refresh:", min(unknown), [*REFRESHABLE, "all"])
    if "all" in refreshed:
        refreshed = set(REFRESHABLE)
    table = read_manifest(manifest, dataset=dataset, audio_folder=audio_folder)
    for warning in warn_of_variants(manifest, table.label_counts):
        tell(warning)
    device = resolve_device(device)
    with StoreWriter.open(store, tell=tell) as writer:
        columns = clip_columns(table, progress)
        _check_any_readable(table, columns)
        writer.check_names(table.dataset, columns, [spec.name for spec in specs])
        writer.check_clips(table.dataset, columns, refresh=refreshed)
        load = partial(load_model, device=device, precision=precision)

        def check(name: str, fingerprint: Mapping[str, Any]) -> None:
            if "model" not in refreshed:
                writer.check_model(table.dataset, name, stored_fingerprint(fingerprint))

        loaded = _check_models(specs, load, check)
        rows = writer.put_clips(table.dataset, columns, refresh=refreshed)
        recordings: Sequence[Recording] = ()
        reports: list[ModelReport] = []
        interrupted = False
        for spec in specs:
            model = loaded.pop(spec.name, None) or load(spec)
            with writer.working_on(table.dataset, spec.name):
                fingerprint = stored_fingerprint(model.fingerprint)
                writer.add_model(
                    table.dataset, spec.name, fingerprint, model.dim, refresh=refreshed
                )
                changed = writer.changed_rows(table.dataset, columns, rows)
                n_copied = writer.copy_known(table.dataset, spec.name, rows[~changed])
                missing = writer.missing(table.dataset, spec.name, rows)
                if len(missing) and not recordings:
                    recordings = _recordings(table, columns["audio_sha256"])
                extraction = Extraction(
                    spec.name,
                    model,
                    Task(
                        recordings,
                        rows,
                        np.isin(rows, missing) & ~changed,
                        batch_seconds or default_batch_seconds(device),
                        max_seconds,
                        padded=not device.startswith("cpu"),
                        largest=largest,
                    ),
                    partial(writer.put_embeddings, table.dataset, spec.name),
                )
                interrupted = extraction.run(progress)
            reports.append(extraction.report(n_copied, np.isin(rows, missing) & changed))
            # Let go before the next is loaded: together they may not fit.
            del model, extraction
            free_memory()
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


def _check_any_readable(manifest: Manifest, columns: Mapping[str, Sequence[str]]) -> None:
    if not any(columns["audio_sha256"]):
        example = manifest.audio_path(manifest.clips[0])
        raise ManifestError(
            f"none of the {len(manifest.clips):,} recordings can be read; the first would be "
            f"{example}. Put the manifest above the recordings, or name their folder with "
            "--audio-folder (audio_folder=...)."
        )


def _recordings(manifest: Manifest, hashes: Sequence[str]) -> list[Recording]:
    """Look into every recording's header for its length, which batches are planned by."""
    paths = [manifest.audio_path(clip) for clip in manifest.clips]
    return [
        Recording(clip.clip_id, path, sha256, duration_s)
        for clip, path, sha256, duration_s in zip(
            manifest.clips, paths, hashes, read_durations(paths), strict=True
        )
    ]


def _check_seconds(name: str, seconds: float | None) -> None:
    if seconds is not None and not seconds > 0:
        option = "--" + name.replace("_", "-")
        raise RenoStoreError(f"{name} ({option}) is {seconds:g}; expected more than 0 seconds.")


def _check_models(
    specs: Sequence[ModelSpec],
    load: Callable[[ModelSpec], FoundationModel],
    check: Callable[[str, Mapping[str, Any]], None],
) -> dict[str, FoundationModel]:
    """Load every model once before the first is run, so that a wrong one is told at once."""
    kept = {}
    for spec in specs:
        model = load(spec)
        check(spec.name, model.fingerprint)
        if len(specs) == 1:
            kept[spec.name] = model
        del model
    return kept
