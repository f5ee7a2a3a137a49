"""MFCC and log-mel statistics of a clip: the offline pair, no weights, no download.

Both start from one log-mel spectrogram (25 ms Hann windows every 10 ms, 80 HTK mel bands
from 50 to 8000 Hz, natural logarithm of the power) and return statistics over its frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import PREPROCESSING
from reno_store.errors import ModelError
from reno_store.foundation_models.mel import N_MELS, SAMPLE_RATE_HZ, WINDOW_SAMPLES, mel_power
from reno_store.foundation_models.protocol import Waveform

__all__ = ["SPECTRAL_MODELS", "LogMelStatistics", "MfccStatistics"]

_N_MFCC = 20
_POWER_FLOOR = 1e-10  # digital silence stays finite: log(1e-10) is -23
_DELTA_WIDTH = 9  # frames in the window of the regression that estimates a slope
_CODE_VERSION = 1


class _SpectralStatistics:
    """The common part; see `FoundationModel` for the attributes and `embed`."""

    sample_rate_hz: int = SAMPLE_RATE_HZ
    min_samples: int = 1
    dim: int
    _kind: str

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Everything besides the clip that an embedding depends on."""
        return {
            "kind": self._kind,
            "weights": "none",
            "preprocessing": {**PREPROCESSING, "sampling_rate": SAMPLE_RATE_HZ},
            "layer": "none",
            "pooling": "statistics",
            "precision": "float32",
            "code": _CODE_VERSION,
        }

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips sampled at `sample_rate_hz`; see `FoundationModel.embed`."""
        rows = [self._describe(_log_mel(waveform)) for waveform in waveforms]
        return np.asarray(rows, np.float32).reshape(len(rows), self.dim)

    def _describe(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (n_frames, 80) into (dim,)."""
        raise NotImplementedError


class LogMelStatistics(_SpectralStatistics):
    """Mean, standard deviation and maximum of each of 80 log-mel bands: 240 dimensions."""

    dim = 3 * N_MELS
    _kind = "logmel"

    def _describe(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([log_mel.mean(axis=0), log_mel.std(axis=0), log_mel.max(axis=0)])


class MfccStatistics(_SpectralStatistics):
    """Mean and standard deviation of 20 MFCC and their first two differences: 120 dimensions."""

    dim = 2 * 3 * _N_MFCC
    _kind = "mfcc"

    def _describe(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.fft import dct
        from scipy.signal import savgol_filter

        mfcc = dct(log_mel, type=2, axis=1, norm="ortho")[:, :_N_MFCC]
        # The edges are repeated, so that even a clip of one frame has slopes: zero.
        slopes = [
            savgol_filter(mfcc, _DELTA_WIDTH, polyorder=order, deriv=order, axis=0, mode="nearest")
            for order in (1, 2)
        ]
        tracks = np.concatenate([mfcc, *slopes], axis=1)
        return np.concatenate([tracks.mean(axis=0), tracks.std(axis=0)])


SPECTRAL_MODELS: Mapping[str, Callable[[], _SpectralStatistics]] = MappingProxyType(
    {"logmel": LogMelStatistics, "mfcc": MfccStatistics}
)


def _log_mel(waveform: Waveform) -> NDArray[np.float64]:
    """Return the log-mel spectrogram of one clip, shape (n_frames, 80)."""
    if not len(waveform):
        raise ModelError("the waveform has no samples; expected at least 1.")
    # Half a window of zeros on either side centres the first frame on the first sample.
    padded = np.pad(waveform.astype(np.float64), WINDOW_SAMPLES // 2)
    return np.log(np.maximum(mel_power(padded), _POWER_FLOOR))
