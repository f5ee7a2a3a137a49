"""Parakeet: log-mel frames normalized per clip, subsampled by 8, then a Fast Conformer.

The encoder masks padding by itself, in its convolutions and in attention.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from reno_store.foundation_models.huggingface.families.base import (
    Family,
    Frames,
    IgnorePadding,
    no_padding,
)
from reno_store.foundation_models.protocol import Waveform

__all__ = ["Parakeet"]


@dataclass(frozen=True, slots=True)
class _SubsampledFrames:
    """Frames of the strided convolutions, from mel frames that a clip fills."""

    hop_samples: int
    kernel: int
    stride: int
    n_convolutions: int

    @property
    def shortest(self) -> int:
        """Two mel frames: the variance of one is not defined."""
        return 2 * self.hop_samples

    def after(self, n_samples: int) -> int:
        n_frames = n_samples // self.hop_samples
        padding = (self.kernel - 1) // 2
        for _ in range(self.n_convolutions):
            n_frames = (n_frames + 2 * padding - self.kernel) // self.stride + 1
        return n_frames


@dataclass(frozen=True, slots=True)
class Parakeet(Family):
    """The encoder, alone or below a CTC or transducer head."""

    extractor: str = "ParakeetFeatureExtractor"
    input_name: str = "input_features"
    settings: tuple[str, ...] = (
        "feature_size",
        "sampling_rate",
        "hop_length",
        "n_fft",
        "win_length",
        "preemphasis",
        "padding_value",
    )
    parts: tuple[str, ...] = ("subsampling.", "layers.")
    encoder_class: str = "parakeet.modeling_parakeet.ParakeetEncoder"
    inside: str = r"^(model\.)?encoder\."
    part_config: str = "encoder_config"

    def problem(self, extractor: Any, config: Any) -> str:
        """Compare the spectrogram of the extractor with what the encoder takes."""
        if extractor.feature_size != config.num_mel_bins:
            return (
                f"feature_size makes spectrograms of {extractor.feature_size} bands; the encoder "
                f"takes {config.num_mel_bins}"
            )
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the frames, one every 80 ms at the published settings."""
        return _SubsampledFrames(
            extractor.hop_length,
            config.subsampling_conv_kernel_size,
            config.subsampling_conv_stride,
            int(math.log2(config.subsampling_factor)),
        )

    def stack(self, encoder: Any) -> Any:
        """Return the encoder itself."""
        return encoder

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return the mel frames that a clip fills, shape (n_mel_frames, n_bands)."""
        made = super(Parakeet, self).prepare(extractor, waveform)
        return made[: len(waveform) // extractor.hop_length]

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change nothing: the encoder masks padding by itself."""
        return no_padding
