"""Recording -> mono float32 waveform at the sample rate of a model.

A recording is a file, an object in a bucket, which is read as a whole, or a row of a table
(`embedded`); `opened` opens each. libsndfile decodes
(wav, flac, ogg, mp3 and more), channels are averaged, soxr resamples. Files that libsndfile
accepts silently are refused here: those that end before the length in their header, with samples
that are not finite, or without samples.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.embedded import EmbeddedPlace, read_embedded
from reno_store.errors import AudioError, RenoStoreError
from reno_store.runtime.places import BucketPlace, Place

__all__ = [
    "PREPROCESSING",
    "SILENCE_PEAK",
    "FetchedRecording",
    "RecordingSource",
    "fetched",
    "hash_file",
    "is_silent",
    "opened",
    "read_duration_s",
    "read_waveform",
    "stream_waveform",
]

PREPROCESSING = {"channels": "mean", "resampler": "soxr HQ"}
"""Preprocessing of every recording, part of the fingerprint of each model."""

SILENCE_PEAK = 1e-4
"""A clip with a lower peak is silent: -80 dB relative to full scale."""

# What libsndfile notes, without an error, when a file is shorter than its header states: for
# the chunk of samples in wav, aiff and au, for the whole file in w64 and rf64.
_SHORTFALL = re.compile(
    r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
# A WAV written to a pipe has a length near 2**31 or 2**32, which means 'unknown'.
_UNKNOWN_LENGTH_BYTES = 0x7FFF0000
_UNKNOWN_FRAMES = 2**62  # libsndfile's value for a stream of unknown length
_BLOCK_SAMPLES = 2**19  # of all channels: 2 MB
_OGG_CUT_OFF = re.compile(r"end-of-stream bit|End-Of-Stream flag|Junk after the last page")


@dataclass(frozen=True, slots=True)
class FetchedRecording:
    """A recording whose bytes were fetched from a bucket, for more than one use.

    Attributes
    ----------
    place : BucketPlace
        Where it is.
    content : bytes
        The object.
    """

    place: BucketPlace
    content: bytes

    def __str__(self) -> str:
        return str(self.place)


RecordingSource: TypeAlias = str | Place | FetchedRecording
"""A path, a URL's place or a row of a table (see `embedded`), or what was fetched from there."""


def fetched(path: RecordingSource) -> RecordingSource:
    """Fetch a recording that is in a bucket, once for decoding and hashing.

    Raises
    ------
    AudioError
        If there is no such object.
    """
    if not isinstance(path, BucketPlace) or EmbeddedPlace.parse(path):
        return path
    try:
        return FetchedRecording(path, path.read_bytes())
    except FileNotFoundError as error:
        raise AudioError(_unreadable(path, error)) from None


def read_waveform(path: RecordingSource, sample_rate_hz: int) -> NDArray[np.float32]:
    """Read a recording as one channel at the given rate.

    Parameters
    ----------
    path : str or Path
        Any file that libsndfile reads, an object in a bucket, or a row of a table (see
        `embedded`).
    sample_rate_hz : int
        Rate of the result in hertz.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        The mean of the channels; full scale is 1.

    Raises
    ------
    AudioError
        If the file is missing, is not audio, is truncated, has no samples, or has samples
        that are not finite.
    """
    return np.concatenate([*stream_waveform(path, sample_rate_hz)])


