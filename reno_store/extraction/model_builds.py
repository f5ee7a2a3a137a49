"""One model of a build: by this process alone, as one of several shards, or in other processes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import Manifest
from reno_store.extraction.filling import FillJob, FillParts, Outcome, divide
from reno_store.extraction.recordings import Recording, read_durations
from reno_store.extraction.reports import Failure, ModelReport
from reno_store.extraction.running import OUTDATED, Extraction
from reno_store.extraction.settings import Settings
from reno_store.foundation_models import FoundationModel, ModelSpec
from reno_store.runtime.progress import counting
from reno_store.store import ModelWriter, StoredClips

__all__ = ["ModelBuilds"]

_PARTS_PER_WORKER = 8
"""So that workers finish at about the same time."""


@dataclass
class ModelBuilds:
    """Builds one model after the other for the same clips.

    Attributes
    ----------
    manifest : Manifest
        Where the recordings are.
    clips : StoredClips
        The clips to embed, in the store.
    index : numpy.ndarray of int64, shape (n_clips,)
        Their places in the manifest.
    settings : Settings
        How they are embedded.
    refresh : Collection[str]
        What may be replaced; see `build_store`.
    is_shard : bool
        Whether other processes build other clips of the same models.
    progress : bool, optional
        Whether to show a progress bar.
    """

    manifest: Manifest
    clips: StoredClips
    index: NDArray[np.int64]
    settings: Settings
    refresh: Collection[str]
    is_shard: bool = False
    progress: bool | None = None
    _recordings: list[Recording] = field(default_factory=list, init=False)

    def build(self, spec: ModelSpec, model: FoundationModel) -> tuple[ModelReport, bool]:
        """Embed what is missing of a model here; return its report, and whether Ctrl-C came."""
        fingerprint = self.settings.fingerprint(model.fingerprint)
        writing = self.clips.filling if self.is_shard else self.clips.writing
        with writing(spec.name, fingerprint, model.dim, refresh=self.refresh) as target:
            n_copied, is_missing = self._copy(target)
            task = self.settings.task(
                self._all_recordings() if is_missing.any() else (),
                self.clips.rows,
                is_missing & ~target.is_changed,
                target.stripe_rows if self.is_shard else None,
            )
            extraction = Extraction(spec.name, model, task, target.put)
            interrupted = extraction.run(self.progress)
        return extraction.report(n_copied, is_missing & target.is_changed), interrupted

    def build_in_parts(
        self,
        spec: ModelSpec,
        fingerprint: Mapping[str, Any],
        dim: int,
        fill: FillParts,
        n_workers: int,
    ) -> tuple[ModelReport, bool]:
        """Prepare a model here and let other processes embed its clips.

        Parameters
        ----------
        spec : ModelSpec
            The model.
        fingerprint : Mapping[str, Any]
            Of its embeddings, as stored.
        dim : int
            Their length.
        fill : FillParts
            Calls `filling.fill` for each part, in other processes.
        n_workers : int
            How many processes there are; parts are made for so many.
        """
        begun = time.perf_counter()
        name, claim = spec.name, secrets.token_hex(8)
        with self.clips.filling(
            name, fingerprint, dim, refresh=self.refresh, alone=True, name=claim
        ) as target:
            n_copied, is_missing = self._copy(target)
            is_outdated = is_missing & target.is_changed
            is_todo = is_missing & ~target.is_changed
            outcome = Outcome((), (), False)
            if is_todo.any():
                store = str(self.clips.writer.path.resolve())
                plain = replace(spec, options=dict(spec.options))  # can be pickled
                job = FillJob(store, self.clips.dataset, plain, fingerprint, self.settings, claim)
                parts = divide(
                    # Other processes may have another working folder.
                    [replace(each, path=each.path.absolute()) for each in self._all_recordings()],
                    self.clips.rows,
                    is_todo,
                    target.stripe_rows,
                    n_workers * _PARTS_PER_WORKER,
                )
                n_todo = int(is_todo.sum())
                with counting(name, n_todo, unit="clips", show=self.progress) as counter:
                    outcome = fill(job, parts, counter)
            is_left = np.isin(self.clips.rows, target.missing(self.clips.rows))
        failures = [
            *(failure for each in outcome.filled for failure in each.report.failures),
            *self._failures(is_outdated, OUTDATED),
        ]
        for part, how in outcome.died:
            reason = (
                f"the process that embedded it and others ended again and again ({how}); if memory "
                "is short, use fewer workers, or workers with more memory"
            )
            is_theirs = is_left & np.isin(self.clips.rows, part.rows)
            failures += self._failures(is_theirs, reason)
        reports = [each.report for each in outcome.filled]
        silent = {clip_id for each in reports for clip_id in each.silent}
        return (
            ModelReport(
                name,
                int((is_missing & ~is_left).sum()) + n_copied,
                int((~is_missing).sum()) - n_copied,
                self._in_order(failures),
                tuple(clip_id for clip_id in self.clips.columns["clip_id"] if clip_id in silent),
                n_copied + sum(each.n_copied for each in reports),
                time.perf_counter() - begun,
                next((each.one_by_one_because for each in reports if each.one_by_one_because), ""),
            ),
            outcome.interrupted,
        )

    def _copy(self, target: ModelWriter) -> tuple[int, NDArray[np.bool_]]:
        """Copy known embeddings; return how many, and which clips have none."""
        rows = self.clips.rows
        n_copied = target.copy_known(rows[~target.is_changed])
        return n_copied, np.isin(rows, target.missing(rows))

    def _all_recordings(self) -> list[Recording]:
        """Return all recordings, with lengths from their headers for the planning of batches."""
        if not self._recordings:
            clips = [self.manifest.clips[index] for index in self.index.tolist()]
            paths = [self.manifest.audio_path(clip) for clip in clips]
            hashes = self.clips.columns["audio_sha256"]
            self._recordings = [
                Recording(clip.clip_id, path, sha256, duration_s)
                for clip, path, sha256, duration_s in zip(
                    clips, paths, hashes, read_durations(paths), strict=True
                )
            ]
        return self._recordings

    def _failures(self, is_failed: NDArray[np.bool_], reason: str) -> list[Failure]:
        ids = self.clips.columns["clip_id"]
        return [Failure(ids[index], reason) for index in np.flatnonzero(is_failed).tolist()]

    def _in_order(self, failures: Collection[Failure]) -> tuple[Failure, ...]:
        """Return failures in the order of the manifest, one per clip."""
        of = {failure.clip_id: failure for failure in failures}
        return tuple(of[clip_id] for clip_id in self.clips.columns["clip_id"] if clip_id in of)
