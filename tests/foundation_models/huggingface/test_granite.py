"""Granite Speech: transformers' encoder on a spectrogram that needs no torchaudio."""

import numpy as np
import pytest
import torch
import transformers
from factories.encoders import write_encoder

from reno_store.errors import ModelError
from reno_store.foundation_models.huggingface import HuggingFaceEncoder


def clip(n_samples):
    return np.random.default_rng(n_samples).normal(0, 0.1, n_samples).astype(np.float32)


def filters():
    """Triangles between points at equal distances in mel, as torchaudio's melscale_fbanks."""
    top = 2595 * np.log10(1 + 8000 / 700)
    points = 700 * (10 ** (np.linspace(0, top, 82) / 2595) - 1)
    bins = np.linspace(0, 8000, 257)
    rising = (bins[:, None] - points[None, :-2]) / np.diff(points)[None, :-1]
    falling = (points[None, 2:] - bins[:, None]) / np.diff(points)[None, 1:]
    return np.maximum(0, np.minimum(rising, falling))


def spectrogram(waveform):
    """The feature extractor in float64, without any library."""
    padded = np.pad(waveform.astype(np.float64), 256, mode="reflect")
    window = np.zeros(512)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    starts = range(0, len(padded) - 511, 160)
    power = np.abs([np.fft.rfft(padded[start : start + 512] * window) for start in starts]) ** 2
    log_mel = np.log10(np.maximum(power @ filters(), 1e-10))
    log_mel = np.maximum(log_mel, log_mel.max() - 8) / 4 + 1
    return log_mel[: len(log_mel) // 2 * 2].reshape(-1, 160).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("granite"), "granite_speech", gain=3.0)


@pytest.fixture(scope="module")
def encoder(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    whole = getattr(transformers, config.architectures[0]).from_pretrained(
        folder, dtype=torch.float32
    )
    return whole.eval().model.encoder


@pytest.mark.parametrize("batched", [False, True])
def test_embedding_is_that_of_plain_transformers(folder, encoder, batched):
    model = HuggingFaceEncoder.load(str(folder), batched=batched)
    assert "no mask" in model.one_by_one_because
    clips = [clip(n_samples) for n_samples in (257, 5000, 6400, 12_345)]
    for row, waveform in zip(model.embed(clips), clips, strict=True):
        with torch.no_grad():
            hidden = encoder(torch.from_numpy(spectrogram(waveform))[None]).last_hidden_state[0]
        expected = hidden.mean(0).numpy()
        assert np.linalg.norm(row - expected) <= 1e-5 * np.linalg.norm(expected)


def test_own_extractor_where_torchaudio_is_installed(folder):
    pytest.importorskip("torchaudio")
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    made = extractor(clip(5000))["input_features"][0].numpy()
    np.testing.assert_allclose(made, spectrogram(clip(5000)), rtol=1e-4, atol=1e-5)


def test_layer_by_number_is_transformers_hidden_state(folder, encoder):
    (row,) = HuggingFaceEncoder.load(str(folder), layer="1").embed([clip(5000)])
    with torch.no_grad():
        inputs = torch.from_numpy(spectrogram(clip(5000)))[None]
        hidden = encoder(inputs, output_hidden_states=True).hidden_states[1][0]
    np.testing.assert_allclose(row, hidden.mean(0), rtol=1e-4, atol=1e-5)


def test_frames_of_another_width_are_refused(tmp_path):
    folder = write_encoder(tmp_path, "granite_speech", extractor={"n_mels": 40})
    with pytest.raises(ModelError, match="frames of 80 numbers, the encoder takes 160"):
        HuggingFaceEncoder.load(str(folder))


def test_extractor_of_another_kind_is_refused(tmp_path):
    entries = {"feature_extractor_type": "WhisperFeatureExtractor"}
    folder = write_encoder(tmp_path, "granite_speech", extractor=entries)
    with pytest.raises(ModelError, match="WhisperFeatureExtractor; expected Granite"):
        HuggingFaceEncoder.load(str(folder))
