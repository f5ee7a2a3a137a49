"""Moonshine: three convolutions on the waveform and a transformer; its decoder is not loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from reno_store.foundation_models.huggingface.families.base import (
    Family,
    Frames,
    IgnorePadding,
    valid_positions,
)
from reno_store.foundation_models.huggingface.valid_frames import (
    FrameCounts,
    ValidFrames,
    ValidGroupNorm,
)

__all__ = ["Moonshine"]

_COUNTS = FrameCounts(kernels=(127, 7, 3), strides=(64, 3, 2))  # fixed in the architecture
_STRIDE = 64 * 3 * 2


@dataclass(frozen=True, slots=True)
class Moonshine(Family):
    """The encoder of a Moonshine checkpoint."""

    parts: tuple[str, ...] = ("conv", "groupnorm.", "layers.", "layer_norm.")
    encoder_class: str = "moonshine.modeling_moonshine.MoonshineEncoder"
    inside: str = r"^(model\.)?encoder\."

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the frames, one every 24 ms."""
        return _COUNTS

    def n_layers(self, config: Any) -> int:
        """Return the layers of the encoder."""
        return int(config.encoder_num_hidden_layers)

    def stack(self, encoder: Any) -> Any:
        """Return the encoder itself."""
        return encoder

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a batch and a mask that ends where the last frame of each clip begins.

        The encoder keeps every 384th value of the mask; the mask of the clip itself would often
        include a frame too many.
        """
        batch, _ = super(Moonshine, self).pad(clips)
        ends = torch.tensor([_STRIDE * (_COUNTS.after(len(clip)) - 1) + 1 for clip in clips])
        return batch, valid_positions(ends, batch.shape[1]).long()

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Have the norm after the first convolution see only valid frames."""
        valid = ValidFrames(encoder, _COUNTS, encoder)
        encoder.groupnorm = ValidGroupNorm(encoder.groupnorm, valid, depth=1)
        return valid.of
