"""What the package knows about each transformers architecture: one entry per family.

A family answers four questions: which feature extractor prepares a clip, how many frames of
the encoder cover it, how clips of different lengths share a batch, and which weights every
embedding needs. The defaults of `Family` are those of the wav2vec 2.0 kind. A new family is
an entry of `FAMILIES`; where its input is not a waveform or its batches work differently, it
is a small subclass that overrides the methods in question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch

from reno_store.foundation_models.huggingface.valid_frames import FrameCounts, ValidFrames
from reno_store.foundation_models.protocol import Waveform

__all__ = ["FAMILIES", "Family", "Frames"]


class Frames(Protocol):
    """How many frames cover a clip; `FrameCounts` is that of convolutions without padding."""

    @property
    def shortest(self) -> int:
        """Length of the shortest clip, in samples."""
        ...

    def after(self, n_samples: int, /) -> int:
        """Return the number of frames of a clip."""
        ...


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

    def encoder(self, model: Any) -> Any:
        """Return the part of a loaded model that embeds."""
        return model

    def frames(self, config: Any) -> Frames:
        """Return how many frames cover a clip of any length."""
        return _convolutions(config)

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return one clip as the encoder takes it, without a batch axis, time first."""
        inputs = extractor(waveform, sampling_rate=extractor.sampling_rate, return_tensors="np")
        return torch.from_numpy(np.ascontiguousarray(inputs[self.input_name][0], np.float32))

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return prepared clips as a batch, with zeros after each, and its attention mask."""
        batch = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
        lengths = torch.tensor([len(clip) for clip in clips])
        return batch, (torch.arange(batch.shape[1]) < lengths[:, None]).long()

    def ignore_padding(
        self, encoder: Any
    ) -> Callable[[Sequence[int]], AbstractContextManager[None]]:
        """Change an encoder so that padding changes no embedding.

        Returns
        -------
        callable
            Takes the lengths of the clips in a batch, in samples, and returns a context in
            which the encoder ignores what follows them.
        """
        return ValidFrames(encoder, _convolutions(encoder.config)).of

    def adapter_width(self, config: Any) -> int | None:
        """Return the width of an adapter after the last layer, None where there is none."""
        adapted = getattr(config, "add_adapter", False)
        return int(config.output_hidden_size) if adapted else None


def _convolutions(config: Any) -> FrameCounts:
    return FrameCounts(tuple(config.conv_kernel), tuple(config.conv_stride))


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
