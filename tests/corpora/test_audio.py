"""Recordings as models get them, and recordings that nobody should get."""

import hashlib

import numpy as np
import pytest
import soundfile
from factories.recordings import write_wav

from reno_store.corpora.audio import (
    SILENCE_PEAK,
    hash_file,
    is_silent,
    read_duration_s,
    read_waveform,
)
from reno_store.errors import AudioError

RATE_HZ = 16_000

# ending, soundfile's format and subtype, whether every sample survives
FORMATS = {
    "wav-16": ("wav", "WAV", "PCM_16", True),
    "wav-24": ("wav", "WAV", "PCM_24", True),
    "wav-float": ("wav", "WAV", "FLOAT", True),
    "wav-8": ("wav", "WAV", "PCM_U8", False),
    "flac": ("flac", "FLAC", "PCM_16", True),
    "aiff": ("aiff", "AIFF", "PCM_16", True),
    "au": ("au", "AU", "PCM_16", True),
    "w64": ("w64", "W64", "PCM_16", True),
    "rf64": ("rf64", "RF64", "PCM_16", True),
    "ogg": ("ogg", "OGG", "VORBIS", False),
    "opus": ("opus", "OGG", "OPUS", False),
    "mp3": ("mp3", "MP3", "MPEG_LAYER_III", False),
}


def write(folder, kind, name="clip", **options):
    ending, container, subtype, _ = FORMATS[kind]
    path = folder / f"{name}.{ending}"
    return write_wav(path, format=container, subtype=subtype, **options)


def cut(path, n_bytes):
    """Keep so many bytes of a file; below zero, lose so many."""
    path.write_bytes(path.read_bytes()[:n_bytes])
    return path


def refusal(path, rate_hz=RATE_HZ):
    with pytest.raises(AudioError) as caught:
        read_waveform(path, rate_hz)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def tone(frequency_hz, rate_hz, seconds=1.0):
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def spectrum(waveform, rate_hz):
    """Frequencies in hertz and the amplitude of the sine at each."""
    window = np.hanning(len(waveform))
    amplitude = 2 * np.abs(np.fft.rfft(waveform * window)) / window.sum()
    return np.fft.rfftfreq(len(waveform), 1 / rate_hz), amplitude


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 22_050, 16_000, 8_000])
def test_resampled_tone_keeps_its_frequency_level_and_place(tmp_path, rate_hz):
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * tone(1000, rate_hz), rate_hz, subtype="FLOAT")
    waveform = read_waveform(path, RATE_HZ)
    assert abs(len(waveform) - RATE_HZ) <= 1
    frequencies_hz, amplitude = spectrum(waveform, RATE_HZ)
    assert frequencies_hz[np.argmax(amplitude)] == pytest.approx(1000, abs=1)
    assert amplitude.max() == pytest.approx(0.5, rel=0.01)
    inside = slice(1000, 15_000)
    expected = 0.5 * tone(1000, RATE_HZ)[inside]
    np.testing.assert_allclose(waveform[inside], expected, atol=1e-3)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 44_100])
def test_waveform_comes_at_the_rate_that_is_asked_for(tmp_path, rate_hz):
    path = write_wav(tmp_path / "clip.wav", 0.5, 48_000)
    assert abs(len(read_waveform(path, rate_hz)) - 0.5 * rate_hz) <= 1


def test_what_the_lower_rate_cannot_carry_is_not_folded_back(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * tone(10_000, 48_000), 48_000, subtype="FLOAT")
    waveform = read_waveform(path, RATE_HZ)
    assert np.abs(waveform[1000:-1000]).max() < 1e-4


def test_recording_at_the_right_rate_comes_bit_for_bit(tmp_path):
    samples = np.linspace(-1, 1, 1001, dtype=np.float32)
    soundfile.write(tmp_path / "clip.wav", samples, RATE_HZ, subtype="FLOAT")
    waveform = read_waveform(tmp_path / "clip.wav", RATE_HZ)
    assert waveform.dtype == np.float32
    np.testing.assert_array_equal(waveform, samples)


def test_full_scale_is_one(tmp_path):
    soundfile.write(tmp_path / "clip.wav", np.array([-32_768, 16_384], np.int16), RATE_HZ)
    assert read_waveform(tmp_path / "clip.wav", RATE_HZ).tolist() == [-1.0, 0.5]


