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
_WHISPER_TINY = {
    "d_model": 64, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 128,
}  # fmt: skip
_WHISPER_BASE = {
    "d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048,
}  # fmt: skip
_WHISPER_HOP, _WHISPER_STRIDE = 160, 2
_KALDI_WINDOW, _KALDI_HOP = 400, 160
_CLAP_SAMPLES = 480_000  # 10 s


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

    @property
    def pads_waveforms(self) -> bool:
        """Whether the feature extractor pads only if it is asked to."""
        return self.extractor_class in {"Wav2Vec2FeatureExtractor", "SpeechT5FeatureExtractor"}


def _waveforms(model_class: str, n_convolutions: int = 7, **differences: Any) -> PlainFamily:
    return PlainFamily(
        model_class,
        tiny={**_TINY_TRANSFORMER, "conv_dim": [32] * n_convolutions},
        extractor={"do_normalize": True},
        **differences,
    )


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
        tiny={**_WHISPER_TINY, **_SMALL_DECODER},
        base={**_WHISPER_BASE, **_SMALL_DECODER},
        part=lambda model: model.encoder,
        covered=_whisper_frames,
        **differences,
    )  # fmt: skip


def _ast_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Average the patches over frequency, in the columns that begin within the clip."""
    config = encoder.config
    n_rows = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
    n_banks = 1 + (n_samples - _KALDI_WINDOW) // _KALDI_HOP
    return hidden[2:].unflatten(0, (n_rows, -1)).mean(0)[: -(-n_banks // config.time_stride)]


def _pairs_of_banks(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    return hidden[: (1 + (n_samples - _KALDI_WINDOW) // _KALDI_HOP) // 2]


def _clap_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Average over frequency, in the columns that whole repetitions of the clip fill."""
    n_columns = hidden.shape[-1]
    filled = _CLAP_SAMPLES // n_samples * n_samples
    return hidden.mean(1).T[: -(-filled * n_columns // _CLAP_SAMPLES)]


def _whole_pairs(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    n_frames = len(_waveform_frames(encoder, hidden, n_samples))
    return hidden[: n_frames // 2 * 2]


def _moonshine_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    n_frames = n_samples
    for kernel, stride in ((127, 64), (7, 3), (3, 2)):
        n_frames = (n_frames - kernel) // stride + 1
    return hidden[:n_frames]


def _speecht5_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    return _waveform_frames(encoder.prenet, hidden, n_samples)


def _parakeet_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    n_frames = n_samples // _KALDI_HOP
    for _ in range(3):
        n_frames = (n_frames - 1) // 2 + 1
    return hidden[:n_frames]


def _run_masked(encoder: Any, inputs: Any, lengths: list[int]) -> torch.Tensor:
    """Run the audio tower of Qwen2-Audio with a mask over what follows each clip."""
    n_frames = torch.tensor([-(-length // (_WHISPER_HOP * _WHISPER_STRIDE)) for length in lengths])
    most = encoder.config.max_source_positions
    beyond = (torch.arange(most) >= n_frames[:, None])[:, None, None].expand(-1, 1, most, -1)
    features = inputs["input_features"]
    mask = torch.zeros(beyond.shape).masked_fill(beyond, -torch.inf).to(features)
    hidden: torch.Tensor = encoder(features, attention_mask=mask).last_hidden_state
    return hidden


def _paired_whisper_frames(encoder: Any, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
    return hidden[: -(-n_samples // (_WHISPER_HOP * _WHISPER_STRIDE)) // 2]


FAMILIES: dict[str, PlainFamily] = {
    "ast": PlainFamily("ASTModel", "ASTFeatureExtractor", covered=_ast_frames),
    "clap": PlainFamily(
        "ClapModel",
        "ClapFeatureExtractor",
        tiny={
            "text_config": _TINY_TRANSFORMER,
            "audio_config": {
                "depths": [1, 1, 1, 1],
                "num_attention_heads": [1, 2, 4, 8],
                "patch_embeds_hidden_size": 16,
                "hidden_size": 128,
            },
        },
        base={"text_config": _TINY_TRANSFORMER},
        extractor={"truncation": "rand_trunc"},
        part=lambda model: model.audio_model,
        covered=_clap_frames,
    ),
    "data2vec-audio": _waveforms("Data2VecAudioModel"),
    "hubert": _waveforms("HubertModel"),
    "moonshine": PlainFamily(
        "MoonshineModel",
        tiny={
            "hidden_size": 64,
            "intermediate_size": 128,
            "encoder_num_hidden_layers": 2,
            "encoder_num_attention_heads": 2,
            "decoder_num_hidden_layers": 1,
            "decoder_num_attention_heads": 2,
        },
        base={
            "hidden_size": 416,
            "intermediate_size": 1664,
            "encoder_num_hidden_layers": 8,
            "encoder_num_attention_heads": 8,
            "decoder_num_hidden_layers": 1,
            "decoder_num_attention_heads": 8,
        },
        part=lambda model: model.encoder,
        covered=_moonshine_frames,
    ),
    "parakeet": PlainFamily(
        "ParakeetEncoder",
        "ParakeetFeatureExtractor",
        tiny={**_TINY_TRANSFORMER, "subsampling_conv_channels": 16},
        base=_BASE_TRANSFORMER,
        covered=_parakeet_frames,
    ),
    "qwen2-audio": PlainFamily(
        "Qwen2AudioEncoder",
        "WhisperFeatureExtractor",
        tiny=_WHISPER_TINY,
        base=_WHISPER_BASE,
        extractor={"feature_size": 128},
        run=_run_masked,
        covered=_paired_whisper_frames,
    ),
    "sew": _waveforms("SEWModel", n_convolutions=13, covered=_whole_pairs),
    "sew-d": _waveforms("SEWDModel", n_convolutions=13, covered=_whole_pairs),
    "speecht5": PlainFamily(
        "SpeechT5ForSpeechToText",
        "SpeechT5FeatureExtractor",
        tiny={
            "hidden_size": 64,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 128,
            "conv_dim": [32] * 7,
            **_SMALL_DECODER,
        },
        base=_SMALL_DECODER,
        part=lambda model: model.speecht5.encoder,
        covered=_speecht5_frames,
    ),
    "unispeech": _waveforms("UniSpeechModel"),
    "unispeech-sat": _waveforms("UniSpeechSatModel"),
    "wav2vec2": _waveforms("Wav2Vec2Model"),
    "wav2vec2-bert": PlainFamily(
        "Wav2Vec2BertModel",
        "SeamlessM4TFeatureExtractor",
        base=_BASE_TRANSFORMER,
        covered=_pairs_of_banks,
    ),
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
    kind = {"audio-spectrogram-transformer": "ast"}.get(kind, kind)
    for name, family in FAMILIES.items():
        if name.removesuffix("-clip") == kind and family.spec == mark + options:
            return f"{Path(folder).name}{mark}{options}", family, Path(folder)
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