def stream_waveform(path: RecordingSource, sample_rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Read a recording piece by piece, so that hours of audio need little memory.

    Parameters
    ----------
    path : str or Path
        Any file that libsndfile reads.
    sample_rate_hz : int
        Rate of the pieces in hertz.

    Yields
    ------
    numpy.ndarray of float32, shape (n_samples,)
        The next seconds. Joined, they are `read_waveform`'s result to the last bit.

    Raises
    ------
    AudioError
        As `read_waveform`; some errors are found only at the end, after all pieces.
    """
    import soxr

    path = fetched(path)
    resampler: Any = None
    n_frames = n_bad = n_samples = rate_hz = 0
    for frames, rate_hz in _decode(path):
        if not n_frames and rate_hz != sample_rate_hz:
            resampler = soxr.ResampleStream(rate_hz, sample_rate_hz, 1, "float32", quality="HQ")
        n_frames += len(frames)
        is_finite = np.isfinite(frames)
        if n_bad or not is_finite.all():
            n_bad += int(np.count_nonzero(~is_finite.all(axis=1)))
            continue
        mono = frames.mean(axis=1, dtype=np.float32)
        if resampler is not None:
            mono = resampler.resample_chunk(mono)
        n_samples += len(mono)
        yield mono
    if not n_frames:
        raise AudioError(f"{path}: has no samples; expected at least one. Record it again.")
    if n_bad:
        raise AudioError(
            f"{path}: {n_bad:,} of {n_frames:,} samples are NaN or infinite; "
            "expected finite numbers. Convert the recording again from its source."
        )
    if resampler is not None:
        mono = resampler.resample_chunk(np.empty(0, np.float32), last=True)
        n_samples += len(mono)
        yield mono
    if not n_samples:
        raise AudioError(
            f"{path}: its {n_frames} samples at {rate_hz} Hz are less than one sample "
            f"at {sample_rate_hz} Hz. Record it again."
        )


def read_duration_s(path: RecordingSource) -> float:
    """Return the duration in the header of a recording, in seconds; NaN where unknown.

    Use it only for planning: headers can be wrong.
    """
    try:
        with opened(path) as file:
            frames, rate_hz = file.frames, file.samplerate
    # libsndfile's errors are RuntimeErrors.
    except (OSError, RuntimeError, RenoStoreError):
        return float("nan")
    return frames / rate_hz if 0 <= frames < _UNKNOWN_FRAMES else float("nan")


@contextlib.contextmanager
def opened(path: RecordingSource) -> Iterator[Any]:
    """Open a recording, a file or a row of a table, for decoding.

    Yields
    ------
    soundfile.SoundFile
        Its format is found from its content, whatever the ending of its name.

    Raises
    ------
    OSError
        If the file cannot be read.
    soundfile.LibsndfileError
        If it is not audio.
    AudioError
        If a row of a table cannot be read.
    """
    import soundfile

    with contextlib.ExitStack() as stack:
        path = fetched(path)
        if isinstance(path, FetchedRecording):
            content: Any = io.BytesIO(path.content)
        elif place := EmbeddedPlace.parse(path):
            content = io.BytesIO(read_embedded(place))
        else:
            # By its descriptor, so that libsndfile ignores a wrong ending.
            content = stack.enter_context(Path(str(path)).open("rb")).fileno()
        yield stack.enter_context(soundfile.SoundFile(content, closefd=False))


def hash_file(path: RecordingSource) -> str:
    """Return the SHA-256 of a recording's audio file, in hexadecimal.

    For a row of a table it is that of the audio file in the row, so moving recordings between
    files and tables does not change it.

    Raises
    ------
    AudioError
        If the file is missing or cannot be read.
    """
    path = fetched(path)
    if isinstance(path, FetchedRecording):
        return hashlib.sha256(path.content).hexdigest()
    if place := EmbeddedPlace.parse(path):
        return hashlib.sha256(read_embedded(place)).hexdigest()
    try:
        with Path(str(path)).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AudioError(_unreadable(path, error)) from None


def is_silent(waveform: NDArray[np.float32]) -> bool:
    """Return whether the peak of a waveform is below `SILENCE_PEAK`."""
    return bool(np.abs(waveform).max(initial=0.0) < SILENCE_PEAK)


def _decode(path: RecordingSource) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield (n_frames, n_channels) float32, block by block, and the file's rate in hertz."""
    import soundfile

    n_frames = 0
    try:
        with opened(path) as file:
            declared, rate_hz = file.frames, file.samplerate
            _refuse_cut_off(path, file.extra_info)  # before hours are decoded in vain
            # soundfile would seek after each block, which changes what mp3 and opus decode to.
            file.seekable = lambda: False
            n_left = declared if 0 <= declared < _UNKNOWN_FRAMES else _UNKNOWN_FRAMES
            n_wanted = max(_BLOCK_SAMPLES // file.channels, 1)
            while n_left:
                frames = file.read(min(n_wanted, n_left), dtype="float32", always_2d=True)
                if not len(frames):
                    break
                n_frames, n_left = n_frames + len(frames), n_left - len(frames)
                yield frames, rate_hz
            _refuse_cut_off(path, file.extra_info)
    except OSError as error:
        raise AudioError(_unreadable(path, error)) from None
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip(" .:")
        if "does not exist" in reason:  # libsndfile's error for an mp3 without a frame
            reason = "it contains no sound"
        raise AudioError(
            f"{path}: not audio that can be decoded ({reason}). "
            "Expected wav, flac, ogg, mp3, aiff or another format that libsndfile reads, "
            "whatever the file's ending. Convert it, or copy it again if it is damaged."
        ) from None
    if n_frames < declared < _UNKNOWN_FRAMES:
        raise AudioError(
            f"{path}: truncated: its header states {declared:,} samples per channel, "
            f"{n_frames:,} can be decoded. Copy it again from its source."
        )


def _missing_end(details: str) -> str | None:
    """Return what is missing at the end of a file by libsndfile's notes, None if complete."""
    shortfall = _SHORTFALL.search(details)
    if shortfall and int(shortfall[2]) < int(shortfall[1]) < _UNKNOWN_LENGTH_BYTES:
        return (
            f"its header states {int(shortfall[1]):,} bytes of samples, "
            f"the file has {int(shortfall[2]):,}"
        )
    return "its last Ogg page is missing or cut off" if _OGG_CUT_OFF.search(details) else None


def _refuse_cut_off(path: RecordingSource, details: str) -> None:
    if missing := _missing_end(details):
        raise AudioError(f"{path}: truncated: {missing}. Copy it again from its source.")


def _unreadable(path: RecordingSource, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file. Check its path."
    return f"{path}: cannot be read: {error.strerror or error}."
