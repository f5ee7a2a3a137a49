"""Recordings and clip tables made up for tests."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile

__all__ = ["HEADER", "write_manifest_csv", "write_wav"]

HEADER = ("clip_id", "path", "label", "speaker")


def write_wav(
    path: str | Path,
    seconds: float = 0.5,
    rate_hz: int = 16_000,
    channels: int = 1,
    seed: int = 0,
    **options,
) -> Path:
    """Write a decaying noisy tone: the same bytes for the same arguments.

    Parameters
    ----------
    path : str or Path
        The file; its ending decides the format unless ``format=`` does. Its folder is
        made when it is not there.
    seconds, rate_hz, channels
        Duration, sample rate in hertz, number of channels; channels differ.
    seed : int
        Of pitch and noise: another seed is another recording.
    **options
        For `soundfile.write`: ``subtype``, ``format`` and so on.

    Returns
    -------
    Path
        The file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz))[:, None] / rate_hz
    pitch_hz = random.uniform(120, 800, size=channels)
    tone = 0.5 * np.sin(2 * np.pi * pitch_hz * time_s)
    noise = 0.05 * random.standard_normal((len(time_s), channels))
    samples = np.exp(-3 * time_s) * (tone + noise)
    soundfile.write(path, np.clip(samples, -1, 1), rate_hz, **options)
    return path


def write_manifest_csv(
    path: str | Path, rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER
) -> Path:
    """Write rows, right or wrong, under a header; nothing is checked."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path
