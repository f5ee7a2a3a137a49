"""Waveform -> standardized log-mel spectrogram -> units of two seconds, zero-padded.

The input of the published model: 25 ms Hann windows every 10 ms, 80 HTK mel bands
from 50 to 8000 Hz, natural logarithm, each clip standardized by itself. Computed in
float64 and returned as float32: a digitally silent clip becomes zeros, where float32
would divide rounding errors by 1e-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.foundation_models.mel import (
    HIGHEST_HZ,
    HOP_SAMPLES,
    LOWEST_HZ,
    N_MELS,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    mel_power,
)
from reno_store.foundation_models.protocol import Waveform

__all__ = [
    "LOG_MEL_SETTINGS",
    "MIN_SAMPLES",
    "N_MELS",
    "SAMPLE_RATE_HZ",
    "UNIT_FRAMES",
    "cut_into_units",
    "log_mel",
]

UNIT_FRAMES = 200
"""Frames per unit, the input of the encoder: two seconds."""

_POWER_OFFSET = 1.1920929e-07  # float32's machine epsilon, added before the logarithm
_DEVIATION_OFFSET = 1e-8

MIN_SAMPLES = WINDOW_SAMPLES // 2 + 1
"""201 samples: half a window is reflected at both ends, without repeating the edge."""

LOG_MEL_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "sampling_rate": SAMPLE_RATE_HZ,
        "window": "periodic Hann",
        "window_samples": WINDOW_SAMPLES,
        "hop_samples": HOP_SAMPLES,
        "padding": "centred, reflected",
        "mel_bands": N_MELS,
        "mel_scale": "HTK, no area normalisation",
        "lowest_hz": LOWEST_HZ,
        "highest_hz": HIGHEST_HZ,
        "logarithm": f"ln(power + {_POWER_OFFSET})",
        "standardised": "clip, unbiased",
        "unit_frames": UNIT_FRAMES,
    }
)
"""The settings of the front end as JSON values; part of the fingerprint."""


def log_mel(waveform: Waveform) -> NDArray[np.float32]:
    """Return the standardized log-mel spectrogram of one clip.

    Parameters
    ----------
    waveform : numpy.ndarray of float32, shape (n_samples,)
        At `SAMPLE_RATE_HZ`, at least `MIN_SAMPLES` long.

    Returns
    -------
    numpy.ndarray of float32, shape (1 + n_samples // 160, 80)
        Over the whole clip, mean 0 and standard deviation 1.
    """
    padded = np.pad(waveform.astype(np.float64), WINDOW_SAMPLES // 2, mode="reflect")
    levels = np.log(mel_power(padded) + _POWER_OFFSET)
    levels -= levels.mean()
    standardised = levels / (levels.std(ddof=1) + _DEVIATION_OFFSET)
    return standardised.astype(np.float32)


def cut_into_units(spectrogram: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pad a spectrogram with zeros in time and cut it into units.

    Parameters
    ----------
    spectrogram : numpy.ndarray of float32, shape (n_frames, n_bands)
        From `log_mel`.

    Returns
    -------
    numpy.ndarray of float32, shape (n_frames // 200 + 1, 200, n_bands)
        Padded like the published model: a clip that exactly fills its last unit gets another
        unit of zeros.
    """
    n_frames, n_bands = spectrogram.shape
    padding = UNIT_FRAMES - n_frames % UNIT_FRAMES
    return np.pad(spectrogram, ((0, padding), (0, 0))).reshape(-1, UNIT_FRAMES, n_bands)
