"""Audio Spectrogram Transformer: patches of a log-mel spectrogram of about 10 s.

Shorter clips are followed by silence, as in training; longer ones are refused, where the feature
extractor would cut them. The encoder returns two special tokens and then a grid of patches. A
frame of a clip is a column of that grid, its mean over the frequencies; the special tokens are
left out, because they describe all of the 10 s. A column belongs to a clip if it begins before
the clip ends.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.foundation_models.huggingface.families.base import (
    MOST_FIXED_CLIPS,
    Family,
    Frames,
    IgnorePadding,
    no_padding,
)
from reno_store.foundation_models.protocol import Waveform

__all__ = ["AudioSpectrogramTransformer", "FilterbankFrames"]

_WINDOW_SAMPLES, _HOP_SAMPLES = 400, 160  # Kaldi's 25 and 10 ms, which the extractors fix
_N_SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class FilterbankFrames:
    """Frames made of Kaldi filter-bank frames, which do not reach beyond a clip.

    Attributes
    ----------
    stride : int
        Filter-bank frames from one frame to the next.
    partial : bool
        Whether a last frame that is not full counts.
    most : int or None
        Largest number of frames.
    """

    stride: int
    partial: bool = False
    most: int | None = None

    @property
    def shortest(self) -> int:
        """Samples of one filter-bank frame, or of as many as a full frame has."""
        return _WINDOW_SAMPLES + _HOP_SAMPLES * (0 if self.partial else self.stride - 1)

    def after(self, n_samples: int) -> int:
        """Return the number of frames of a clip."""
        n_banks = 1 + (n_samples - _WINDOW_SAMPLES) // _HOP_SAMPLES
        n_frames = -(-n_banks // self.stride) if self.partial else n_banks // self.stride
        return n_frames if self.most is None else min(n_frames, self.most)


@dataclass(frozen=True, slots=True)
class AudioSpectrogramTransformer(Family):
    """The encoder below the classifier of an AST checkpoint."""

    extractor: str = "ASTFeatureExtractor"
    settings: tuple[str, ...] = (
        "num_mel_bins",
        "sampling_rate",
        "max_length",
        "padding_value",
        "do_normalize",
        "mean",
        "std",
    )
    parts: tuple[str, ...] = ("embeddings.", "encoder.", "layers.", "layernorm.")

    def problem(self, extractor: Any, config: Any) -> str:
        """Compare the spectrogram of the extractor with what the encoder takes."""
        made = (extractor.max_length, extractor.num_mel_bins)
        taken = (config.max_length, config.num_mel_bins)
        if made != taken:
            return (
                f"max_length and num_mel_bins make spectrograms of {made[0]} frames of {made[1]} "
                f"bands; the encoder takes {taken[0]} of {taken[1]}"
            )
        _mel_filters(extractor.sampling_rate, extractor.num_mel_bins)  # not first on threads
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the columns of patches, one every 100 ms at the published settings."""
        most = (config.max_length - _patch(config)[1]) // config.time_stride + 1
        return FilterbankFrames(config.time_stride, partial=True, most=most)

    def longest(self, config: Any, extractor: Any) -> int | None:
        """Return the samples of a full spectrogram: 10.26 s at the published settings."""
        return _WINDOW_SAMPLES + _HOP_SAMPLES * extractor.max_length - 1

    def stack(self, encoder: Any) -> Any:
        """Return the encoder itself."""
        return encoder

    def most_clips(self) -> int | None:
        """Return a limit, because every clip takes the memory of the longest."""
        return MOST_FIXED_CLIPS

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return the spectrogram, shape (max_length, n_bands).

        The extractor computes it with torchaudio where that is installed and with numpy
        elsewhere, with other last digits. Here it is always the latter.
        """
        from transformers.audio_utils import spectrogram, window_function

        banks = spectrogram(
            np.asarray(waveform, np.float32),
            window_function(_WINDOW_SAMPLES, "hann", periodic=False),
            frame_length=_WINDOW_SAMPLES,
            hop_length=_HOP_SAMPLES,
            fft_length=512,
            power=2.0,
            center=False,
            preemphasis=0.97,
            mel_filters=_mel_filters(extractor.sampling_rate, extractor.num_mel_bins),
            log_mel="log",
            mel_floor=1.192092955078125e-07,
            remove_dc_offset=True,
        ).T
        full = np.zeros((extractor.max_length, extractor.num_mel_bins), np.float32)
        full[: len(banks)] = banks
        return torch.from_numpy(extractor.normalize(full) if extractor.do_normalize else full)

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a batch; the spectrograms have one length and need no mask."""
        return torch.stack(list(clips)), None

    def covered(self, hidden: torch.Tensor, n_frames: int, config: Any) -> torch.Tensor:
        """Return the columns of the grid that a clip covers, averaged over frequency."""
        n_rows = (config.num_mel_bins - _patch(config)[0]) // config.frequency_stride + 1
        grid = hidden[_N_SPECIAL_TOKENS:].reshape(n_rows, -1, hidden.shape[-1])
        return grid.float().mean(dim=0)[:n_frames]

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change nothing: the silence after a clip is its context."""
        return no_padding


@cache
def _mel_filters(rate_hz: int, n_bands: int) -> NDArray[np.float64]:
    """Return the weights from power per bin to power per band, shape (257, n_bands)."""
    from transformers.audio_utils import mel_filter_bank

    with warnings.catch_warnings():
        # The published models have such filters.
        warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
        filters: NDArray[np.float64] = mel_filter_bank(
            num_frequency_bins=257,
            num_mel_filters=n_bands,
            min_frequency=20,
            max_frequency=rate_hz // 2,
            sampling_rate=rate_hz,
            norm=None,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
    return filters


def _patch(config: Any) -> tuple[int, int]:
    """Return the height and width of a patch."""
    size = config.patch_size
    return (size, size) if isinstance(size, int) else (size[0], size[1])
