"""One model's pass over the clips that lack its embedding."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.extraction.embedding import BatchEmbedder, ClipEmbedder
from reno_store.extraction.planning import plan_batches
from reno_store.extraction.recordings import LoadedClip, Recording, loaded_ahead
from reno_store.extraction.reports import Failure, ModelReport
from reno_store.extraction.sinking import EmbeddingSink, Put
from reno_store.extraction.streaming import windows_ahead, windows_together
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel
from reno_store.runtime.progress import Counter, counting

__all__ = ["OUTDATED", "Extraction", "Task"]

OUTDATED = "another build has stored another recording of it in the meantime; build again"

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
        Maximum clip length; not used with windows.
    padded : bool
        Whether the clips of a batch are padded to one length.
    largest : float
        Largest magnitude that can be stored; clips with larger numbers fail.
    windows : Windows, optional
        How longer recordings are cut; by default all are embedded whole.
    group_of : numpy.ndarray of int64, shape (n_clips,), optional
        A number per clip. Batches are planned for one number at a time, in ascending order, so
        that clips near each other in the store are written together; by default for all.
    """

    recordings: Sequence[Recording]
    rows: NDArray[np.int64]
    is_missing: NDArray[np.bool_]
    batch_seconds: float
    max_seconds: float | None
    padded: bool = True
    largest: float = float(np.finfo(np.float32).max)
    windows: Windows | None = None
    group_of: NDArray[np.int64] | None = None


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

    def run(self, progress: bool | None, counter: Counter | None = None) -> bool:
        """Embed the missing clips; return whether the user interrupted.

        Parameters
        ----------
        progress : bool, optional
            Whether to show a progress bar; by default where standard error is a terminal.
        counter : Counter, optional
            Counts the clips instead.
        """
        task = self._task
        if not task.is_missing.any():
            return False
        is_first = self._find_twins()
        work = self._work()
        begun = time.perf_counter()
        interrupted = False
        n_clips, seconds = int(is_first.sum()), float(work[is_first].sum())
        shown: contextlib.AbstractContextManager[Counter] = (
            counting(self._name, n_clips, unit="clips", work=seconds, show=progress)
            if counter is None
            else contextlib.nullcontext(counter)
        )
        with shown as counter, self._sink:
            rate_hz = self._model.sample_rate_hz
            embedder = ClipEmbedder(BatchEmbedder(self._model, task.batch_seconds), rate_hz)
            loaded = self._loaded(is_first)
            try:
                for clips in loaded:
                    complete, embeddings, problems = embedder.embed(clips)
                    self._keep(complete, embeddings, problems)
                    counter.advance(len(complete), work=_worked_off(clips, work, rate_hz))
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
        self._problems.update(dict.fromkeys(outdated, OUTDATED))
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

    def _work(self) -> NDArray[np.float64]:
        """Return the seconds of audio that a model gets of each clip, and a fixed cost."""
        windows = self._task.windows
        seconds = np.nan_to_num([each.duration_s for each in self._task.recordings])
        if windows is not None:
            seconds = np.array([windows.total_s(duration_s) for duration_s in seconds.tolist()])
        return seconds + _SECONDS_A_CLIP

    def _loaded(self, is_first: NDArray[np.bool_]) -> Generator[list[LoadedClip], None, None]:
        """Yield batches of clips; before them batches of windows of those that are longer."""
        task, model = self._task, self._model
        durations = np.array([recording.duration_s for recording in task.recordings])
        max_seconds = task.max_seconds
        if task.windows is not None:
            max_seconds = None
            is_long = is_first & ~(durations <= task.windows.window_s)  # or of unknown length
            n_together = windows_together(task.windows, task.batch_seconds)
            long = np.flatnonzero(is_long).tolist()
            yield from windows_ahead(task.recordings, long, model, task.windows, n_together)
            is_first = is_first & ~is_long
        together = [np.arange(len(durations))]
        if task.group_of is not None:
            ordered = np.argsort(task.group_of, kind="stable")
            together = np.split(ordered, np.flatnonzero(np.diff(task.group_of[ordered])) + 1)
        batches: list[list[int]] = []
        for some in together:
            planned = plan_batches(
                durations[some], is_first[some], task.batch_seconds, padded=task.padded
            )
            batches += [some[batch].tolist() for batch in planned]
        yield from loaded_ahead(task.recordings, batches, model.sample_rate_hz, max_seconds)

    def _keep(
        self,
        clips: Sequence[LoadedClip],
        embeddings: dict[int, NDArray[np.float32]],
        problems: dict[int, str],
    ) -> None:
        """Hand over the embeddings of complete clips to be stored, and note what failed."""
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


def _worked_off(clips: Sequence[LoadedClip], work: NDArray[np.float64], rate_hz: int) -> float:
    """Subtract what a batch did from the work of its clips, and return it.

    With the last of a clip all that is left of it is done: its header may be wrong.
    """
    done = 0.0
    for clip in clips:
        n_samples = 0 if clip.waveform is None else len(clip.waveform)
        left = work[clip.index]
        step = left if clip.is_last else min(n_samples / rate_hz, left)
        work[clip.index] -= step
        done += float(step)
    return done
