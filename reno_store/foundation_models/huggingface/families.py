"""What the package knows about each transformers architecture: one entry per family.

A family answers four questions: which feature extractor prepares a clip, how many frames of
the encoder cover it, how clips of different lengths share a batch, and which weights every
embedding needs. The defaults of `Family` are those of the wav2vec 2.0 kind. A new family is
an entry of `FAMILIES`; where its input is not a waveform or its batches work differently, it
is a small subclass that overrides the method in question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from reno_store.foundation_models.huggingface.valid_frames import FrameCounts, ValidFrames
from reno_store.foundation_models.protocol import Waveform

__all__ = ["FAMILIES", "Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """How to embed with one architecture; the defaults suit the wav2vec 2.0 kind.

    Attributes
    ----------
    extractor : str
        Class of the feature extractor in transformers.
    input_name : str
        Key of what the extractor returns.
    settings : tuple of str
        Settings of the extractor that change the input; part of the fingerprint.
    parts : tuple of str
        Beginnings of the names of weights that every embedding needs. Other weights of a
        fine-tuned checkpoint (lm_head, classifier, quantizer, adapter ...) may stay unused.
    """

    extractor: str = "Wav2Vec2FeatureExtractor"
    input_name: str = "input_values"
    settings: tuple[str, ...] = (
        "do_normalize",
        "sampling_rate",
        "padding_value",
        "return_attention_mask",
    )
    parts: tuple[str, ...] = ("feature_extractor.", "feature_projection.", "encoder.")

    def frames(self, config: Any) -> FrameCounts:
        """Return how many frames cover a clip of any length."""
        return FrameCounts(tuple(config.conv_kernel), tuple(config.conv_stride))

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return one clip as the encoder takes it, without a batch axis, time first."""
        inputs = extractor(waveform, sampling_rate=extractor.sampling_rate, return_tensors="np")
        return torch.from_numpy(np.ascontiguousarray(inputs[self.input_name][0], np.float32))

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return prepared clips as a batch, with zeros after each, and its attention mask."""
        batch = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
        lengths = torch.tensor([len(clip) for clip in clips])
        return batch, (torch.arange(batch.shape[1]) < lengths[:, None]).long()

    def exact_batches(self, encoder: Any, frames: FrameCounts) -> ValidFrames:
        """Change an encoder so that padding reaches no clip's embedding."""
        return ValidFrames(encoder, frames)

    def adapter_width(self, config: Any) -> int | None:
        """Return the width of an adapter after the last layer, None where there is none."""
        adapted = getattr(config, "add_adapter", False)
        return int(config.output_hidden_size) if adapted else None


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "data2vec-audio": Family(),
        "hubert": Family(),
        "unispeech": Family(),
        "unispeech-sat": Family(),
        "wav2vec2": Family(),
        "wav2vec2-conformer": Family(),
        "wavlm": Family(),
    }
)
"""A config's ``model_type`` -> its family. MMS is wav2vec2."""
