"""Log-mel frames and units: what the published model was trained on."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.foundation_models.audio_mamba.frontend import (
    LOG_MEL_SETTINGS,
    MIN_SAMPLES,
    cut_into_units,
    log_mel,
)


def noise(n_samples, level=0.1, seed=0):
    samples = np.random.default_rng(seed).normal(0, level, n_samples)
    return samples.astype(np.float32)


def mel_triangles():
    """80 triangles, evenly spaced on HTK's mel scale from 50 to 8000 Hz; (201, 80)."""
    ends = 2595 * np.log10(1 + np.array([50, 8000]) / 700)
    corners = 700 * (10 ** (np.linspace(*ends, 82) / 2595) - 1)
    bins = np.linspace(0, 8000, 201)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


@pytest.mark.parametrize("n_samples", [201, 400, 5000, 40_001])
def test_log_mel_is_that_of_torch(n_samples):
    waveform = noise(n_samples)
    window = torch.hann_window(400, dtype=torch.float64)
    spectrum = torch.stft(
        torch.from_numpy(waveform).double(),
        n_fft=400,
        hop_length=160,
        window=window,
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    power = (spectrum.abs() ** 2).T.numpy() @ mel_triangles()
    levels = np.log(power + np.finfo(np.float32).eps)
    expected = (levels - levels.mean()) / (levels.std(ddof=1) + 1e-8)
    np.testing.assert_allclose(log_mel(waveform), expected, rtol=1e-5, atol=1e-5)


@given(n_samples=st.integers(MIN_SAMPLES, 20_000), level=st.floats(1e-5, 1.0))
@settings(max_examples=15, deadline=None)
def test_log_mel_is_standardised_over_the_clip(n_samples, level):
    frames = log_mel(noise(n_samples, level))
    assert frames.shape == (1 + n_samples // 160, 80)
    assert frames.dtype == np.float32
    assert abs(float(frames.mean(dtype=np.float64))) < 1e-5
    assert float(frames.std(dtype=np.float64, ddof=1)) == pytest.approx(1, abs=1e-5)


def test_shortest_clip_gives_frames_and_a_shorter_one_cannot():
    assert MIN_SAMPLES == 201
    assert np.isfinite(log_mel(noise(201))).all()
    # With a sample less, the edge would be reflected into what the reflection made.
    shorter = np.pad(np.arange(200.0), 200, mode="reflect")
    assert shorter[0] != 200


def test_digital_silence_is_zeros():
    assert np.abs(log_mel(np.zeros(16_000, np.float32))).max() < 1e-4


def test_settings_are_json():
    assert json.loads(json.dumps(dict(LOG_MEL_SETTINGS))) == dict(LOG_MEL_SETTINGS)


@pytest.mark.parametrize(
    ("n_frames", "n_units"), [(1, 1), (199, 1), (200, 2), (201, 2), (399, 2), (400, 3), (611, 4)]
)
def test_units_are_padded_with_zeros_and_a_full_one_brings_another(n_frames, n_units):
    frames = np.random.default_rng(0).normal(size=(n_frames, 80)).astype(np.float32)
    units = cut_into_units(frames)
    assert units.shape == (n_units, 200, 80)
    assert units.dtype == np.float32
    joined = units.reshape(-1, 80)
    np.testing.assert_array_equal(joined[:n_frames], frames)
    assert not joined[n_frames:].any()
