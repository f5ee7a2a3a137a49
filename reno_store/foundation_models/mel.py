"""Power spectra in mel bands, used by the spectral models and Audio-Mamba.

16 kHz, 25 ms periodic Hann windows every 10 ms, 80 HTK mel bands from 50 to 8000 Hz
without area normalization. Each model pads the edges of a clip and takes the logarithm in
its own way.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HIGHEST_HZ",
    "HOP_SAMPLES",
    "LOWEST_HZ",
    "N_MELS",
    "SAMPLE_RATE_HZ",
    "WINDOW_SAMPLES",
    "mel_power",
]

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
N_MELS = 80
LOWEST_HZ = 50.0
HIGHEST_HZ = 8000.0


def mel_power(padded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power in each mel band of each window.

    Parameters
    ----------
    padded : numpy.ndarray of float64, shape (n_samples,)
        A clip at 16 kHz, padded at both ends; at least one window long.

    Returns
    -------
    numpy.ndarray of float64, shape (1 + (n_samples - 400) // 160, 80)
    """
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(frames * _hann(), axis=1)) ** 2
    bands: NDArray[np.float64] = power @ _mel_filters()
    return bands


@cache
def _hann() -> NDArray[np.float64]:
    from scipy.signal.windows import hann

    window: NDArray[np.float64] = hann(WINDOW_SAMPLES, sym=False)
    return window


@cache
def _mel_filters() -> NDArray[np.float64]:
    """Return the weights from power per bin to power per band, shape (201, 80)."""
    from transformers.audio_utils import mel_filter_bank

    filters: NDArray[np.float64] = mel_filter_bank(
        num_frequency_bins=WINDOW_SAMPLES // 2 + 1,
        num_mel_filters=N_MELS,
        min_frequency=LOWEST_HZ,
        max_frequency=HIGHEST_HZ,
        sampling_rate=SAMPLE_RATE_HZ,
        norm=None,
        mel_scale="htk",
    )
    return filters
