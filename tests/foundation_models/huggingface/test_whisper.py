"""Whisper: 30 s of mel or the clip's own frames, from whole checkpoints and lone encoders."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from factories.encoders import write_encoder
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import WhisperFeatureExtractor, WhisperModel

from reno_store.corpora.audio import read_waveform
from reno_store.errors import ModelError
from reno_store.foundation_models import load_model
from reno_store.foundation_models.huggingface import HuggingFaceEncoder

LENGTHS = (1, 320, 321, 5000, 9000, 24_000)


def clip(n_samples, seed=0):
    random = np.random.default_rng([n_samples, seed])
    return (0.3 * random.normal(0, 1, n_samples)).astype(np.float32)


def relative_errors(rows, expected):
    return np.linalg.norm(rows - expected, axis=1) / np.linalg.norm(expected, axis=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Encoder and decoder, as published."""
    return write_encoder(tmp_path_factory.mktemp("whisper") / "tiny", "whisper", gain=5.0)


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture(scope="module")
def plain(whole):
    """Spectrogram and encoder of plain transformers."""
    extractor = WhisperFeatureExtractor.from_pretrained(whole)
    encoder = WhisperModel.from_pretrained(whole, dtype=torch.float32).eval().encoder

    def mel(waveform):
        return extractor(waveform, sampling_rate=16_000, return_tensors="pt").input_features

    return mel, encoder


def in_30_seconds(plain, waveform):
    mel, encoder = plain
    with torch.no_grad():
        hidden = encoder(mel(waveform)).last_hidden_state[0]
    return hidden[: int(np.ceil(len(waveform) / 320))].mean(0).numpy()


def on_own_frames(plain, waveform, monkeypatch):
    """Tell transformers that the encoder has just so many positions."""
    mel, encoder = plain
    n_frames = int(np.ceil(len(waveform) / 320))
    positions = nn.Embedding.from_pretrained(encoder.embed_positions.weight[:n_frames])
    with monkeypatch.context() as patch, torch.no_grad():
        patch.setattr(encoder.config, "max_source_positions", n_frames)
        patch.setitem(encoder._modules, "embed_positions", positions)
        return encoder(mel(waveform)[..., : 2 * n_frames]).last_hidden_state[0].mean(0).numpy()


@pytest.mark.parametrize("batched", [False, True])
def test_default_is_the_mean_over_the_clips_frames_of_30_seconds(whole, plain, batched):
    model = HuggingFaceEncoder.load(str(whole), batched=batched)
    assert model.one_by_one_because == ""
    clips = [clip(n_samples) for n_samples in LENGTHS]
    expected = np.stack([in_30_seconds(plain, each) for each in clips])
    assert relative_errors(model.embed(clips), expected).max() <= 1e-5


@pytest.mark.parametrize("batched", [False, True])
def test_context_clip_encodes_only_the_frames_of_the_clip(whole, plain, batched, monkeypatch):
    model = HuggingFaceEncoder.load(str(whole), context="clip", batched=batched)
    assert model.one_by_one_because == ""
    clips = [clip(n_samples) for n_samples in LENGTHS]
    expected = np.stack([on_own_frames(plain, each, monkeypatch) for each in clips])
    assert relative_errors(model.embed(clips), expected).max() <= 1e-5
    full = np.stack([in_30_seconds(plain, each) for each in clips])
    assert relative_errors(full, expected).min() > 0.01


def test_contexts_are_models_of_their_own(whole):
    full, also_full, own = (
        dict(load_model(f"x=hf:{whole}{options}").fingerprint)
        for options in ("", "?context=full", "?context=clip")
    )
    assert full == also_full
    assert (full.pop("context"), own.pop("context")) == ("full", "clip")
    assert full == own


def test_settings_of_the_spectrogram_are_part_of_the_fingerprint(whole, copy):
    edit_json(copy / "preprocessor_config.json", n_fft=512)
    one, other = (dict(HuggingFaceEncoder.load(str(each)).fingerprint) for each in (whole, copy))
    assert one.pop("preprocessing") != other.pop("preprocessing")
    assert one == other


