"""Manifest + models -> store: compute what is missing, reuse existing results.

Data walks: manifest -> hashes of the recordings -> checks against the store, before
anything is computed -> the clip axis -> for each model an extraction: recordings ->
waveforms -> embeddings -> rows of the store, one batch at a time. `model_builds` has the
part from the clip axis on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reno_store.corpora import Manifest, read_manifest, warn_of_variants
from reno_store.errors import ManifestError, Remedy, RenoStoreError, StoreError, UnknownNameError
from reno_store.extraction import MAX_SECONDS, Windows, clip_columns
from reno_store.extraction.filling import FillParts
from reno_store.extraction.model_builds import ModelBuilds
from reno_store.extraction.on_cluster import cluster_workers
from reno_store.extraction.reports import BuildReport, Failure, ModelReport
from reno_store.extraction.settings import Settings
from reno_store.extraction.shards import Dealing, read_shard
from reno_store.extraction.workers import local_workers
from reno_store.foundation_models import FoundationModel, check_precision, parse_model_specs
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.devices import check_device, free_memory, resolve_device
from reno_store.runtime.places import open_place
from reno_store.runtime.progress import tell
from reno_store.store import StoreWriter, check_clips, check_model, check_names

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["MAX_SECONDS", "REFRESHABLE", "BuildReport", "Failure", "ModelReport", "build_store"]

REFRESHABLE = ("labels", "audio", "model")
"""What a build can update where it has changed."""

_MAY_JOIN = 16
"""Workers of a cluster for which there are parts, though fewer may have joined yet."""


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
    shard: str | tuple[int, int] | None = None,
    workers: int | None = None,
    client: Client | None = None,
    progress: bool | None = None,
) -> BuildReport:
    """Embed every clip of a manifest with every model, except what the store already has.

    Parameters
    ----------
    manifest : str or Path
        The CSV; see `read_manifest`.
    store : str or Path
        The store's folder, or its URL such as ``s3://BUCKET/NAME``; created if it does not
        exist.
    models : str or Sequence[str]
        Models as ``[NAME=]SPEC``; see `parse_model_spec`.
    dataset : str, optional
        Name of the dataset; by default the manifest's stem.
    audio_folder : str or Path, optional
        The folder that the manifest's paths are relative to, which may be a URL; by default that
        of the CSV.
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
    shard : str or tuple[int, int], optional
        Embed only one of several parts of the clips, such as the third of 16, ``(3, 16)`` or
        ``"3/16"``, while other processes embed the others. All parts must be of the same
        manifest.
    workers : int, optional
        Number of processes on this machine that embed the clips, one per GPU in turn; by
        default this one does. In a script, call it below ``if __name__ == "__main__":``.
    client : distributed.Client, optional
        A Dask cluster whose workers embed the clips. They see the store, the recordings and the
        models under the same paths. It is not closed.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    BuildReport
        What was new, reused and failed, of the shard if there is one. A clip that fails never
        stops a build. Ctrl-C while
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
        If a number of seconds is not positive, the hop is longer than the window, there is no
        such shard, or the worker processes end before they finish anything.
    ClusterError
        If the cluster was lost.

    Examples
    --------
    >>> import reno_store as rs
    >>> report = rs.build_store("reno-demo/synthetic.csv", "reno-demo/embeddings.zarr", "mfcc")
    >>> report.models[0].n_new, report.models[0].n_reused, report.complete
    (0, 240, True)
    """
    place = open_place(store, "store", StoreError)
    specs = parse_model_specs([models] if isinstance(models, str) else models)
    check_precision(precision)
    _check_seconds("batch_seconds", batch_seconds)
    _check_seconds("max_seconds", max_seconds)
    _check_division(shard, workers, client)
    part = read_shard(shard)
    if (workers or client is not None) and str(place).startswith("memory:"):
        raise StoreError(
            f"store {place} exists only in this process, so that no other can fill it. Build it "
            "without workers or a cluster, or choose a folder or bucket."
        )
    cluster = None if client is None else Cluster(client)
    windows = Windows.parse(window_s, hop_s)
    refreshed = _parts_to_refresh(refresh)
    settings = Settings(device, precision, storage, batch_seconds, max_seconds, windows)
    settings.fingerprint({})  # raises if there is no such storage precision
    table = read_manifest(manifest, dataset=dataset, audio_folder=audio_folder)
    for warning in warn_of_variants(manifest, table.label_counts):
        tell(warning)
    if cluster is None:
        settings = replace(settings, device=resolve_device(device))
    else:
        check_device(device)  # the workers resolve it
    fill: FillParts | None = None
    n_workers = workers or 1
    if cluster is not None:
        # Small parts, since workers may join later.
        fill, n_workers = cluster_workers(cluster), max(cluster.n_workers(), _MAY_JOIN)
    elif workers is not None:
        fill = local_workers(settings.device, workers)
    # A model that workers load need not be in the memory of a GPU here too.
    load = settings.load if fill is None else replace(settings, device="cpu").load
    with StoreWriter.open(place, notify=tell) as writer, contextlib.ExitStack() as preparing:
        names = [spec.name for spec in specs]
        dealing = Dealing(writer, table, names, refreshed, part)
        is_mine = dealing.is_mine()
        if part is not None and is_mine is None:
            # One process hashes all recordings, the other shards then only their own.
            preparing.enter_context(writer.hashing(table.dataset))
            is_mine = dealing.is_mine()
            if is_mine is not None:
                preparing.close()
        columns = clip_columns(table, progress, is_mine)
        if is_mine is None or is_mine.any():
            _check_any_readable(table, columns)
        check_names(writer.reader, table.dataset, columns, names)
        check_clips(writer.reader, table.dataset, columns, refresh=refreshed, part=append)
        loaded: FoundationModel | None = None
        for spec in specs:  # so that a wrong model is reported before the first one runs
            loaded = load(spec)
            if windows:
                windows.check(loaded, spec.name)
            if "model" not in refreshed:
                fingerprint = settings.fingerprint(loaded.fingerprint)
                check_model(writer.reader, table.dataset, spec.name, fingerprint)
        clips = writer.put_clips(table.dataset, columns, refresh=refreshed, part=append)
        preparing.close()
        all_rows = clips.rows
        if is_mine is None:
            is_mine = dealing.is_mine()
        if is_mine is None:
            is_mine = np.ones(len(all_rows), bool)
        builds = ModelBuilds(
            table,
            clips.only(is_mine) if part else clips,
            np.flatnonzero(is_mine),
            settings,
            refreshed,
            is_shard=part is not None,
            progress=progress,
        )
        reports: list[ModelReport] = []
        interrupted = False
        for spec in specs:
            # One model is kept in memory; several may not fit.
            model = loaded if len(specs) == 1 and loaded is not None else load(spec)
            loaded = None
            if fill is None:
                report, interrupted = builds.build(spec, model)
                del model
            else:
                fingerprint, dim = settings.fingerprint(model.fingerprint), model.dim
                del model  # the workers load it
                report, interrupted = builds.build_in_parts(spec, fingerprint, dim, fill, n_workers)
            reports.append(report)
            free_memory()
            if interrupted:
                break
        n_left, shards_left = dealing.left(all_rows)
    return BuildReport(
        place,
        table.dataset,
        len(table.clips),
        tuple(reports),
        interrupted,
        _duplicates(columns),
        (part.number, part.count) if part else None,
        n_left,
        shards_left,
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


def _check_division(
    shard: str | tuple[int, int] | None, workers: int | None, client: Client | None
) -> None:
    if workers is not None and workers < 1:
        raise RenoStoreError(f"workers is {workers}; expected at least 1.")
    if sum(each is not None for each in (shard, workers, client)) > 1:
        raise RenoStoreError(
            "a build has a shard, workers or a client, not two of them: a shard is one of several "
            "processes already, and a cluster has its own workers."
        )


def _check_seconds(name: str, seconds: float | None) -> None:
    if seconds is not None and not seconds > 0:
        raise RenoStoreError(f"{name} is {seconds:g}; expected more than 0 seconds.")
