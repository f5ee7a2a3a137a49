"""Long recordings on their way to a model: decoded ahead, window by window."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import is_silent, stream_waveform
from reno_store.errors import BucketError
from reno_store.extraction.recordings import LoadedClip, Recording, failed_clip, refuse_changed
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel

__all__ = ["windows_ahead", "windows_together"]

_MOST_WINDOWS = 512


def windows_together(windows: Windows, batch_seconds: float) -> int:
    """Return how many windows form a batch."""
    return max(int(min(batch_seconds / windows.window_s, _MOST_WINDOWS)), 1)


def windows_ahead(
    recordings: Sequence[Recording],
    indices: Sequence[int],
    model: FoundationModel,
    windows: Windows,
    n_together: int,
) -> Generator[list[LoadedClip], None, None]:
    """Yield batches of windows, decoded while earlier ones are processed.

    Several recordings are decoded side by side, each at most one batch of windows ahead, so
    memory does not depend on their lengths.

    Parameters
    ----------
    recordings : Sequence[Recording]
        All of them.
    indices : Sequence[int]
        Which of them to decode, in order.
    model : FoundationModel
        For its rate and its shortest waveform.
    windows : Windows
        How they are cut.
    n_together : int
        Windows in a batch.

    Yields
    ------
    list of LoadedClip
        Windows, those of one recording one after the other, of several recordings if one ends.
    """
    n_threads = min(8, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="decode")
    upcoming = (_windows(index, recordings[index], model, windows) for index in indices)
    decoding: deque[tuple[Iterator[LoadedClip], Future[list[LoadedClip]]]] = deque()

    def next_of(stream: Iterator[LoadedClip]) -> Future[list[LoadedClip]]:
        return pool.submit(lambda: list(islice(stream, n_together)))

    held: list[LoadedClip] = []
    try:
        while True:
            for stream in islice(upcoming, n_threads - len(decoding)):
                decoding.append((stream, next_of(stream)))
            if not decoding:
                break
            stream, future = decoding.popleft()
            held += future.result()
            if not held[-1].is_last:
                decoding.appendleft((stream, next_of(stream)))
            while len(held) >= n_together:
                yield held[:n_together]
                held = held[n_together:]
        if held:
            yield held
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _windows(
    index: int, recording: Recording, model: FoundationModel, windows: Windows
) -> Iterator[LoadedClip]:
    """Yield the windows of a recording; a problem is the last."""
    rate_hz = model.sample_rate_hz
    try:
        blocks = _unchanged(recording, rate_hz)
        for start, window, is_last in windows.cut(blocks, rate_hz, model.min_samples):
            yield LoadedClip(
                index, window, is_silent=is_silent(window), start=start, is_last=is_last
            )
    except BucketError:
        raise
    except Exception as error:
        yield failed_clip(index, recording, error)


def _unchanged(recording: Recording, sample_rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Yield a recording's blocks; then check that it is the one that was hashed."""
    yield from stream_waveform(recording.path, sample_rate_hz)
    refuse_changed(recording)
