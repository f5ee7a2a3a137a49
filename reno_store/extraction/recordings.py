"""Recordings decoded ahead of the model, in background threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import hash_file, is_silent, read_duration_s, read_waveform
from reno_store.errors import AudioError, RenoStoreError

__all__ = [
    "MAX_SECONDS",
    "LoadedClip",
    "Recording",
    "loaded_ahead",
    "read_durations",
    "refuse_long",
]

MAX_SECONDS = 60.0
"""Length from which a recording is refused unless told otherwise: vocalisations last seconds,
and a minute needs some 2 GB in a base-sized encoder."""

_READING_THREADS = 4
_BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is to be embedded.

    Attributes
    ----------
    clip_id : str
        Its clip.
    path : Path
        Its file.
    sha256 : str or None
        What the file's hash has to be; None where any will do.
    duration_s : float
        What the file's header says; NaN where it says nothing.
    """

    clip_id: str
    path: Path
    sha256: str | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class LoadedClip:
    """A recording in memory, or why it is not.

    Attributes
    ----------
    index : int
        Which recording it is.
    waveform : numpy.ndarray of float32, shape (n_samples,), or None
        At the model's rate; None where it could not be had.
    problem : str
        Why; empty where it could.
    is_silent : bool
        Whether nothing is heard in it.
    """

    index: int
    waveform: NDArray[np.float32] | None
    problem: str = ""
    is_silent: bool = False


def read_durations(paths: Sequence[Path]) -> list[float]:
    """Read from each recording's header how long it is, in seconds; see `read_duration_s`."""
    with ThreadPoolExecutor(_READING_THREADS) as pool:
        return list(pool.map(read_duration_s, paths))


def loaded_ahead(
    recordings: Sequence[Recording],
    batches: Sequence[Sequence[int]],
    sample_rate_hz: int,
    max_seconds: float | None,
) -> Generator[list[LoadedClip], None, None]:
    """Give batch after batch, decoded while earlier ones are worked on.

    Parameters
    ----------
    recordings : Sequence[Recording]
        All of them.
    batches : Sequence[Sequence[int]]
        Which recordings come together, and in which order.
    sample_rate_hz : int
        Rate that the model wants, in hertz.
    max_seconds : float or None
        Longer clips are refused.

    Yields
    ------
    list of LoadedClip
        Of one batch, in its order.
    """
    n_threads = min(8, os.cpu_count() or 1)
    waiting: deque[list[Future[LoadedClip]]] = deque()
    upcoming = iter(batches)
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="decode")
    try:
        while True:
            while len(waiting) < _BATCHES_AHEAD and (batch := next(upcoming, None)) is not None:
                waiting.append(
                    [
                        pool.submit(_load, index, recordings[index], sample_rate_hz, max_seconds)
                        for index in batch
                    ]
                )
            if not waiting:
                return
            yield [future.result() for future in waiting.popleft()]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def refuse_long(path: Path, duration_s: float, max_seconds: float | None) -> None:
    """Refuse a recording that is longer than allowed.

    Raises
    ------
    AudioError
        With its length and what to do.
    """
    if max_seconds is not None and duration_s > max_seconds:
        raise AudioError(
            f"{path}: lasts {duration_s:,.2f} s; at most {max_seconds:g} s are allowed, because "
            "the memory that a model needs grows with a clip's length. Cut it into its "
            "vocalisations, or allow it: --max-seconds (max_seconds=...)."
        )


def _load(
    index: int, recording: Recording, sample_rate_hz: int, max_seconds: float | None
) -> LoadedClip:
    try:
        # Before it is decoded: hours of audio may not fit into memory.
        refuse_long(recording.path, recording.duration_s, max_seconds)
        waveform = read_waveform(recording.path, sample_rate_hz)
        refuse_long(recording.path, len(waveform) / sample_rate_hz, max_seconds)
        # What is stored beside an embedding must be the hash of what was embedded.
        if recording.sha256 is not None and hash_file(recording.path) != recording.sha256:
            raise AudioError(f"{recording.path}: changed while it was being built; build again.")
    except RenoStoreError as error:
        return LoadedClip(index, None, str(error))
    except Exception as error:
        return LoadedClip(index, None, f"{recording.path}: {type(error).__name__}: {error}")
    return LoadedClip(index, waveform, is_silent=is_silent(waveform))