def test_samples_above_full_scale_are_not_clipped(tmp_path):
    soundfile.write(tmp_path / "clip.wav", np.array([1.5, -2.0]), RATE_HZ, subtype="FLOAT")
    assert read_waveform(tmp_path / "clip.wav", RATE_HZ).tolist() == [1.5, -2.0]


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_channels_are_averaged(tmp_path, channels):
    path = write_wav(tmp_path / "clip.wav", channels=channels, subtype="FLOAT")
    samples, _ = soundfile.read(path, always_2d=True)
    waveform = read_waveform(path, RATE_HZ)
    assert waveform.ndim == 1
    assert waveform.flags.c_contiguous
    np.testing.assert_allclose(waveform, samples.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("rate_hz", [48_000, 16_000])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_common_format_gives_the_same_sound(tmp_path, kind, rate_hz):
    reference = read_waveform(write(tmp_path, "wav-float", "reference", rate_hz=rate_hz), RATE_HZ)
    waveform = read_waveform(write(tmp_path, kind, rate_hz=rate_hz), RATE_HZ)
    assert len(waveform) == len(reference) == RATE_HZ / 2
    assert waveform.dtype == np.float32
    if FORMATS[kind][-1]:
        np.testing.assert_allclose(waveform, reference, atol=1e-4)
    else:
        assert np.corrcoef(waveform, reference)[0, 1] > 0.95


@pytest.mark.parametrize("ending", ["txt", "mp3", "dat", "raw", "RAW", "wav.part", ""])
@pytest.mark.parametrize("kind", ["wav-16", "flac", "mp3"])
def test_wrong_ending_does_not_matter(tmp_path, kind, ending):
    path = write(tmp_path, kind)
    expected = read_waveform(path, RATE_HZ)
    renamed = path.rename(tmp_path / f"renamed.{ending}" if ending else tmp_path / "renamed")
    np.testing.assert_array_equal(read_waveform(renamed, RATE_HZ), expected)


def test_place_may_be_given_as_text(tmp_path):
    path = write_wav(tmp_path / "ein Lachen (früh).wav")
    np.testing.assert_array_equal(read_waveform(str(path), RATE_HZ), read_waveform(path, RATE_HZ))


def test_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "nowhere.wav").startswith("no such file")


def test_folder_instead_of_a_file_is_refused(tmp_path):
    assert refusal(tmp_path) == "cannot be read: Is a directory."


@pytest.mark.parametrize("content", [b"", b"RIFF", b"this is no sound\n" * 100])
@pytest.mark.parametrize("name", ["clip.wav", "clip.mp3", "clip.flac", "clip.raw", "clip"])
def test_file_that_is_no_audio_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name)
    assert message.startswith("not audio that can be decoded (")
    assert "Expected wav, flac, ogg, mp3, aiff or another format" in message
    assert "copy it again if it is damaged" in message
    assert "does not exist" not in message


@pytest.mark.parametrize("share", [0.99, 0.7, 0.4])
def test_truncated_mp3_is_refused_with_both_lengths(tmp_path, share):
    path = write(tmp_path, "mp3", seconds=2.0)
    message = refusal(cut(path, round(share * path.stat().st_size)))
    assert message.startswith("truncated: ")
    assert " 32,000 samples " in message


@pytest.mark.parametrize("kind", ["wav-8", "wav-16", "wav-24", "wav-float"])
@pytest.mark.parametrize("lost_bytes", [2, 3000])
def test_truncated_wav_is_refused_with_both_lengths(tmp_path, kind, lost_bytes):
    path = write(tmp_path, kind)
    n_bytes = 8000 * {"wav-8": 1, "wav-16": 2, "wav-24": 3, "wav-float": 4}[kind]
    message = refusal(cut(path, -lost_bytes))
    assert message.startswith("truncated: ")
    assert f" {n_bytes:,} bytes" in message
    assert f" {n_bytes - lost_bytes:,}." in message


@pytest.mark.parametrize("kind", ["flac", "aiff", "au", "w64", "rf64"])
def test_recording_that_ends_before_its_header_says_is_refused(tmp_path, kind):
    path = write(tmp_path, kind, seconds=2.0)
    refusal(cut(path, round(0.8 * path.stat().st_size)))


@pytest.mark.parametrize("kind", ["ogg", "opus"])
def test_ogg_stream_without_its_last_page_is_refused(tmp_path, kind):
    path = write(tmp_path, kind, seconds=2.0)
    refusal(cut(path, round(0.8 * path.stat().st_size)))


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x80000000, 0x7FFFF000])
def test_wav_that_was_written_to_a_pipe_is_not_taken_for_truncated(tmp_path, length):
    path = write_wav(tmp_path / "clip.wav")
    expected = read_waveform(path, RATE_HZ)
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = length.to_bytes(4, "little")
    path.write_bytes(content)
    np.testing.assert_array_equal(read_waveform(path, RATE_HZ), expected)


def test_further_chunks_behind_the_samples_are_no_sound(tmp_path):
    path = write_wav(tmp_path / "clip.wav")
    expected = read_waveform(path, RATE_HZ)
    path.write_bytes(path.read_bytes() + b"note\x04\0\0\0joy!")
    np.testing.assert_array_equal(read_waveform(path, RATE_HZ), expected)


@pytest.mark.parametrize("kind", ["wav-16", "wav-float", "aiff"])
def test_recording_without_samples_is_refused(tmp_path, kind):
    path = write(tmp_path, kind, seconds=0)
    assert "no samples" in refusal(path)


def test_less_than_one_sample_at_the_lower_rate_is_refused(tmp_path):
    path = write_wav(tmp_path / "clip.wav", 1 / 48_000, 48_000)
    assert refusal(path) == (
        "its 1 samples at 48000 Hz are less than one sample at 16000 Hz. Record it again."
    )
    assert len(read_waveform(path, 48_000)) == 1


