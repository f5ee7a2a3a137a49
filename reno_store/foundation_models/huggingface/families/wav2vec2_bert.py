"""wav2vec2-BERT: pairs of filter-bank frames, normalized per clip, then a Conformer.

A last filter-bank frame without a partner is left out, as transformers masks it. The encoder
masks padding by itself, in attention and in its causal convolutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from reno_store.foundation_models.huggingface.families.ast import FilterbankFrames
from reno_store.foundation_models.huggingface.families.base import (
    Family,
    Frames,
    IgnorePadding,
    no_padding,
)
from reno_store.foundation_models.protocol import Waveform

__all__ = ["Wav2Vec2Bert"]


@dataclass(frozen=True, slots=True)
class Wav2Vec2Bert(Family):
    """w2v-BERT 2.0 and models fine-tuned from it."""

    extractor: str = "SeamlessM4TFeatureExtractor"
    input_name: str = "input_features"
    settings: tuple[str, ...] = (
        "num_mel_bins",
        "sampling_rate",
        "stride",
        "padding_value",
    )
    parts: tuple[str, ...] = ("feature_projection.", "encoder.")

    def problem(self, extractor: Any, config: Any) -> str:
        """Compare the width of a frame of the extractor with what the encoder takes."""
        made, taken = extractor.num_mel_bins * extractor.stride, config.feature_projection_input_dim
        if made != taken:
            return (
                f"num_mel_bins and stride make frames of {made} numbers, the encoder takes {taken}"
            )
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the full frames, one every 20 ms at the published settings."""
        return FilterbankFrames(extractor.stride)

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return the full frames, shape (n_frames, stride * n_bands)."""
        made = super(Wav2Vec2Bert, self).prepare(extractor, waveform)
        return made[: self.frames(None, extractor).after(len(waveform))]

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change nothing: the encoder masks padding by itself."""
        return no_padding
