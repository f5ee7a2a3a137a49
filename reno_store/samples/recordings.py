"""Recordings of any kind -> one model's embeddings: files, and waveforms in memory.

Both are mixed down, resampled and embedded as in a build, so the numbers are the same. A model is
loaded once per process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import hash_file
from reno_store.errors import AudioError
from reno_store.extraction import (
    MAX_SECONDS,
    Extraction,
    Recording,
    Task,
    default_batch_seconds,
    read_durations,
)
from reno_store.extraction.embedding import BatchEmbedder, ClipEmbedder
from reno_store.extraction.planning import split_by_length
from reno_store.extraction.recordings import LoadedClip, refuse_long
from reno_store.extraction.reports import Failure
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel, ModelSpec, Waveform, load_model
from reno_store.runtime.places import BucketPlace, Place, open_place

__all__ = [
    "Keep",
    "RecordingLike",
    "as_recordings",
    "embed_recordings",
    "hash_recording",
    "label_of",
    "loaded_model",
]

RecordingLike: TypeAlias = Place | tuple[NDArray[Any], int]
"""An audio file, which may be in a bucket, or a waveform, shape (n_samples,) or (n_samples,
n_channels), with its rate in hertz."""

Keep: TypeAlias = Callable[[NDArray[np.int64], NDArray[np.float32]], None]
"""Takes finished embeddings: positions, shape (n,), and numbers, shape (n, dim)."""

_MODELS_KEPT = 4
_NAMES = (str, Path, BucketPlace)


@lru_cache(maxsize=_MODELS_KEPT)
def loaded_model(spec: ModelSpec, device: str, precision: str) -> FoundationModel:
    """Load a model, or return the one that this process has loaded already."""
    return load_model(spec, device=device, precision=precision)


def as_recordings(given: Any) -> list[RecordingLike]:
    """Return recordings as a list of paths and of (waveform, rate) pairs.

    Parameters
    ----------
    given : str, Path, (waveform, rate_hz) or a sequence of them
        Files, also by URLs such as ``s3://BUCKET/a.wav``, or waveforms. A column of paths, shape
        (n, 1), is allowed too.

    Raises
    ------
    AudioError
        If something is neither; all such are named.

    Examples
    --------
    >>> as_recordings("a.wav"), len(as_recordings([("a.wav"), (np.zeros(9), 16_000)]))
    ([PosixPath('a.wav')], 2)
    """
    if isinstance(given, _NAMES) or _is_pair(given):
        given = [given]
    if isinstance(given, np.ndarray) and given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    elif hasattr(given, "columns") and len(given.columns) == 1:
        given = given.iloc[:, 0]
    found: list[RecordingLike] = []
    problems = []
    for number, each in enumerate(given):
        if isinstance(each, _NAMES):
            found.append(open_place(each, "recording", AudioError))
        elif _is_pair(each):
            found.append((np.asarray(each[0]), int(each[1])))
        else:
            problems.append(f"recording {number}: {type(each).__name__}")
    if problems:
        raise AudioError(
            f"expected paths or pairs (waveform, rate_hz), got {'; '.join(problems[:5])}"
            f"{f' and {len(problems) - 5:,} more' if len(problems) > 5 else ''}."
        )
    return found


def _is_pair(each: Any) -> bool:
    return (
        isinstance(each, tuple | list)
        and len(each) == 2
        and isinstance(each[0], np.ndarray)
        and each[0].ndim in (1, 2)
        and isinstance(each[1], int | np.integer)
    )


def label_of(recording: RecordingLike, number: int) -> str:
    """Return what errors call a recording."""
    return str(recording) if isinstance(recording, Place) else f"waveform {number}"


def hash_recording(recording: RecordingLike) -> str:
    """Return the SHA-256 of a file, or of a waveform with its rate; never the same for both.

    Raises
    ------
    AudioError
        If the file is missing or cannot be read.
    """
    if isinstance(recording, Place):
        return hash_file(recording)
    frames, rate_hz = recording
    digest = hashlib.sha256(f"waveform {frames.shape} {rate_hz}\n".encode())
    digest.update(np.ascontiguousarray(frames, np.float32).data)
    return digest.hexdigest()


def embed_recordings(
    name: str,
    model: FoundationModel,
    recordings: Sequence[RecordingLike],
    *,
    device: str,
    max_seconds: float | None = MAX_SECONDS,
    windows: Windows | None = None,
    progress: bool | None = False,
    keep: Keep | None = None,
) -> tuple[NDArray[np.float32], dict[int, Failure]]:
    """Embed recordings with one model.

    Parameters
    ----------
    name : str
        The model's name, for the progress bar.
    model : FoundationModel
        The model.
    recordings : Sequence[Path or (waveform, rate_hz)]
        From `as_recordings`.
    device : str
        Where the model computes.
    max_seconds : float or None
        Longer recordings fail; None allows any length. Not used with windows.
    windows : Windows, optional
        How longer recordings are cut.
    progress : bool, optional
        Whether to show a progress bar.
    keep : Keep, optional
        Called with embeddings as they are finished, from a background thread.

    Returns
    -------
    numpy.ndarray of float32, shape (n_recordings, dim)
        Rows of recordings that failed are NaN.
    dict of int to Failure
        Why recordings failed, by their positions.

    Raises
    ------
    KeyboardInterrupt
        If the user interrupted; finished embeddings have been kept.
    """
    block = np.full((len(recordings), model.dim), np.nan, np.float32)

    def put(rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        block[rows] = embeddings
        if keep is not None:
            keep(rows, embeddings)

    paths = {n: each for n, each in enumerate(recordings) if isinstance(each, Place)}
    failures: dict[int, Failure] = {}
    if paths:
        task = Task(
            [
                Recording(str(number), path, None, duration_s)
                for (number, path), duration_s in zip(
                    paths.items(), read_durations(list(paths.values())), strict=True
                )
            ],
            np.array(list(paths), np.int64),
            np.ones(len(paths), bool),
            default_batch_seconds(device),
            max_seconds,
            padded=not device.startswith("cpu"),
            windows=windows,
        )
        extraction = Extraction(name, model, task, put)
        if extraction.run(progress):
            raise KeyboardInterrupt
        for failure in extraction.report().failures:
            number = int(failure.clip_id)
            failures[number] = Failure(str(paths[number]), failure.reason, failure.is_unreadable)
    if len(paths) < len(recordings):
        waveforms: dict[int, Waveform] = {}
        for number, each in enumerate(recordings):
            if not isinstance(each, Place):
                try:
                    waveforms[number] = _as_waveform(*each, model.sample_rate_hz)
                    if windows is None:
                        seconds = len(waveforms[number]) / model.sample_rate_hz
                        refuse_long(Path(label_of(each, number)), seconds, max_seconds)
                except AudioError as error:
                    waveforms.pop(number, None)
                    failures[number] = Failure(label_of(each, number), str(error), True)
        for found, problems in _embed_waveforms(model, waveforms, device, windows):
            if found:
                put(np.array(list(found), np.int64), np.stack(list(found.values())))
            for number, reason in problems.items():
                failures[number] = Failure(label_of(recordings[number], number), reason)
    return block, dict(sorted(failures.items()))


def _embed_waveforms(
    model: FoundationModel,
    waveforms: Mapping[int, Waveform],
    device: str,
    windows: Windows | None,
) -> Iterator[tuple[dict[int, NDArray[np.float32]], dict[int, str]]]:
    """Yield the embeddings and the problems of batches, by the waveforms' positions."""
    rate_hz, batch_seconds = model.sample_rate_hz, default_batch_seconds(device)
    embedder = ClipEmbedder(BatchEmbedder(model, batch_seconds), rate_hz)
    longest_first = sorted(waveforms, key=lambda number: -len(waveforms[number]))
    lengths = [float(len(waveforms[number])) for number in longest_first]
    for batch in split_by_length(range(len(lengths)), lengths, batch_seconds * rate_hz):
        clips: list[LoadedClip] = []
        for number in (longest_first[place] for place in batch):
            if windows is None:
                clips.append(LoadedClip(number, waveforms[number]))
                continue
            pieces = windows.cut([waveforms[number]], rate_hz, model.min_samples)
            clips += [LoadedClip(number, piece, start=at, is_last=end) for at, piece, end in pieces]
        _, embeddings, problems = embedder.embed(clips)
        yield embeddings, problems