def edit_json(path, **entries):
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def for_generation(folder):
    """The class of the published checkpoints: names begin with ``model.``, and a head."""
    tensors = load_file(folder / "model.safetensors")
    tensors = {f"model.{name}": tensor for name, tensor in tensors.items()}
    save_file({**tensors, "proj_out.weight": torch.ones(2, 2)}, folder / "model.safetensors")


def lone_encoder(prefix):
    def rewrite(folder):
        tensors = load_file(folder / "model.safetensors")
        save_file(
            {
                prefix + name.removeprefix("encoder."): tensor
                for name, tensor in tensors.items()
                if name.startswith("encoder.")
            },
            folder / "model.safetensors",
        )

    return rewrite


@pytest.mark.parametrize(
    "rewrite",
    [for_generation, *map(lone_encoder, ("model.encoder.", "encoder.", ""))],
    ids=["generation", "model.encoder.", "encoder.", "bare"],
)
def test_same_encoder_in_another_checkpoint_is_the_same_model(whole, copy, rewrite, capfd):
    rewrite(copy)
    model = HuggingFaceEncoder.load(str(copy))
    assert capfd.readouterr().err == ""
    original = HuggingFaceEncoder.load(str(whole))
    assert model.fingerprint == original.fingerprint
    np.testing.assert_array_equal(model.embed([clip(900)]), original.embed([clip(900)]))
    assert not any("decoder" in name for name, _ in model._encoder.named_parameters())


@pytest.mark.parametrize("layer", ["0", "1", "2", "all"])
@pytest.mark.parametrize("context", ["full", "clip"])
def test_every_layer_and_pooling(whole, plain, monkeypatch, context, layer):
    clips = [clip(n_samples) for n_samples in (400, 7000)]
    choice = {"layer": layer, "pool": "mean+std", "context": context}
    models = [HuggingFaceEncoder.load(str(whole), batched=b, **choice) for b in (False, True)]
    alone, together = (model.embed(clips) for model in models)
    assert models[0].dim == 64
    assert relative_errors(together, alone).max() <= 1e-5
    if context == "full":
        mel, encoder = plain
        with torch.no_grad():
            output = encoder(mel(clips[1]), output_hidden_states=True)
        states = [*output.hidden_states[:2], output.last_hidden_state]
        hidden = sum(states[1:]) / 2 if layer == "all" else states[int(layer)]
        np.testing.assert_allclose(alone[1, :32], hidden[0, :22].mean(0), rtol=1e-4, atol=1e-5)


def test_longer_than_30_seconds_is_refused_with_the_limit(whole):
    model = HuggingFaceEncoder.load(str(whole))
    assert model.max_samples == 480_000
    assert np.isfinite(model.embed([clip(480_000)])).all()
    with pytest.raises(ModelError, match=r"480001 samples .* at most 480000 \(30 s\)") as caught:
        model.embed([clip(500), clip(480_001)])
    assert caught.value.remedies[0].arguments == {"window": 30}


@pytest.mark.parametrize("context", ["full", "clip"])
def test_bfloat16_is_near_float32(whole, context):
    clips = [clip(6000), clip(9000)]
    exact = HuggingFaceEncoder.load(str(whole), context=context).embed(clips)
    for batched in (False, True):
        choice = {"precision": "bfloat16", "context": context, "batched": batched}
        short = HuggingFaceEncoder.load(str(whole), **choice).embed(clips)
        assert 0 < relative_errors(short, exact).max() < 0.05


def test_large_batch_goes_through_the_encoder_in_parts(whole, monkeypatch):
    """Each clip takes the memory of 30 s, however short it is."""
    model = HuggingFaceEncoder.load(str(whole), batched=True)
    sizes = []
    model._encoder.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    clips = [clip(400 + n) for n in range(18)]
    rows = model.embed(clips)
    assert sizes == [16, 2]
    assert relative_errors(rows[15:], model.embed(clips[15:])).max() <= 1e-5


