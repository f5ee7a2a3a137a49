"""Running a model on a batch: a bad clip fails alone, a lack of memory costs only time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ModelError, RenoStoreError
from reno_store.extraction.planning import split_by_length
from reno_store.extraction.recordings import LoadedClip
from reno_store.foundation_models import FoundationModel, Waveform
from reno_store.runtime.devices import free_memory, is_out_of_memory

__all__ = ["BatchEmbedder", "ClipEmbedder", "located"]


class BatchEmbedder:
    """Embeds batches with a model, each in as few pieces as memory allows.

    Parameters
    ----------
    model : FoundationModel
        What it raises fails the clips that it was given, never the build.
    batch_seconds : float
        Limit of a batch's padded length; halved for good each time that memory runs out.
    """

    def __init__(self, model: FoundationModel, batch_seconds: float) -> None:
        self._model = model
        self._most_samples = batch_seconds * model.sample_rate_hz

    def embed(
        self, clips: Sequence[LoadedClip]
    ) -> tuple[dict[int, NDArray[np.float32]], dict[int, str]]:
        """Embed a batch.

        Returns
        -------
        dict of int to numpy.ndarray of float32, shape (dim,)
            Embeddings by the clips' indices.
        dict of int to str
            Reasons of the clips that failed.
        """
        embeddings: dict[int, NDArray[np.float32]] = {}
        problems = {clip.index: clip.problem for clip in clips if clip.waveform is None}
        waveforms = {clip.index: clip.waveform for clip in clips if clip.waveform is not None}
        lengths = {index: len(waveform) for index, waveform in waveforms.items()}
        longest_first = sorted(waveforms, key=lambda index: -lengths[index])
        # A header may have a wrong length, and memory may have run out before.
        waiting = self._cut(longest_first, lengths)
        while waiting:
            some = waiting.pop(0)
            try:
                rows = self._rows([waveforms[index] for index in some])
            except Exception as error:
                if is_out_of_memory(error) and len(some) > 1:
                    self._most_samples = lengths[some[0]] * len(some) / 2
                    waiting = self._cut([*some, *(i for rest in waiting for i in rest)], lengths)
                elif len(some) > 1:
                    waiting = [[index] for index in some] + waiting
                else:
                    seconds = lengths[some[0]] / self._model.sample_rate_hz
                    problems[some[0]] = _reason(error, seconds)
                # The traceback keeps the tensors alive that did not fit.
                error.__traceback__ = None
                free_memory()
                continue
            for index, row in zip(some, rows, strict=True):
                if np.isfinite(row).all():
                    embeddings[index] = row
                else:
                    problems[index] = (
                        f"the model returned {np.count_nonzero(~np.isfinite(row))} NaN or infinite "
                        "numbers; nothing was stored"
                    )
        return embeddings, problems

    def _cut(self, longest_first: Sequence[int], lengths: dict[int, int]) -> list[list[int]]:
        sizes = [float(lengths[index]) for index in longest_first]
        places = split_by_length(range(len(sizes)), sizes, self._most_samples)
        return [[longest_first[place] for place in batch] for batch in places]

    def _rows(self, waveforms: list[Waveform]) -> NDArray[np.float32]:
        rows = self._model.embed(waveforms)
        expected = (len(waveforms), self._model.dim)
        if np.shape(rows) != expected:
            raise ModelError(
                f"the model returned shape {np.shape(rows)} for {len(waveforms)} clip(s); "
                f"expected {expected}"
            )
        return np.asarray(rows, np.float32)


class ClipEmbedder:
    """Embeds recordings that arrive whole or window by window.

    The embedding of a recording is the mean over its windows, weighted by their lengths. Of
    one window it is the window's embedding.

    Parameters
    ----------
    embedder : BatchEmbedder
        Embeds the windows.
    sample_rate_hz : int
        The model's rate.
    """

    def __init__(self, embedder: BatchEmbedder, sample_rate_hz: int) -> None:
        self._embedder, self._rate_hz = embedder, sample_rate_hz
        self._begun: dict[int, _Mean] = {}

    def embed(
        self, windows: Sequence[LoadedClip]
    ) -> tuple[list[LoadedClip], dict[int, NDArray[np.float32]], dict[int, str]]:
        """Embed a batch.

        Returns
        -------
        list of LoadedClip
            The recordings that are now complete, without their waveforms.
        dict of int to numpy.ndarray of float32, shape (dim,)
            Their embeddings by the recordings' indices.
        dict of int to str
            Reasons of those that failed.
        """
        numbered = [
            replace(window, index=number)
            for number, window in enumerate(windows)
            if window.index not in self._begun or not self._begun[window.index].problem
        ]
        rows, reasons = self._embedder.embed(numbered)
        complete: list[LoadedClip] = []
        embeddings: dict[int, NDArray[np.float32]] = {}
        problems: dict[int, str] = {}
        for number, window in enumerate(windows):
            mean = self._begun.setdefault(window.index, _Mean())
            mean.is_silent &= window.is_silent
            if number in reasons:
                mean.problem = mean.problem or located(window, reasons[number], self._rate_hz)
            elif number in rows and window.waveform is not None:
                mean.add(rows[number], len(window.waveform))
            if window.is_last:
                del self._begun[window.index]
                complete.append(
                    LoadedClip(window.index, None, window.problem, is_silent=mean.is_silent)
                )
                if mean.problem:
                    problems[window.index] = mean.problem
                else:
                    embeddings[window.index] = mean.embedding
        return complete, embeddings, problems


@dataclass(slots=True)
class _Mean:
    """A recording of which some windows have been embedded."""

    total: NDArray[np.float64] | float = 0.0
    n_samples: int = 0
    is_silent: bool = True
    problem: str = ""

    def add(self, row: NDArray[np.float32], n_samples: int) -> None:
        self.total = self.total + row.astype(np.float64) * n_samples
        self.n_samples += n_samples

    @property
    def embedding(self) -> NDArray[np.float32]:
        return np.asarray(self.total / self.n_samples, np.float32)


def located(window: LoadedClip, reason: str, rate_hz: int) -> str:
    """Add to a reason which window of a long recording it is about."""
    if window.waveform is None or (window.is_last and not window.start):
        return reason
    start_s = window.start / rate_hz
    end_s = start_s + len(window.waveform) / rate_hz
    return f"window from {start_s:.2f} to {end_s:.2f} s: {reason}"


def _reason(error: Exception, duration_s: float) -> str:
    if isinstance(error, RenoStoreError):
        return str(error)
    if is_out_of_memory(error):
        message = "".join(f": {line}" for line in str(error).splitlines()[:1])
        return (
            f"its {duration_s:.1f} s do not fit into memory; cut it into its vocalizations or "
            f"shorter windows, or use a device with more memory ({type(error).__name__}{message})"
        )
    return f"the model raised {type(error).__name__}: {error}"
