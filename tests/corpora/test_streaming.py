"""A recording read in pieces is the recording read whole, and needs little memory."""

import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr
from factories.recordings import write_wav

from reno_store.corpora import audio
from reno_store.corpora.audio import read_waveform, stream_waveform
from reno_store.errors import AudioError

RATE_HZ = 16_000
FORMATS = {
    "wav": {"format": "WAV"},
    "flac": {"format": "FLAC"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {"format": "MP3", "bitrate_mode": "VARIABLE"},
}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(audio, "_BLOCK_SAMPLES", 5_000)


@pytest.mark.parametrize("rate_hz", [48_000, 16_000, 8_000])
@pytest.mark.parametrize("kind", FORMATS)
def test_any_format_in_blocks_is_what_it_is_whole(tmp_path, small_blocks, kind, rate_hz):
    path = write_wav(tmp_path / "clip", 3.1, rate_hz, 2, **FORMATS[kind])
    with soundfile.SoundFile(path) as file:  # soundfile.read seeks, which changes mp3 by 1e-7
        samples = file.read(dtype="float32")
    mono = samples.mean(axis=1, dtype=np.float32)
    expected = mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ")
    pieces = list(stream_waveform(path, RATE_HZ))
    assert len(pieces) > 3
    np.testing.assert_array_equal(np.concatenate(pieces), expected)
    np.testing.assert_array_equal(read_waveform(path, RATE_HZ), expected)


def test_an_hour_needs_the_memory_of_seconds(tmp_path):
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 16_000, 1, "PCM_U8") as file:
        for _ in range(60):
            file.write(np.zeros(60 * 16_000, np.float32))
    tracemalloc.start()
    try:
        n_samples = sum(len(piece) for piece in stream_waveform(path, 8_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_samples == 3600 * 8_000
    assert peak < 20e6, "the hour is 115 MB"


def test_bad_samples_are_counted_over_the_whole_recording(tmp_path, small_blocks):
    samples = np.zeros(20_000)
    samples[[10, 7_000, 19_999]] = np.nan
    soundfile.write(tmp_path / "clip.wav", samples, RATE_HZ, subtype="FLOAT")
    with pytest.raises(AudioError, match="3 of 20,000 samples are NaN"):
        list(stream_waveform(tmp_path / "clip.wav", RATE_HZ))


def test_the_end_of_a_truncated_recording_is_noticed_after_its_pieces(tmp_path, small_blocks):
    path = write_wav(tmp_path / "clip.flac", 2.0, format="FLAC")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    pieces = stream_waveform(path, RATE_HZ)
    assert len(next(pieces)) == 5_000
    with pytest.raises(AudioError, match=r"clip\.flac"):
        list(pieces)


def test_a_stream_that_is_left_early_closes_its_file(tmp_path, small_blocks, monkeypatch):
    files = []
    opened = soundfile.SoundFile.__init__

    def note(self, *arguments, **options):
        files.append(self)
        opened(self, *arguments, **options)

    path = write_wav(tmp_path / "clip.wav", 2.0)
    monkeypatch.setattr(soundfile.SoundFile, "__init__", note)
    pieces = stream_waveform(path, RATE_HZ)
    next(pieces)
    pieces.close()
    assert [file.closed for file in files] == [True]
