"""The windows of one recording: each exactly the embedding of that part alone."""

import numpy as np
import pandas as pd
import pytest
from factories.checkpoints import write_checkpoint
from factories.recordings import write_wav

import reno_store as rs
from reno_store.corpora.audio import read_waveform
from reno_store.errors import AudioError, ModelError, RenoStoreError
from reno_store.foundation_models.spectral import MfccStatistics


@pytest.fixture
def path(tmp_path):
    return write_wav(tmp_path / "long.mp3", 5.3, 44_100, 2, format="MP3")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return rs.load_model(f"hf:{write_checkpoint(tmp_path_factory.mktemp('tiny'), 'hubert')}")


def test_each_is_the_embedding_of_its_part_alone(path, tiny):
    windows = rs.embed_windows(path, tiny, 2.0, 0.7)
    assert windows.start_s.tolist() == pytest.approx([0, 0.7, 1.4, 2.1, 2.8, 3.5])
    assert windows.end_s.tolist() == pytest.approx([2, 2.7, 3.4, 4.1, 4.8, 5.3], abs=0.01)
    waveform = read_waveform(path, 16_000)
    bounds = np.round(np.stack([windows.start_s, windows.end_s], axis=1) * 16_000).astype(int)
    assert bounds[-1, 1] == len(waveform)
    for (start, end), row in zip(bounds, windows.embeddings, strict=True):
        np.testing.assert_array_equal(row, tiny.embed([waveform[start:end].copy()])[0])


def test_a_waveform_is_cut_like_its_file(path, tiny):
    of_file = rs.embed_windows(path, tiny, 1.0, 0.5)
    of_array = rs.embed_windows(read_waveform(path, 16_000), tiny, 1.0, 0.5)
    np.testing.assert_array_equal(of_array.embeddings, of_file.embeddings)
    np.testing.assert_array_equal(of_array.end_s, of_file.end_s)


def test_their_mean_by_length_is_the_embedding_of_the_file(path):
    windows = rs.embed_windows(path, "mfcc", 2.0, 0.7)
    frame = rs.embed_files([path], ["mfcc", "logmel"], window_s=2.0, hop_s=0.7)
    mean = np.average(windows.embeddings, axis=0, weights=windows.end_s - windows.start_s)
    np.testing.assert_allclose(frame.to_numpy()[0, :120], mean, rtol=1e-5)
    assert not np.array_equal(frame, rs.embed_files([path], ["mfcc", "logmel"]))


def test_a_recording_that_is_not_longer_is_one_window(tmp_path):
    path = write_wav(tmp_path / "short.wav", 0.5)
    windows = rs.embed_windows(path, "mfcc", 0.5)
    assert (windows.start_s.tolist(), windows.end_s.tolist()) == ([0.0], [0.5])
    np.testing.assert_array_equal(windows.embeddings, rs.embed_files(path, "mfcc"))


def test_frame_has_times_and_the_columns_of_a_classifier(path):
    windows = rs.embed_windows(path, "low=mfcc", 2.0)
    frame = windows.to_frame()
    assert frame.index.names == ["start_s", "end_s"]
    assert frame.index[1] == (2.0, 4.0)
    assert frame.columns.tolist() == rs.embed_files(path, "low=mfcc").columns.tolist()
    pd.testing.assert_frame_equal(frame, rs.embed_windows(path, "low=mfcc", 2.0).to_frame())


def test_files_longer_than_the_limit_are_taken_in_windows(tmp_path):
    path = write_wav(tmp_path / "long.wav", 61.0, 8_000)
    with pytest.raises(AudioError, match="the maximum is 60 s"):
        rs.embed_files(path, "logmel")
    assert rs.embed_files(path, "logmel", window_s=30).shape == (1, 240)
    assert len(rs.embed_windows(path, "logmel", 30).start_s) == 3


def test_a_bar_counts_windows(path, capsys):
    rs.embed_windows(path, "mfcc", 2.0, 0.7, progress=True)
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert "windows/s" in shown


class TestRefused:
    def test_files_that_cannot_be_read(self, tmp_path, path):
        with pytest.raises(AudioError, match="no such file"):
            rs.embed_windows(tmp_path / "nowhere.wav", "mfcc", 1.0)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(AudioError, match="truncated"):
            rs.embed_windows(path, "mfcc", 1.0)

    @pytest.mark.parametrize(
        "waveform", [np.zeros((2, 100)), np.zeros(0), np.array([0.0, np.nan] * 500)]
    )
    def test_waveforms_that_are_not_one_channel_of_numbers(self, waveform):
        with pytest.raises(AudioError, match="the waveform"):
            rs.embed_windows(waveform, "mfcc", 1.0)

    def test_lengths_that_cannot_be(self, path, tiny):
        with pytest.raises(RenoStoreError, match="hop_s is 2"):
            rs.embed_windows(path, "mfcc", 1.0, 2.0)
        with pytest.raises(RenoStoreError, match="window_s is None"):
            rs.embed_windows(path, "mfcc", None)
        with pytest.raises(ModelError, match="too short"):
            rs.embed_windows(path, tiny, 0.01)
        with pytest.raises(ModelError, match="too short"):
            rs.embed_files(path, tiny, window_s=0.01)

    def test_a_window_that_the_model_cannot_embed_is_named(self, path, monkeypatch):
        embed = MfccStatistics.embed

        def failing(self, waveforms):
            if any(len(waveform) < 16_000 for waveform in waveforms):
                raise IndexError("seven")
            return embed(self, waveforms)

        monkeypatch.setattr(MfccStatistics, "embed", failing)
        reason = r"long\.mp3: window from 5\.00 to 5\.\d\d s: the model raised IndexError: seven"
        with pytest.raises(ModelError, match=reason):
            rs.embed_windows(path, "mfcc", 1.0)