def _as_waveform(frames: NDArray[Any], rate_hz: int, sample_rate_hz: int) -> Waveform:
    """Mix down and resample, as `reno_store.corpora.audio` does with a file.

    Raises
    ------
    AudioError
        If there are no samples, or they are not finite numbers.
    """
    import soxr

    if not np.issubdtype(frames.dtype, np.floating):
        raise AudioError(
            f"a waveform of {frames.dtype}; expected floating-point samples with full scale 1. "
            "Divide whole numbers by their full scale, such as 32768."
        )
    if rate_hz < 1:
        raise AudioError(f"the rate is {rate_hz} Hz; expected at least 1.")
    if not frames.size:
        raise AudioError("it has no samples; expected at least one.")
    frames = frames.astype(np.float32)
    if not np.isfinite(frames).all():
        raise AudioError("it has NaN or infinite samples; expected finite numbers.")
    mono = frames.mean(axis=1, dtype=np.float32) if frames.ndim == 2 else frames
    if rate_hz != sample_rate_hz:
        mono = soxr.resample(mono, rate_hz, sample_rate_hz, quality="HQ")
        if not len(mono):
            raise AudioError(
                f"its {len(frames)} samples at {rate_hz} Hz are less than one sample at "
                f"{sample_rate_hz} Hz."
            )
    return np.ascontiguousarray(mono, np.float32)
