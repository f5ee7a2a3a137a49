"""Qwen2-Audio: its audio tower, a Whisper encoder that attends to a clip's own frames only.

The transformer never sees what follows a clip, so only the clip's frames are computed, with the
same result: the two convolutions get the spectrogram up to where their last frame looks. Frames
are averaged in pairs at the end; a last one without a partner is left out, as in transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from reno_store.foundation_models.huggingface.families.base import (
    Family,
    Frames,
    valid_positions,
)
from reno_store.foundation_models.huggingface.families.whisper import StridedFrames, Whisper
from reno_store.foundation_models.protocol import Waveform

__all__ = ["Qwen2Audio"]


@dataclass(frozen=True, slots=True)
class _PairedFrames:
    """Pairs of Whisper's frames."""

    single: StridedFrames

    @property
    def shortest(self) -> int:
        return self.single.stride + 1

    def after(self, n_samples: int) -> int:
        return self.single.after(n_samples) // 2


@dataclass(frozen=True, slots=True)
class Qwen2Audio(Whisper):
    """The audio tower, alone or inside a whole checkpoint; the language model is not loaded."""

    contexts: tuple[str, ...] = ()
    context: str = ""
    only_last_because: str = "its lower layers have more frames than its output"
    encoder_class: str = "qwen2_audio.modeling_qwen2_audio.Qwen2AudioEncoder"
    inside: str = r"^(model\.)?audio_tower\."
    part_config: str = "audio_config"

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the frames, one every 40 ms at the published settings."""
        return _PairedFrames(StridedFrames(2 * extractor.hop_length))

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return as much of the spectrogram as the clip's frames depend on."""
        mel = super(Qwen2Audio, self).prepare(extractor, waveform)
        return mel[: 2 * StridedFrames(2 * extractor.hop_length).after(len(waveform)) + 1]

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a batch and its mask."""
        return Family.pad(self, clips)

    def run(self, encoder: Any, batch: torch.Tensor, **arguments: Any) -> Any:
        """Run the parts of the encoder, which itself refuses less than 30 s."""
        from transformers.modeling_outputs import BaseModelOutput

        hidden = functional.gelu(encoder.conv1(batch.transpose(1, 2)))
        hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        hidden = hidden[:, : batch.shape[1] // 2]
        hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
        mask = arguments.get("attention_mask")
        if mask is not None:
            mask = valid_positions(mask.sum(dim=1) // 2, hidden.shape[1])[:, None, None]
        for layer in encoder.layers:
            output = layer(hidden, mask)
            hidden = output[0] if isinstance(output, tuple) else output
        pooled = encoder.avg_pooler(hidden.transpose(1, 2)).transpose(1, 2)
        return BaseModelOutput(last_hidden_state=encoder.layer_norm(pooled))
