"""Audio-Mamba as a foundation model: one embedding a clip, whatever it is batched with."""

import json

import numpy as np
import pytest
import torch
from factories.audio_mamba_checkpoints import random_tensors, write_ssam_checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.errors import ModelError
from reno_store.foundation_models import FoundationModel
from reno_store.foundation_models.audio_mamba import AudioMamba
from reno_store.foundation_models.audio_mamba import model as model_module
from reno_store.foundation_models.audio_mamba.checkpoint import read_encoder
from reno_store.foundation_models.audio_mamba.frontend import cut_into_units, log_mel


def noise(n_samples, level=0.1, seed=0):
    samples = np.random.default_rng(seed).normal(0, level, n_samples)
    return samples.astype(np.float32)


def relative_error(ours, expected):
    return np.linalg.norm(ours - expected) / np.linalg.norm(expected)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_ssam_checkpoint(tmp_path_factory.mktemp("ssam"), d=16, depth=1)


@pytest.fixture(scope="module")
def model(folder):
    return AudioMamba.load(str(folder))


@pytest.fixture(scope="module")
def model_that_batches(folder):
    return AudioMamba.load(str(folder), units_at_a_time=4)


def test_model_keeps_the_protocol(model):
    assert isinstance(model, FoundationModel)
    assert (model.sample_rate_hz, model.min_samples, model.dim) == (16_000, 201, 80)


@pytest.mark.parametrize(
    "n_samples", [201, 6880, 31_839, 31_840, 31_999, 32_000, 63_839, 63_840, 64_000, 97_600]
)
def test_embedding_is_the_mean_of_the_rows_that_stand_for_the_clip(folder, model, n_samples):
    waveform = noise(n_samples)
    spectrogram = log_mel(waveform)
    with torch.inference_mode():
        rows = read_encoder(str(folder))(torch.from_numpy(cut_into_units(spectrogram)))
    padding = 200 - len(spectrogram) % 200
    kept = rows.flatten(0, 1)
    kept = kept[: len(kept) - int(50 * padding / 200)]
    assert relative_error(model.embed([waveform])[0], kept.mean(0).numpy()) < 2e-6


lengths = st.lists(st.integers(201, 80_000), min_size=1, max_size=5)


@given(lengths=lengths, seed=st.integers(0, 100))
@settings(max_examples=8, deadline=None)
def test_embedding_does_not_depend_on_company_or_order(model, model_that_batches, lengths, seed):
    clips = [noise(n_samples, seed=seed + i) for i, n_samples in enumerate(lengths)]
    alone = np.concatenate([model.embed([clip]) for clip in clips])
    np.testing.assert_array_equal(model.embed(clips), alone)
    np.testing.assert_array_equal(model.embed(clips[::-1])[::-1], alone)
    for row, expected in zip(model_that_batches.embed(clips), alone, strict=True):
        assert relative_error(row, expected) < 1e-5


def test_units_of_several_clips_share_a_batch_and_padding_is_not_encoded(folder, monkeypatch):
    sizes = []
    encode = model_module.AudioMambaEncoder.forward

    def counted(encoder, units, layer):
        sizes.append(len(units))
        return encode(encoder, units, layer)

    monkeypatch.setattr(model_module.AudioMambaEncoder, "forward", counted)
    # 1, 2, 1 (200 frames to the last, so the second unit is padding alone) and 3 units
    clips = [noise(n_samples) for n_samples in (5000, 32_000, 31_999, 70_000)]
    AudioMamba.load(str(folder), units_at_a_time=4).embed(clips)
    assert sizes == [4, 3]


def test_same_bits_every_time(folder, model):
    clips = [noise(5000), noise(40_000, seed=1)]
    first = model.embed(clips)
    np.testing.assert_array_equal(model.embed(clips), first)
    np.testing.assert_array_equal(AudioMamba.load(str(folder)).embed(clips), first)
    assert first.dtype == np.float32
    assert first.shape == (2, 80)


def test_no_clip_gives_no_row(model):
    assert model.embed([]).shape == (0, 80)


def test_clip_of_digital_silence_has_a_finite_embedding(model):
    assert np.isfinite(model.embed([np.zeros(16_000, np.float32)])).all()


def test_too_short_a_clip_is_refused_with_both_lengths(model):
    with pytest.raises(ModelError) as caught:
        model.embed([noise(4000), noise(200)])
    message = str(caught.value)
    assert message.startswith("200 samples at 16000 Hz are shorter than")
    assert "at least 201 (0.013 s)" in message


@pytest.mark.parametrize("units_at_a_time", [0, -1])
def test_batch_of_no_units_is_refused(folder, units_at_a_time):
    with pytest.raises(ModelError, match=rf"units_at_a_time is {units_at_a_time}; expected at"):
        AudioMamba.load(str(folder), units_at_a_time=units_at_a_time)


def test_fingerprint_is_json_with_every_part(model):
    fingerprint = dict(model.fingerprint)
    assert json.loads(json.dumps(fingerprint)) == fingerprint
    assert fingerprint["kind"] == "audio-mamba"
    assert fingerprint["preprocessing"]["sampling_rate"] == 16_000
    assert fingerprint["preprocessing"]["channels"] == "mean"
    parts = ("layer", "pooling", "precision", "code")
    assert [fingerprint[part] for part in parts] == ["last", "mean", "float32", 1]


@pytest.mark.parametrize("name", ["encoder_norm.bias", "blocks.0.mixer.A_log", "cls_token"])
def test_fingerprint_changes_with_a_weight_that_is_used(folder, model, tmp_path, name):
    tensors = random_tensors(d=16, depth=1)
    tensors[name].view(-1)[0] += 1e-3
    torch.save({"model": tensors}, tmp_path / "a-1.pth")
    changed = dict(AudioMamba.load(str(tmp_path)).fingerprint)
    original = dict(model.fingerprint)
    assert changed.pop("weights") != original.pop("weights")
    assert changed == original


def test_fingerprint_stays_with_a_weight_that_is_not_used_and_with_the_batch(
    model, model_that_batches, tmp_path
):
    tensors = random_tensors(d=16, depth=1)
    tensors["pred.0.weight"] += 1.0
    torch.save({"model": tensors}, tmp_path / "other-name.pth")
    assert AudioMamba.load(str(tmp_path)).fingerprint == model.fingerprint
    assert model_that_batches.fingerprint == model.fingerprint
