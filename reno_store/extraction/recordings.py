"""Recordings on disk: their lengths, their hashes, and decoding ahead of the model."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import REQUIRED_COLUMNS, Manifest
from reno_store.corpora.audio import (
    RecordingSource,
    fetched,
    hash_file,
    is_silent,
    read_duration_s,
    read_waveform,
)
from reno_store.errors import AudioError, BucketError, RenoStoreError
from reno_store.runtime.places import Place
from reno_store.runtime.progress import counting

__all__ = [
    "MAX_SECONDS",
    "LoadedClip",
    "Recording",
    "clip_columns",
    "failed_clip",
    "loaded_ahead",
    "read_durations",
    "refuse_changed",
    "refuse_long",
]

MAX_SECONDS = 60.0
"""Maximum clip length by default (longer recordings are rejected): vocalizations last seconds,
and a minute needs about 2 GB in a base-sized encoder."""

_READING_THREADS = 4
_BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to embed.

    Attributes
    ----------
    clip_id : str
        Its clip.
    path : Place
        Its file.
    sha256 : str or None
        The file's expected hash; None for any.
    duration_s : float
        Length from the file's header; NaN if unknown.
    """

    clip_id: str
    path: Place
    sha256: str | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class LoadedClip:
    """A decoded recording or a window of one, or why it could not be decoded.

    Attributes
    ----------
    index : int
        Position of the recording.
    waveform : numpy.ndarray of float32, shape (n_samples,), or None
        At the model's rate; None where decoding failed.
    problem : str
        Why decoding failed; empty otherwise.
    is_silent : bool
        Whether it is silent.
    start : int
        Where it begins in its recording, in samples.
    is_last : bool
        Whether nothing of its recording follows.
    """

    index: int
    waveform: NDArray[np.float32] | None
    problem: str = ""
    is_silent: bool = False
    start: int = 0
    is_last: bool = True


def read_durations(paths: Sequence[Place]) -> list[float]:
    """Return each recording's length in seconds, from its header; see `read_duration_s`."""
    with ThreadPoolExecutor(_READING_THREADS) as pool:
        return list(pool.map(read_duration_s, paths))


def clip_columns(
    manifest: Manifest,
    progress: bool | None = None,
    is_hashed: NDArray[np.bool_] | None = None,
) -> dict[str, list[str]]:
    """Return a manifest's columns and its recordings' hashes.

    Parameters
    ----------
    manifest : Manifest
        The clips.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.
    is_hashed : numpy.ndarray of bool, shape (n_clips,), optional
        Which recordings to read; by default all.

    Returns
    -------
    dict of str to list of str
        One string per clip and column; ``audio_sha256`` is empty where a recording is not or
        cannot be read.
    """
    clips = manifest.clips
    hashed = range(len(clips)) if is_hashed is None else np.flatnonzero(is_hashed).tolist()
    with (
        counting("hashing recordings", len(hashed), unit="clips", show=progress) as counter,
        ThreadPoolExecutor(_READING_THREADS) as pool,
    ):

        def hash_or_empty(path: Place) -> str:
            try:
                return hash_file(path)
            except AudioError:
                return ""
            finally:
                counter.advance()

        hashes = [""] * len(clips)
        paths = [manifest.audio_path(clips[index]) for index in hashed]
        for index, found in zip(hashed, pool.map(hash_or_empty, paths), strict=True):
            hashes[index] = found
    columns = {name: [getattr(clip, name) for clip in clips] for name in REQUIRED_COLUMNS}
    for name in manifest.extra_columns:
        columns[name] = [clip.extra[name] for clip in clips]
    return {**columns, "audio_sha256": hashes}


def loaded_ahead(
    recordings: Sequence[Recording],
    batches: Sequence[Sequence[int]],
    sample_rate_hz: int,
    max_seconds: float | None,
) -> Generator[list[LoadedClip], None, None]:
    """Yield batches, decoded while earlier ones are processed.

    Parameters
    ----------
    recordings : Sequence[Recording]
        All of them.
    batches : Sequence[Sequence[int]]
        Which recordings form a batch, in order.
    sample_rate_hz : int
        The model's rate, in hertz.
    max_seconds : float or None
        Maximum clip length.

    Yields
    ------
    list of LoadedClip
        One batch, in its order.
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


def refuse_long(path: RecordingSource, duration_s: float, max_seconds: float | None) -> None:
    """Check that a recording is not longer than allowed.

    Raises
    ------
    AudioError
        If it is longer.
    """
    if max_seconds is not None and duration_s > max_seconds:
        raise AudioError(
            f"{path}: lasts {duration_s:,.2f} s; the maximum is {max_seconds:g} s, because a "
            "model's memory grows with a clip's length. Cut it into its vocalizations, embed it in "
            "windows (window_s), or raise max_seconds."
        )


def refuse_changed(recording: Recording, source: RecordingSource | None = None) -> None:
    """Check that a file still has its expected hash: the stored one must be what was embedded.

    `source` is what was decoded; by default the file.

    Raises
    ------
    AudioError
        If it has changed or is gone.
    """
    if recording.sha256 is not None and hash_file(source or recording.path) != recording.sha256:
        raise AudioError(f"{recording.path}: changed while it was being built; build again.")


def failed_clip(index: int, recording: Recording, error: Exception) -> LoadedClip:
    """Return a recording that could not be decoded, with the reason."""
    if isinstance(error, RenoStoreError):
        return LoadedClip(index, None, str(error))
    return LoadedClip(index, None, f"{recording.path}: {type(error).__name__}: {error}")


def _load(
    index: int, recording: Recording, sample_rate_hz: int, max_seconds: float | None
) -> LoadedClip:
    try:
        # Before decoding: hours of audio may not fit into memory.
        refuse_long(recording.path, recording.duration_s, max_seconds)
        source = fetched(recording.path)
        waveform = read_waveform(source, sample_rate_hz)
        refuse_long(recording.path, len(waveform) / sample_rate_hz, max_seconds)
        refuse_changed(recording, source)
    except BucketError:  # of all recordings that follow, too
        raise
    except Exception as error:
        return failed_clip(index, recording, error)
    return LoadedClip(index, waveform, is_silent=is_silent(waveform))
