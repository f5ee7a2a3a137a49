"""SpeechT5: its encoder of speech, which is of the wav2vec 2.0 kind in two parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reno_store.foundation_models.huggingface.families.base import (
    Family,
    IgnorePadding,
    convolutions,
)
from reno_store.foundation_models.huggingface.valid_frames import ValidFrames

__all__ = ["SpeechT5"]


@dataclass(frozen=True, slots=True)
class SpeechT5(Family):
    """The encoder of a checkpoint that takes speech; one that takes text has no such weights."""

    extractor: str = "SpeechT5FeatureExtractor"
    settings: tuple[str, ...] = ("do_normalize", "sampling_rate", "padding_value")
    parts: tuple[str, ...] = (
        "prenet.feature_encoder.",
        "prenet.feature_projection.",
        "prenet.pos_conv_embed.",
        "wrapped_encoder.",
    )
    encoder_class: str = "speecht5.modeling_speecht5.SpeechT5EncoderWithSpeechPrenet"
    inside: str = r"^(speecht5\.)?encoder\."

    def n_layers(self, config: Any) -> int:
        """Return the layers of the encoder."""
        return int(config.encoder_layers)

    def stack(self, encoder: Any) -> Any:
        """Return the transformer."""
        return encoder.wrapped_encoder

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change an encoder so that padding changes no embedding."""
        counts = convolutions(encoder.config)
        return ValidFrames(encoder, counts, encoder.prenet.feature_encoder).of
