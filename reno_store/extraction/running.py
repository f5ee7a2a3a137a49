"""One model's pass over the clips that lack its embedding."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.extraction.embedding import BatchEmbedder
from reno_store.extraction.planning import plan_batches
from reno_store.extraction.recordings import LoadedClip, Recording, loaded_ahead
from reno_store.extraction.reports import Failure, ModelReport
from reno_store.extraction.sinking import EmbeddingSink, Put
from reno_store.foundation_models import FoundationModel
from reno_store.runtime.progress import counting

__all__ = ["Extraction", "Task"]

_OUTDATED = "another build has stored another recording of it in the meantime; build again"

_SECONDS_A_CLIP = 0.1
"""Fixed cost of a clip, in seconds of audio, for the forecast."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to embed.

    Attributes
    ----------
    recordings : Sequence[Recording]
        All recordings of the manifest, in its order.
    rows : numpy.ndarray of int64, shape (n_clips,)
        Each clip's row in the store.
    is_missing : numpy.ndarray of bool, shape (n_clips,)
        Which clips have no embedding yet.
    batch_seconds : float
        Seconds of audio in a batch, padding included.
    max_seconds : float or None
        Maximum clip length.
    padded : bool
        Whether the clips of a batch are padded to one length.
    largest : float
        Largest magnitude that can be stored; clips with larger numbers fail.
    """

    recordings: Sequence[Recording]
    rows: NDArray[np.int64]
    is_missing: NDArray[np.bool_]
    batch_seconds: float
    max_seconds: float | None
    padded: bool = True
    largest: float = float(np.finfo(np.float32).max)


class Extraction:
    """A model at work on a task.

    Parameters
    ----------
    name : str
        The model's name in the store.
    model : FoundationModel
        The model.
    task : Task
        What to embed.
    put : Put
        Stores embeddings; called from a background thread.
    """

    def __init__(self, name: str, model: FoundationModel, task: Task, put: Put) -> None:
        self._name, self._model, self._task = name, model, task
        self._sink = EmbeddingSink(put)
        self._problems: dict[int, str] = {}
        self._unreadable: set[int] = set()
        self._silent: list[int] = []
        self._seconds = 0.0
        self._n_twins = 0
        self._twins: dict[int, list[int]] = {}

    def run(self, progress: bool | None) -> bool:
        """Embed the missing clips; return whether the user interrupted."""
        task = self._task
        if not task.is_missing.any():
            return False
        durations = np.array([recording.duration_s for recording in task.recordings])
        is_first = self._find_twins()
        batches = plan_batches(durations, is_first, task.batch_seconds, padded=task.padded)
        work = np.nan_to_num(durations) + _SECONDS_A_CLIP
        begun = time.perf_counter()
        interrupted = False
        with (
            counting(
                self._name,
                int(is_first.sum()),
                unit="clips",
                work=float(work[is_first].sum()),
                show=progress,
            ) as counter,
            self._sink,
        ):
            embedder = BatchEmbedder(self._model, task.batch_seconds)
            loaded = loaded_ahead(
                task.recordings, batches, self._model.sample_rate_hz, task.max_seconds
            )
            try:
                for clips in loaded:
                    self._embed(embedder, clips)
                    done = [clip.index for clip in clips]
                    counter.advance(len(done), work=float(work[done].sum()))
            except KeyboardInterrupt:
                interrupted = True
            finally:
                loaded.close()
        self._seconds = time.perf_counter() - begun
        return interrupted or self._sink.interrupted

    def report(
        self, n_copied: int = 0, is_outdated: NDArray[np.bool_] | None = None
    ) -> ModelReport:
        """Return what was done.

        Parameters
        ----------
        n_copied : int
            Embeddings copied from the same recordings beforehand.
        is_outdated : numpy.ndarray of bool, shape (n_clips,), optional
            Clips left out because another build has changed them in the meantime.
        """
        outdated = [] if is_outdated is None else np.flatnonzero(is_outdated).tolist()
        self._problems.update(dict.fromkeys(outdated, _OUTDATED))
        ids = {index: recording.clip_id for index, recording in enumerate(self._task.recordings)}
        return ModelReport(
            self._name,
            self._sink.n_written + n_copied,
            int((~self._task.is_missing).sum()) - n_copied - len(outdated),
            tuple(
                Failure(ids[index], reason, index in self._unreadable)
                for index, reason in sorted(self._problems.items())
            ),
            tuple(ids[index] for index in sorted(self._silent)),
            n_copied + self._n_twins,
            self._seconds,
            getattr(self._model, "one_by_one_because", ""),
        )

    def _find_twins(self) -> NDArray[np.bool_]:
        """Return which clips to compute: the first of the missing clips with the same recording."""
        first_of: dict[str, int] = {}
        is_first = self._task.is_missing.copy()
        for index in np.flatnonzero(is_first).tolist():
            sha256 = self._task.recordings[index].sha256
            first = first_of.setdefault(sha256, index) if sha256 else index
            if first != index:
                is_first[index] = False
                self._twins.setdefault(first, []).append(index)
        return is_first

    def _embed(self, embedder: BatchEmbedder, clips: Sequence[LoadedClip]) -> None:
        embeddings, problems = embedder.embed(clips)
        for index, embedding in list(embeddings.items()):
            if (magnitude := float(np.abs(embedding).max())) > self._task.largest:
                del embeddings[index]
                problems[index] = (
                    f"its embedding contains {magnitude:g}, more than the maximum of float16, "
                    f"{self._task.largest:g}; store it as float32."
                )
        silent = {clip.index for clip in clips if clip.is_silent}
        unreadable = {clip.index for clip in clips if clip.problem}
        twins_of = {
            clip.index: self._twins[clip.index] for clip in clips if clip.index in self._twins
        }
        n_twins = 0
        for first, twins in twins_of.items():
            if first in embeddings:
                embeddings.update(dict.fromkeys(twins, embeddings[first]))
                n_twins += len(twins)
            if first in problems:
                problems.update(dict.fromkeys(twins, problems[first]))
            for some in (silent, unreadable):
                if first in some:
                    some.update(twins)
        if embeddings:
            rows = self._task.rows[list(embeddings)]
            self._sink.put(rows, np.stack(list(embeddings.values())))
        # Counted after they are handed over: an interrupt in between must not overstate them.
        self._n_twins += n_twins
        self._problems.update(problems)
        self._unreadable |= unreadable
        self._silent += sorted(silent & embeddings.keys())
