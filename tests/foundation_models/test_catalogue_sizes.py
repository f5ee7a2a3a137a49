"""The catalogue's sizes are those of transformers' own classes with the published configs.

The settings below are copied from the ``config.json`` of each checkpoint; what is not named has
the default of its config class. Encoders are made on torch's meta device: counted, not filled.
"""

import pytest
import torch

from reno_store.foundation_models import CATALOGUE
from reno_store.foundation_models.huggingface.families import FAMILIES

LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
}


def whisper(width, n_layers, n_heads, n_mels=80):
    return {
        "d_model": width,
        "encoder_layers": n_layers,
        "encoder_attention_heads": n_heads,
        "encoder_ffn_dim": 4 * width,
        "num_mel_bins": n_mels,
    }


# Name, model_type of its config, settings, dimension, weights.
PUBLISHED = [
    ("wavlm-base", "wavlm", {}, 768, 94_381_168),
    ("unispeech-sat-base", "unispeech-sat", {}, 768, 94_370_944),
    ("wav2vec2-base", "wav2vec2", {}, 768, 94_370_944),
    ("hubert-base", "hubert", {}, 768, 94_370_944),
    ("wavlm-large", "wavlm", {**LARGE, "conv_bias": False}, 1024, 315_452_096),
    ("hubert-large", "hubert", LARGE, 1024, 315_437_696),
    ("xlsr-53", "wav2vec2", LARGE, 1024, 315_437_696),
    ("xls-r-300m", "wav2vec2", LARGE, 1024, 315_437_696),
    ("w2v-bert-2.0", "wav2vec2-bert", {"add_adapter": False}, 1024, 580_492_096),
    (
        "mms-1b",
        "wav2vec2",
        {**LARGE, "hidden_size": 1280, "num_hidden_layers": 48, "intermediate_size": 5120},
        1280,
        962_496_128,
    ),
    ("whisper-tiny", "whisper", whisper(384, 4, 6), 384, 8_208_384),
    ("whisper-base", "whisper", whisper(512, 6, 8), 512, 20_590_592),
    ("whisper-small", "whisper", whisper(768, 12, 12), 768, 88_154_112),
    ("whisper-medium", "whisper", whisper(1024, 24, 16), 1024, 307_216_384),
    ("whisper-large-v3", "whisper", whisper(1280, 32, 20, 128), 1280, 636_968_960),
    ("voc2vec", "wav2vec2", {}, 768, 94_370_944),
    ("voc2vec-as-pt", "wav2vec2", {}, 768, 94_370_944),
    ("voc2vec-ls-pt", "wav2vec2", {}, 768, 94_370_944),
    ("voc2vec-hubert-ls-pt", "hubert", {}, 768, 94_370_944),
    ("ast", "audio-spectrogram-transformer", {}, 768, 86_187_264),
    ("clap", "clap", {}, 768, 27_534_488),
    ("wav2vec2-emotion", "wav2vec2", {**LARGE, "num_hidden_layers": 12}, 1024, 164_283_008),
]


def encoder_of(model_type, settings):
    from transformers import AutoConfig, AutoModel, ClapAudioModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    assert model_type in FAMILIES
    config = AutoConfig.for_model(model_type, **settings)
    assert config.model_type == model_type
    assert set(settings) <= set(type(config)().to_dict())
    with torch.device("meta"):
        if model_type == "whisper":
            return WhisperEncoder(config)
        if model_type == "clap":
            return ClapAudioModel(config.audio_config)
        return AutoModel.from_config(config)


@pytest.mark.parametrize(("name", "model_type", "settings", "dim", "n_parameters"), PUBLISHED)
def test_sizes_are_those_of_the_published_config(name, model_type, settings, dim, n_parameters):
    encoder = encoder_of(model_type, settings)
    counted = sum(
        weight.numel()
        for part, weight in encoder.named_parameters()
        if part != "masked_spec_embed"  # used in pre-training only
    )
    entry = CATALOGUE[name]
    assert (entry.dim, entry.n_parameters) == (dim, n_parameters)
    assert encoder.config.hidden_size == dim
    assert counted == n_parameters


def test_every_model_of_the_hub_is_checked():
    assert [row[0] for row in PUBLISHED] == [
        name for name, entry in CATALOGUE.items() if entry.source == "hf"
    ]
