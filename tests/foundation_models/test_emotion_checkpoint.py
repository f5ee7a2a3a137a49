"""The layout of audeering's dimensional emotion model, which has a head of its own.

The class that its card shows, ``EmotionModel``, is not in transformers. Only its wav2vec 2.0
encoder embeds, and no code of the card is needed.
"""

import json

import numpy as np
import pytest
import torch
from factories.checkpoints import TINY
from safetensors.torch import save_file

from reno_store.foundation_models import load_model

# Of the published checkpoint, with its names and values: its sizes and what is unusual in it.
PUBLISHED = {
    "architectures": ["Wav2Vec2ForSpeechClassification"],
    "model_type": "wav2vec2",
    "conv_bias": True,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "finetuning_task": "wav2vec2_reg",
    "hidden_dropout_prob": 0.1,
    "id2label": {"0": "arousal", "1": "dominance", "2": "valence"},
    "label2id": {"arousal": 0, "dominance": 1, "valence": 2},
    "pooling_mode": "mean",
    "problem_type": "regression",
    "vocab_size": None,
}
EXTRACTOR = {
    "do_normalize": True,
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "feature_size": 1,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": 16000,
}


@pytest.fixture(scope="module", params=["model.safetensors", "pytorch_model.bin"])
def published(request, tmp_path_factory):
    """A checkpoint in this layout, and the encoder that is in it."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    folder = tmp_path_factory.mktemp("emotion")
    config = {**PUBLISHED, **TINY}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(EXTRACTOR))
    torch.manual_seed(0)
    encoder = Wav2Vec2Model(Wav2Vec2Config(**{**config, "vocab_size": 32})).eval()
    # Releases before transformers 5 wrote the weight norm under these names.
    weights = {
        f"wav2vec2.{name}".replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): weight
        for name, weight in encoder.state_dict().items()
    }
    assert "wav2vec2.encoder.pos_conv_embed.conv.weight_g" in weights
    width = config["hidden_size"]
    for name, shape in {"dense": (width, width), "out_proj": (3, width)}.items():
        weights[f"classifier.{name}.weight"] = torch.randn(shape)
        weights[f"classifier.{name}.bias"] = torch.randn(shape[0])
    if request.param.endswith(".bin"):
        torch.save(weights, folder / request.param)
    else:
        save_file(weights, folder / request.param, metadata={"format": "pt"})
    return folder, encoder


def test_embedding_is_the_mean_of_the_encoders_last_states(published):
    folder, encoder = published
    model = load_model(f"hf:{folder}")
    waveform = np.random.default_rng(0).normal(0, 0.1, 12_000).astype(np.float32)
    normed = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7)
    with torch.no_grad():
        expected = encoder(torch.from_numpy(normed)[None]).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(model.embed([waveform])[0], expected, rtol=1e-4, atol=1e-5)
    assert model.dim == TINY["hidden_size"]
