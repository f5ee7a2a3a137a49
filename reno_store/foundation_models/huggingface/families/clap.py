"""CLAP: the audio encoder (HTS-AT) on a log-mel spectrogram of 10 s.

A shorter clip is repeated to fill the 10 s, as its feature extractor does. Of a longer one the
extractor takes crops at random places; it is refused here. A frame is a column of the encoder's
output, its mean over the frequencies, about 0.3 s; frames after the last whole repetition are
left out. The projection into the space shared with text is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from reno_store.foundation_models.huggingface.families.base import (
    MOST_FIXED_CLIPS,
    Family,
    Frames,
    IgnorePadding,
    no_padding,
)
from reno_store.foundation_models.protocol import Waveform

__all__ = ["Clap"]


@dataclass(frozen=True, slots=True)
class _RepeatedFrames:
    """Columns of the output that a clip covers, repeated or not."""

    most_samples: int
    n_columns: int
    padding: str
    shortest: int = 1

    def after(self, n_samples: int) -> int:
        n_repeats = self.most_samples // n_samples if self.padding == "repeatpad" else 1
        filled = self.most_samples if self.padding == "repeat" else n_repeats * n_samples
        return -(-filled * self.n_columns // self.most_samples)


@dataclass(frozen=True, slots=True)
class Clap(Family):
    """The audio encoder of a CLAP checkpoint; its text encoder is not loaded."""

    extractor: str = "ClapFeatureExtractor"
    settings: tuple[str, ...] = (
        "feature_size",
        "sampling_rate",
        "hop_length",
        "max_length_s",
        "fft_window_size",
        "frequency_min",
        "frequency_max",
        "truncation",
        "padding",
    )
    parts: tuple[str, ...] = ("audio_encoder.",)
    only_last_because: str = "its layers differ in width and in frames"
    encoder_class: str = "clap.modeling_clap.ClapAudioModel"
    inside: str = r"^audio_model\.(?=audio_encoder\.)"
    part_config: str = "audio_config"

    def problem(self, extractor: Any, config: Any) -> str:
        """Compare the spectrogram of the extractor with what the encoder takes."""
        if extractor.feature_size != config.num_mel_bins:
            return (
                f"feature_size makes spectrograms of {extractor.feature_size} bands; the encoder "
                f"takes {config.num_mel_bins}"
            )
        if (extractor.truncation == "fusion") != config.enable_fusion:
            return (
                f"truncation is {extractor.truncation!r}, enable_fusion in config.json is "
                f"{config.enable_fusion}"
            )
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the columns of the output."""
        n_samples = int(extractor.nb_max_samples)
        return _RepeatedFrames(n_samples, _n_columns(config), extractor.padding)

    def longest(self, config: Any, extractor: Any) -> int | None:
        """Return 10 s at the published settings."""
        return int(extractor.nb_max_samples)

    def n_layers(self, config: Any) -> int:
        """Return the stages of the encoder."""
        return len(config.depths)

    def width(self, config: Any) -> int:
        """Return the width of the last stage."""
        return int(config.patch_embeds_hidden_size * 2 ** (len(config.depths) - 1))

    def most_clips(self) -> int | None:
        """Return a limit, because every clip takes the memory of the longest."""
        return MOST_FIXED_CLIPS

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return the spectrogram, shape (1 or 4, n_mel_frames, n_bands).

        Not by calling the extractor: for checkpoints with fusion it draws random numbers even
        where they decide nothing.
        """
        mel, _ = extractor._get_input_mel(
            np.asarray(waveform, np.float64),
            extractor.nb_max_samples,
            extractor.truncation,
            extractor.padding,
        )
        return torch.from_numpy(np.ascontiguousarray(mel, np.float32))

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a batch; the spectrograms have one length and need no mask."""
        return torch.stack(list(clips)), None

    def run(self, encoder: Any, batch: torch.Tensor, **arguments: Any) -> Any:
        """Run the encoder; with fusion every clip is fused, as transformers does for one alone."""
        return encoder(batch, is_longer=torch.ones(len(batch), 1, dtype=torch.bool))

    def covered(self, hidden: torch.Tensor, n_frames: int, config: Any) -> torch.Tensor:
        """Return the columns that a clip covers, averaged over frequency."""
        return hidden.float().mean(dim=1).T[:n_frames]  # (width, n_rows, n_columns)

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change nothing: what follows a clip is its context."""
        return no_padding


def _n_columns(config: Any) -> int:
    """Return the columns of the output: 32 at the published settings."""
    stride = config.patch_stride
    patches = config.spec_size // (stride if isinstance(stride, int) else stride[1])
    folds = config.spec_size // config.num_mel_bins
    return int(patches // 2 ** (len(config.depths) - 1) * folds)
