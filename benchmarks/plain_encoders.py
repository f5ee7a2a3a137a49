"""Random checkpoints of each family, and how they are embedded with plain transformers.

Everything here uses transformers alone and none of the code that is measured. Sizes are those of
published base models; w2v-BERT 2.0, which exists in one size only, is made as large as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

__all__ = ["FAMILIES", "PlainFamily", "family_of", "write_encoder"]

_TINY_TRANSFORMER = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128,
}  # fmt: skip
_BASE_TRANSFORMER = {
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072,
}  # fmt: skip
_SMALL_DECODER = {"decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 64}
_WHISPER_HOP, _WHISPER_STRIDE = 160, 2


def _run(encoder: Any, inputs: Any, lengths: list[int]) -> torch.Tensor:
    hidden: torch.Tensor = encoder(**inputs).last_hidden_state
    return hidden


def _waveform_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    return hidden[: int(encoder._get_feat_extract_output_lengths(torch.tensor(n_samples)))]


@dataclass(frozen=True)
class PlainFamily:
    """How to make, run and pool an encoder with plain transformers.

    Attributes
    ----------
    model_class, extractor_class : str
        In transformers.
    tiny, base : dict
        Settings of the config that differ from its defaults, per size.
    extractor : dict
        Settings of the feature extractor that differ from its defaults.
    spec : str
        What follows the folder in the spec of the same model in reno-store.
    part : callable
        Loaded model -> its encoder.
    run : callable
        Encoder, inputs of the extractor, samples per clip -> hidden states.
    covered : callable
        Encoder, hidden states of one clip, its samples -> the frames that it covers.
    """

    model_class: str
    extractor_class: str = "Wav2Vec2FeatureExtractor"
    tiny: dict[str, Any] = field(default_factory=lambda: {**_TINY_TRANSFORMER})
    base: dict[str, Any] = field(default_factory=dict)
    extractor: dict[str, Any] = field(default_factory=dict)
    spec: str = ""
    part: Callable[[Any], Any] = lambda model: model
    run: Callable[[Any, Any, list[int]], torch.Tensor] = _run
    covered: Callable[[Any, torch.Tensor, int], torch.Tensor] = _waveform_frames


def _waveforms(model_class: str, **tiny: Any) -> PlainFamily:
    return PlainFamily(
        model_class, tiny={**_TINY_TRANSFORMER, "conv_dim": [32] * 7, **tiny},
        extractor={"do_normalize": True},
    )  # fmt: skip


def _run_own_frames(encoder: Any, inputs: Any, lengths: list[int]) -> torch.Tensor:
    """Run a Whisper encoder on the frames of the longest clip; it insists on 30 s by itself."""
    n_frames = -(-max(lengths) // (_WHISPER_HOP * _WHISPER_STRIDE))
    positions, n_positions = encoder.embed_positions, encoder.config.max_source_positions
    encoder.embed_positions = nn.Embedding.from_pretrained(positions.weight[:n_frames])
    encoder.config.max_source_positions = n_frames
    try:
        hidden: torch.Tensor = encoder(
            inputs["input_features"][..., : _WHISPER_STRIDE * n_frames]
        ).last_hidden_state
    finally:
        encoder.embed_positions, encoder.config.max_source_positions = positions, n_positions
    return hidden


def _whisper_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    return hidden[: -(-n_samples // (_WHISPER_HOP * _WHISPER_STRIDE))]


def _whisper(**differences: Any) -> PlainFamily:
    return PlainFamily(
        "WhisperModel",
        "WhisperFeatureExtractor",
        tiny={
            "d_model": 64, "encoder_layers": 2, "encoder_attention_heads": 2,
            "encoder_ffn_dim": 128, **_SMALL_DECODER,
        },
        base={
            "d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8,
            "encoder_ffn_dim": 2048, **_SMALL_DECODER,
        },
        part=lambda model: model.encoder,
        covered=_whisper_frames,
        **differences,
    )  # fmt: skip


FAMILIES: dict[str, PlainFamily] = {
    "data2vec-audio": _waveforms("Data2VecAudioModel"),
    "hubert": _waveforms("HubertModel"),
    "unispeech": _waveforms("UniSpeechModel"),
    "unispeech-sat": _waveforms("UniSpeechSatModel"),
    "wav2vec2": _waveforms("Wav2Vec2Model"),
    "wav2vec2-conformer": _waveforms("Wav2Vec2ConformerModel"),
    "wavlm": _waveforms("WavLMModel"),
    "whisper": _whisper(),
    "whisper-clip": _whisper(spec="?context=clip", run=_run_own_frames),
}
"""What ``--family`` takes."""


def family_of(spec: str) -> tuple[str, PlainFamily, Path]:
    """Return the name, family and folder of ``hf:FOLDER`` or ``hf:FOLDER?context=clip``."""
    folder, mark, options = spec.removeprefix("hf:").partition("?")
    kind = json.loads((Path(folder) / "config.json").read_text())["model_type"]
    for name, family in FAMILIES.items():
        if name.startswith(kind) and family.spec == mark + options:
            return name, family, Path(folder)
    raise SystemExit(f"{spec}: its model_type is {kind}; expected one of {', '.join(FAMILIES)}")


def write_encoder(folder: Path, name: str, size: str = "base") -> Path:
    """Write a random encoder of the published base size (or a tiny one) as a checkpoint."""
    import transformers

    family = FAMILIES[name]
    model_class = getattr(transformers, family.model_class)
    torch.manual_seed(0)
    config = model_class.config_class(**(family.tiny if size == "tiny" else family.base))
    model_class(config).save_pretrained(folder)
    getattr(transformers, family.extractor_class)(**family.extractor).save_pretrained(folder)
    return folder
