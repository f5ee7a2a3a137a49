"""MFCC and log-mel statistics: the right numbers, for every clip there can be."""

import numpy as np
import pytest
from scipy.fft import dct
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from reno_store.errors import ModelError
from reno_store.foundation_models.spectral import LogMelStatistics, MfccStatistics

RATE_HZ = 16_000
MODELS = [LogMelStatistics, MfccStatistics]


def noise(n_samples=RATE_HZ, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, n_samples).astype(np.float32)


def log_mel(waveform):
    """The log-mel spectrogram as another implementation makes it, shape (n_frames, 80)."""
    filters = mel_filter_bank(201, 80, 50.0, 8000.0, RATE_HZ, norm=None, mel_scale="htk")
    return spectrogram(
        waveform.astype(np.float64),
        window_function(400, "hann"),
        frame_length=400,
        hop_length=160,
        power=2.0,
        pad_mode="constant",
        mel_filters=filters,
        mel_floor=1e-10,
        log_mel="log",
        dtype=np.float64,
    ).T


@pytest.mark.parametrize(("model", "dim"), [(LogMelStatistics, 240), (MfccStatistics, 120)])
def test_length_of_an_embedding_is_that_of_its_parts(model, dim):
    assert model.dim == dim
    assert model().embed([noise()]).shape == (1, dim)


@pytest.mark.parametrize("n_samples", [1, 399, 400, 401, 16_000, 12_345])
def test_logmel_is_mean_deviation_and_maximum_of_each_band(n_samples):
    waveform = noise(n_samples)
    frames = log_mel(waveform)
    expected = np.concatenate([frames.mean(axis=0), frames.std(axis=0), frames.max(axis=0)])
    (row,) = LogMelStatistics().embed([waveform])
    np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-5)


def fitted(track, degree):
    """Leading coefficient of the polynomial through each 9 frames, the edges repeated."""
    padded = np.pad(track, ((4, 4), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 9, axis=0)
    return np.array([np.polyfit(np.arange(-4, 5), window.T, degree)[0] for window in windows])


@pytest.mark.parametrize("n_samples", [1, 400, 12_345])
def test_mfcc_is_mean_and_deviation_of_coefficients_slopes_and_curvatures(n_samples):
    waveform = noise(n_samples)
    coefficients = dct(log_mel(waveform), axis=1, norm="ortho")[:, :20]
    slopes, curvatures = fitted(coefficients, 1), 2 * fitted(coefficients, 2)
    tracks = np.concatenate([coefficients, slopes, curvatures], axis=1)
    expected = np.concatenate([tracks.mean(axis=0), tracks.std(axis=0)])
    (row,) = MfccStatistics().embed([waveform])
    np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-4)


def test_first_difference_tells_a_swelling_clip_from_a_fading_one():
    swelling = noise() * np.geomspace(0.01, 1, RATE_HZ, dtype=np.float32)
    rising, falling = MfccStatistics().embed([swelling, swelling[::-1].copy()])
    # 40 dB over 100 frames: each frame adds log(10**4) / 100 to every band.
    expected = np.sqrt(80) * np.log(1e4) / 100
    assert rising[20] == pytest.approx(expected, rel=0.1)
    assert falling[20] == pytest.approx(-expected, rel=0.1)


def test_clip_of_a_single_frame_has_no_slopes_and_no_spread():
    (row,) = MfccStatistics().embed([noise(100)])
    np.testing.assert_allclose(row[20:60], 0, atol=1e-6)
    np.testing.assert_allclose(row[60:], 0, atol=1e-6)
    assert np.abs(row[:20]).max() > 1


@pytest.mark.parametrize("frequency_hz", [200, 1000, 4000])
def test_logmel_of_a_tone_peaks_in_its_band(frequency_hz):
    waveform = np.sin(2 * np.pi * frequency_hz * np.arange(RATE_HZ) / RATE_HZ)
    (row,) = LogMelStatistics().embed([waveform.astype(np.float32)])

    def mel(hz):
        return 2595 * np.log10(1 + hz / 700)

    centres = np.linspace(mel(50), mel(8000), 82)[1:-1]
    nearest = np.argmin(np.abs(centres - mel(frequency_hz)))
    assert abs(int(np.argmax(row[:80])) - nearest) <= 1


def test_every_band_hears_something():
    (row,) = LogMelStatistics().embed([noise()])
    assert row[:80].min() > np.log(1e-10) + 5


def test_doubling_the_level_adds_log_four_to_every_band():
    once, twice = LogMelStatistics().embed([noise(), 2 * noise()])
    np.testing.assert_allclose(twice[:80] - once[:80], np.log(4), atol=1e-4)
    np.testing.assert_allclose(twice[80:160], once[80:160], atol=1e-4)
    np.testing.assert_allclose(twice[160:] - once[160:], np.log(4), atol=1e-4)


def test_level_moves_the_first_cepstral_coefficient_alone():
    once, twice = MfccStatistics().embed([noise(), 2 * noise()])
    change = twice - once
    assert change[0] == pytest.approx(np.log(4) * np.sqrt(80), rel=1e-4)
    np.testing.assert_allclose(change[1:], 0, atol=1e-3)


def test_silence_lies_on_the_floor():
    (row,) = LogMelStatistics().embed([np.zeros(RATE_HZ, np.float32)])
    np.testing.assert_allclose(row[:80], np.log(1e-10), rtol=1e-6)
    np.testing.assert_allclose(row[80:160], 0, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1e-30])
@pytest.mark.parametrize("n_samples", [1, 2, 159, 160, 400, RATE_HZ])
def test_embedding_is_finite_for_silence_clicks_and_offsets(model, value, n_samples):
    assert np.isfinite(model().embed([np.full(n_samples, value, np.float32)])).all()


@pytest.mark.parametrize("model", MODELS)
def test_clip_without_samples_is_refused(model):
    with pytest.raises(ModelError) as caught:
        model().embed([noise(), np.empty(0, np.float32)])
    assert str(caught.value) == "the waveform has no samples; expected at least 1."


def test_the_two_have_different_fingerprints():
    assert LogMelStatistics().fingerprint != MfccStatistics().fingerprint