def refusal(folder, **options):
    with pytest.raises(ModelError) as caught:
        HuggingFaceEncoder.load(str(folder), **options)
    assert str(caught.value).startswith(f"model {folder}: ")
    return str(caught.value)


def test_missing_preprocessor_config_is_refused_with_what_to_copy(copy):
    (copy / "preprocessor_config.json").unlink()
    message = refusal(copy)
    assert "preprocessor_config.json" in message
    assert "Copy it from where the checkpoint was published" in message


def test_settings_inside_a_processor_config_are_those_of_the_extractor(whole, copy):
    settings = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").unlink()
    (copy / "processor_config.json").write_text(json.dumps({"feature_extractor": settings}))
    one, other = (HuggingFaceEncoder.load(str(each)) for each in (whole, copy))
    assert one.fingerprint == other.fingerprint


def test_another_rate_is_the_models_rate_where_the_spectrogram_still_fits(copy):
    edit_json(copy / "preprocessor_config.json", sampling_rate=32_000, hop_length=320, n_fft=800)
    model = HuggingFaceEncoder.load(str(copy))
    assert (model.sample_rate_hz, model.max_samples) == (32_000, 960_000)
    assert np.isfinite(model.embed([clip(900)])).all()


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ({"sampling_rate": 32_000, "n_fft": 800}, "6000 frames of 80 bands"),
        ({"chunk_length": 10}, "1000 frames of 80 bands"),
        ({"feature_size": 128}, "3000 frames of 128 bands"),
        ({"dither": 1e-3}, "dither"),
        ({"feature_extractor_type": "Wav2Vec2FeatureExtractor"}, "Wav2Vec2FeatureExtractor"),
    ],
)
def test_spectrogram_that_the_encoder_cannot_take_is_refused(copy, entries, found):
    edit_json(copy / "preprocessor_config.json", **entries)
    assert found in refusal(copy)


@pytest.mark.parametrize("context", ["30", "none"])
def test_unknown_context_is_refused_with_the_choices(whole, context):
    assert "expected full or clip" in refusal(whole, context=context)


def test_missing_and_unused_weights_of_the_encoder_are_refused(copy):
    edit_json(copy / "config.json", encoder_layers=3, num_hidden_layers=3)
    assert "first 'layers.2." in refusal(copy)
    edit_json(copy / "config.json", encoder_layers=1, num_hidden_layers=1)
    assert "leaves" in refusal(copy)


def test_decoder_alone_is_refused(copy):
    tensors = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if name.startswith("decoder.")}
    save_file(kept, copy / "model.safetensors")
    assert "are missing" in refusal(copy)


@pytest.mark.parametrize(
    ("context", "step"),
    [
        ("clip", 300),
        ("full", 600),
        pytest.param("clip", 1, marks=pytest.mark.slow),
        pytest.param("full", 24, marks=pytest.mark.slow),
    ],
)
def test_genuine_whisper_base_gives_the_known_embeddings(
    models_folder, emogator_folder, embeddings_folder, context, step
):
    suffix = "-context-clip" if context == "clip" else ""
    with np.load(embeddings_folder / f"whisper-base{suffix}.npz") as stored:
        ids, expected = stored["clip_id"][::step].tolist(), stored["embedding"][::step]
    paths = {path.stem: path for path in emogator_folder.rglob("*.mp3")}
    model = load_model(f"x=hf:{models_folder}/whisper-base-encoder?context={context}")
    rows = model.embed([read_waveform(paths[each], 16_000) for each in ids])
    assert relative_errors(rows, expected).max() <= 1e-3


def test_genuine_checkpoint_with_a_decoder_loads_without_a_warning(models_folder, capfd):
    model = load_model(f"x=hf:{models_folder}/whisper-tiny-en?context=clip")
    assert capfd.readouterr().err == ""
    assert model.embed([clip(16_000)]).shape == (1, 384)
