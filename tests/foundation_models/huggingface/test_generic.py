"""Architectures without an entry: one clip at a time after a check, or refused with ways out."""

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from factories.checkpoints import write_checkpoint
from reno_cli.wording import worded

from reno_store.errors import ModelError
from reno_store.foundation_models import load_model
from reno_store.foundation_models.huggingface import FAMILIES, HuggingFaceEncoder
from reno_store.foundation_models.huggingface.families.generic import Generic


def clip(n_samples):
    return np.random.default_rng(n_samples).normal(0, 0.1, n_samples).astype(np.float32)


def save(folder, model_class, extractor=None, **config):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(model_class.config_class(**config))
    model.save_pretrained(folder)
    if extractor is not None:
        extractor.save_pretrained(folder)
    return folder


def encoder_of_lasr(folder):
    return save(
        folder,
        transformers.LasrEncoder,
        transformers.LasrFeatureExtractor(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=64,
        subsampling_conv_channels=8,
        conv_kernel_size=7,
    )


def speech_to_text(folder):
    return save(
        folder,
        transformers.Speech2TextModel,
        transformers.Speech2TextFeatureExtractor(),
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        vocab_size=50,
        conv_channels=16,
    )


@pytest.fixture(scope="module", params=[encoder_of_lasr, speech_to_text], ids=["lasr", "s2t"])
def folder(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("tiny") / "tiny")


def test_embedding_is_the_mean_over_all_frames_of_plain_transformers(folder):
    model = load_model(f"hf:{folder}", batched=True)
    assert model._family.__class__ is Generic
    assert model.one_by_one_because
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    encoder = transformers.AutoModel.from_pretrained(folder).eval()
    encoder = encoder.get_encoder() if encoder.config.is_encoder_decoder else encoder
    clips = [clip(n_samples) for n_samples in (16_000, 5000, 20_001)]
    for row, waveform in zip(model.embed(clips), clips, strict=True):
        inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            expected = encoder(**inputs).last_hidden_state[0].mean(0).numpy()
        assert np.linalg.norm(row - expected) <= 1e-5 * np.linalg.norm(expected)


def test_fingerprint_has_the_settings_of_the_extractor(folder):
    preprocessing = load_model(f"hf:{folder}").fingerprint["preprocessing"]
    assert preprocessing["sampling_rate"] == 16_000
    assert preprocessing["extractor"].endswith("FeatureExtractor")


def test_bfloat16_is_near_float32(folder):
    exact, short = (
        load_model(f"hf:{folder}", precision=precision).embed([clip(9000)])
        for precision in ("float32", "bfloat16")
    )
    assert 0 < np.linalg.norm(short - exact) < 0.05 * np.linalg.norm(exact)


def test_shortest_clip_is_found_by_trial(folder):
    model = load_model(f"hf:{folder}")
    assert np.isfinite(model.embed([clip(model.min_samples)])).all()
    with pytest.raises(ModelError, match=f"at least {model.min_samples}"):
        model.embed([clip(model.min_samples - 1)])


@pytest.mark.parametrize("options", ["layer=1", "layer=all", "context=clip"])
def test_choices_that_need_a_known_architecture_are_refused(folder, options):
    with pytest.raises(ModelError, match=options):
        load_model(f"x=hf:{folder}?{options}")


def refusal(folder):
    with pytest.raises(ModelError) as caught:
        HuggingFaceEncoder.load(str(folder))
    error = caught.value
    assert error.message.startswith(f"model {folder}: its architecture is ")
    assert "reno-store import SOURCE --store STORE" in worded(error)
    assert "reno_store.foundation_models" in worded(error)
    assert "wav2vec2-bert" in error.message
    return error.message


def gpt2(folder):
    return save(folder, transformers.GPT2Model, n_embd=16, n_layer=1, n_head=2, vocab_size=50)


def bert(folder):
    return save(
        folder,
        transformers.BertModel,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        vocab_size=50,
    )


@pytest.mark.parametrize("write", [gpt2, bert])
def test_text_model_is_refused(tmp_path, write):
    assert "no usable preprocessor_config.json" in refusal(write(tmp_path))


@pytest.mark.parametrize("write", [gpt2, bert])
def test_text_model_beside_a_feature_extractor_is_refused(tmp_path, write):
    write(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    assert "takes no input_values" in refusal(tmp_path)


def test_image_processor_is_refused(tmp_path):
    bert(tmp_path)
    settings = {"image_processor_type": "ViTImageProcessor"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    assert "sampling_rate is None" in refusal(tmp_path)


def test_model_without_frames_is_refused(tmp_path):
    """Encodec returns codes."""
    save(
        tmp_path,
        transformers.EncodecModel,
        transformers.EncodecFeatureExtractor(),
        num_filters=4,
        hidden_size=16,
        codebook_size=16,
        num_lstm_layers=1,
        upsampling_ratios=[2, 2],
        target_bandwidths=[24.0],
    )
    assert "last_hidden_state" in refusal(tmp_path)


@pytest.fixture
def unlisted(tmp_path, monkeypatch):
    """A wav2vec 2.0 without its entry."""
    table = "reno_store.foundation_models.huggingface.checkpoint.FAMILIES"
    monkeypatch.setattr(table, {k: v for k, v in FAMILIES.items() if k != "wav2vec2"})
    return write_checkpoint(tmp_path / "tiny", "wav2vec2")


def test_listed_and_unlisted_agree_on_one_clip(unlisted, monkeypatch):
    generic = load_model(f"hf:{unlisted}")
    monkeypatch.undo()
    known = load_model(f"hf:{unlisted}")
    assert generic.min_samples == known.min_samples
    np.testing.assert_allclose(generic.embed([clip(9000)]), known.embed([clip(9000)]), rtol=1e-5)


def test_model_that_draws_random_numbers_is_refused(unlisted, monkeypatch):
    forward = transformers.Wav2Vec2Model.forward

    def noisy(self, input_values, attention_mask=None):
        return forward(self, input_values + 0.01 * torch.randn_like(input_values))

    monkeypatch.setattr(transformers.Wav2Vec2Model, "forward", noisy)
    assert "breaks a rule" in refusal(unlisted)


def test_model_that_returns_nan_is_refused(unlisted, monkeypatch):
    forward = transformers.Wav2Vec2Model.forward

    def loud(self, input_values, attention_mask=None):
        output = forward(self, input_values)
        output.last_hidden_state[:, 20:] = torch.nan
        return output

    monkeypatch.setattr(transformers.Wav2Vec2Model, "forward", loud)
    assert "breaks a rule" in refusal(unlisted)


def test_weights_without_a_place_are_refused(unlisted):
    config = json.loads((unlisted / "config.json").read_text())
    (unlisted / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    assert "unused" in refusal(unlisted)


@pytest.mark.parametrize("known", ["my-encoder", "bert"])
def test_code_in_the_folder_is_not_run(tmp_path, known):
    original = write_checkpoint(tmp_path / "tiny", "wav2vec2")
    folder = shutil.copytree(original, tmp_path / "evil")
    marker = tmp_path / "it ran"
    (folder / "evil.py").write_text(f"import os; os.mkdir({str(marker)!r})")
    for name in ("config.json", "preprocessor_config.json"):
        entries = json.loads((folder / name).read_text())
        entries |= {"model_type": known} if name == "config.json" else {}
        entries["auto_map"] = {
            "AutoConfig": "evil.Config",
            "AutoModel": "evil.Model",
            "AutoFeatureExtractor": "evil.Extractor",
        }
        (folder / name).write_text(json.dumps(entries))
    message = refusal(folder)
    assert "trust_remote_code" not in message
    assert not marker.exists()