def test_samples_that_are_not_finite_are_refused_and_counted(tmp_path):
    samples = np.zeros((2000, 2), np.float32)
    samples[3] = np.nan
    samples[5, 1] = np.inf
    samples[7, 0] = -np.inf
    soundfile.write(tmp_path / "clip.wav", samples, RATE_HZ, subtype="FLOAT")
    assert refusal(tmp_path / "clip.wav") == (
        "3 of 2,000 samples are NaN or infinite; expected finite numbers. "
        "Convert the recording again from its source."
    )


def test_refusals_are_value_errors_too(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_waveform(tmp_path / "nowhere.wav", RATE_HZ)


@pytest.mark.parametrize(
    ("samples", "silent"),
    [
        ([], True),
        ([0.0, 0.0], True),
        ([0.0, 0.9 * SILENCE_PEAK], True),
        ([0.0, -0.9 * SILENCE_PEAK], True),
        ([0.0, 1.1 * SILENCE_PEAK], False),
        ([0.0, -1.1 * SILENCE_PEAK], False),
    ],
)
def test_silent_is_what_stays_below_the_peak_on_either_side(samples, silent):
    assert is_silent(np.array(samples, np.float32)) is silent


def test_silence_is_eighty_decibels_below_full_scale():
    assert 20 * np.log10(SILENCE_PEAK) == pytest.approx(-80)


def test_hash_is_the_sha256_of_the_bytes(tmp_path):
    path = write_wav(tmp_path / "clip.wav", 5.0)
    assert hash_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert hash_file(str(path)) == hash_file(path)


def test_hash_of_a_missing_file_is_refused(tmp_path):
    with pytest.raises(AudioError) as caught:
        hash_file(tmp_path / "nowhere.wav")
    assert str(caught.value).startswith(f"{tmp_path / 'nowhere.wav'}: no such file.")


def test_hash_of_a_folder_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"cannot be read: Is a directory\."):
        hash_file(tmp_path)


class TestDuration:
    """What a header says, for plans; whether it is true is found out by decoding."""

    @pytest.mark.parametrize("rate_hz", [48_000, 16_000])
    @pytest.mark.parametrize("kind", FORMATS)
    def test_is_told_by_every_common_format(self, tmp_path, kind, rate_hz):
        path = write(tmp_path, kind, seconds=1.5, rate_hz=rate_hz)
        assert read_duration_s(path) == pytest.approx(1.5, abs=0.002)

    @pytest.mark.parametrize("channels", [1, 2, 6])
    def test_does_not_depend_on_the_channels(self, tmp_path, channels):
        assert read_duration_s(write_wav(tmp_path / "clip.wav", 0.7, channels=channels)) == 0.7

    def test_is_read_without_the_samples(self, tmp_path):
        # FLAC keeps its length in its header: of the samples hardly anything is left.
        path = cut(write(tmp_path, "flac", seconds=20.0), 8000)
        assert read_duration_s(path) == 20.0
        refusal(path)

    def test_wrong_ending_does_not_matter(self, tmp_path):
        path = write_wav(tmp_path / "clip.wav", 0.7)
        assert read_duration_s(path.rename(tmp_path / "clip.mp3")) == 0.7

    def test_place_may_be_given_as_text(self, tmp_path):
        assert read_duration_s(str(write_wav(tmp_path / "ein Lachen (früh).wav", 0.7))) == 0.7

    def test_is_zero_where_there_are_no_samples(self, tmp_path):
        assert read_duration_s(write_wav(tmp_path / "clip.wav", 0)) == 0

    def test_is_unknown_where_there_is_no_file(self, tmp_path):
        assert np.isnan(read_duration_s(tmp_path / "nowhere.wav"))

    def test_is_unknown_of_a_folder(self, tmp_path):
        assert np.isnan(read_duration_s(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"RIFF", b"this is no sound\n" * 100])
    @pytest.mark.parametrize("name", ["clip.wav", "clip.mp3", "clip.raw"])
    def test_is_unknown_of_a_file_that_is_no_audio(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        assert np.isnan(read_duration_s(tmp_path / name))

    @pytest.mark.parametrize("frames", [2**62, 2**63 - 1, -1])
    def test_is_unknown_of_a_stream_that_cannot_be_measured(self, tmp_path, monkeypatch, frames):
        path = write_wav(tmp_path / "clip.wav")
        monkeypatch.setattr(soundfile.SoundFile, "frames", frames)
        assert np.isnan(read_duration_s(path))

    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize("share", [0.9, 0.5, 0.05])
    def test_of_a_truncated_file_is_some_length_or_unknown(self, tmp_path, kind, share):
        path = write(tmp_path, kind, seconds=2.0)
        duration_s = read_duration_s(cut(path, round(share * path.stat().st_size)))
        assert np.isnan(duration_s) or 0 <= duration_s < 1e6
