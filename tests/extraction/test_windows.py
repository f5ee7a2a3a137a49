"""Windows: where they begin and end, which are refused, and how they are decoded ahead."""

import threading
import tracemalloc

import numpy as np
import pytest
import soundfile
from factories.recordings import write_wav
from hypothesis import given
from hypothesis import strategies as st

from reno_store.corpora.audio import hash_file, read_duration_s, read_waveform
from reno_store.errors import ModelError, RenoStoreError
from reno_store.extraction import Recording, Windows
from reno_store.extraction.streaming import windows_ahead, windows_together

RATE_HZ = 8_000


class FakeModel:
    sample_rate_hz, min_samples, dim = RATE_HZ, 10, 1


def recording(path):
    return Recording(path.stem, path, hash_file(path), read_duration_s(path))


def load(recordings, windows, n_together=4, indices=None):
    indices = range(len(recordings)) if indices is None else indices
    return list(windows_ahead(recordings, indices, FakeModel(), windows, n_together))


class TestCut:
    @given(
        n_samples=st.integers(1, 300),
        window=st.integers(1, 50),
        hop=st.integers(1, 50),
        least=st.integers(1, 50),
        blocks=st.lists(st.integers(0, 60), max_size=8),
    )
    def test_covers_everything_in_windows_of_one_length(
        self, n_samples, window, hop, least, blocks
    ):
        hop, least = min(hop, window), min(least, window)
        recorded = np.arange(n_samples, dtype=np.float32)
        pieces = np.split(recorded, sorted(min(sum(blocks[:n]), n_samples) for n in range(9)))
        cut = list(Windows(float(window), float(hop)).cut(pieces, 1, least))
        for start, samples, _ in cut:
            np.testing.assert_array_equal(samples, recorded[start : start + len(samples)])
        starts = [start for start, _, _ in cut]
        assert [is_last for _, _, is_last in cut] == [False] * (len(cut) - 1) + [True]
        assert starts[:-1] == [hop * number for number in range(len(cut) - 1)]
        assert all(len(samples) == window for _, samples, _ in cut[:-1])
        assert set(np.concatenate([samples for _, samples, _ in cut])) == set(recorded)
        assert starts[-1] + len(cut[-1][1]) == n_samples
        assert min(least, n_samples) <= len(cut[-1][1]) <= window
        assert len(cut) == Windows(float(window), float(hop)).count(n_samples)
        total = sum(len(samples) for _, samples, _ in cut)
        expected = Windows(float(window), float(hop)).total_s(n_samples)
        assert expected <= total < expected + least

    def test_last_window_that_is_too_short_begins_earlier(self):
        recorded = np.arange(9, dtype=np.float32)
        cut = list(Windows(4.0, 4.0).cut([recorded], 1, least_samples=3))
        assert [(start, len(samples)) for start, samples, _ in cut] == [(0, 4), (4, 4), (6, 3)]

    def test_recording_that_is_too_short_is_one_window(self):
        cut = list(Windows(4.0, 4.0).cut([np.ones(2, np.float32)], 1, least_samples=3))
        assert [(start, len(samples), last) for start, samples, last in cut] == [(0, 2, True)]

    def test_lengths_are_rounded_without_gaps(self):
        cut = list(Windows(0.1001, 0.1001).cut([np.zeros(5_000, np.float32)], 8_000, 1))
        assert [start for start, _, _ in cut] == [801 * number for number in range(7)]


class TestLengths:
    @pytest.mark.parametrize("name", ["window_s", "hop_s"])
    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
    def test_that_are_no_length_are_refused(self, name, seconds):
        with pytest.raises(RenoStoreError, match=f"{name} is "):
            Windows.parse(**{"window_s": 5.0, "hop_s": 1.0, name: seconds})

    def test_hop_that_would_leave_out_audio_is_refused(self):
        with pytest.raises(RenoStoreError, match="hop_s is 6, longer than window_s, 5"):
            Windows.parse(5, 6)

    def test_hop_alone_is_refused(self):
        with pytest.raises(RenoStoreError, match="without window_s"):
            Windows.parse(None, 1)

    def test_hop_is_the_window_unless_given(self):
        assert Windows.parse(5) == Windows(5.0, 5.0)
        assert Windows.parse(None) is None

    def test_that_a_model_does_not_take_are_refused(self):
        model = FakeModel()
        Windows(60.0, 5.0).check(model, "fake")
        with pytest.raises(ModelError, match=r"model fake: windows of 0\.001 s are too short"):
            Windows(0.001, 0.001).check(model, "fake")
        with pytest.raises(ModelError, match="shorter than a sample"):
            Windows(1.0, 1e-6).check(model, "fake")
        model.max_samples = 30 * RATE_HZ
        Windows(30.0, 5.0).check(model, "fake")
        with pytest.raises(ModelError, match="expected at most 30 s"):
            Windows(30.1, 5.0).check(model, "fake")

    @pytest.mark.parametrize(
        ("seconds", "n"), [(60.0, 6), (15.0, 1), (1.0, 1), (1e9, 512), (float("inf"), 512)]
    )
    def test_of_a_batch(self, seconds, n):
        assert windows_together(Windows(10.0, 5.0), seconds) == n


class TestDecodedAhead:
    def test_windows_are_those_of_the_whole_waveform(self, tmp_path):
        path = write_wav(tmp_path / "a.mp3", 7.3, 44_100, 2, format="MP3")
        waveform = read_waveform(path, RATE_HZ)
        expected = list(Windows(1.0, 0.4).cut([waveform], RATE_HZ, 10))
        batches = load([recording(path)], Windows(1.0, 0.4))
        assert [len(batch) for batch in batches] == [4, 4, 4, 4, 1]
        found = [clip for batch in batches for clip in batch]
        for clip, (start, samples, is_last) in zip(found, expected, strict=True):
            assert (clip.index, clip.start, clip.is_last) == (0, start, is_last)
            np.testing.assert_array_equal(clip.waveform, samples)

    def test_recordings_share_batches_in_their_order(self, tmp_path):
        paths = [write_wav(tmp_path / f"{n}.wav", 2.5, RATE_HZ, seed=n) for n in range(5)]
        recordings = [recording(path) for path in paths]
        batches = load(recordings, Windows(1.0, 1.0), indices=[3, 0, 1])
        assert [[clip.index for clip in batch] for batch in batches] == [
            [3, 3, 3, 0],
            [0, 0, 1, 1],
            [1],
        ]

    def test_a_bad_recording_ends_with_its_reason_and_costs_no_other(self, tmp_path):
        paths = [write_wav(tmp_path / f"{n}.flac", 2.5, format="FLAC") for n in range(3)]
        recordings = [recording(path) for path in paths]
        paths[1].write_bytes(paths[1].read_bytes()[: paths[1].stat().st_size // 2])
        paths[2].unlink()
        clips = [clip for batch in load(recordings, Windows(1.0, 1.0)) for clip in batch]
        assert [clip.problem for clip in clips if clip.index == 0] == ["", "", ""]
        for index, reason in ((1, "1.flac"), (2, "no such file")):
            last = [clip for clip in clips if clip.index == index][-1]
            assert last.is_last
            assert last.waveform is None
            assert reason in last.problem

    def test_a_recording_that_changed_since_it_was_hashed_is_a_problem(self, tmp_path):
        path = write_wav(tmp_path / "a.wav", 2.5)
        before = recording(path)
        write_wav(path, 2.5, seed=1)
        last = load([before], Windows(1.0, 1.0))[-1][-1]
        assert "changed while it was being built" in last.problem

    def test_silence_is_noted_per_window(self, tmp_path):
        samples = np.zeros(2 * RATE_HZ)
        samples[-10:] = 0.5
        soundfile.write(tmp_path / "a.wav", samples, RATE_HZ)
        (batch,) = load([recording(tmp_path / "a.wav")], Windows(1.0, 1.0))
        assert [clip.is_silent for clip in batch] == [True, False]

    def test_memory_does_not_depend_on_the_length(self, tmp_path):
        path = tmp_path / "long.wav"
        with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_U8") as file:
            for _ in range(20):
                file.write(np.zeros(60 * RATE_HZ, np.float32))
        tracemalloc.start()
        try:
            recordings = [recording(path)] * 3
            batches = windows_ahead(recordings, range(3), FakeModel(), Windows(10.0, 5.0), 6)
            n_windows = sum(len(batch) for batch in batches)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert n_windows == 3 * 239
        assert peak < 40e6, "each recording is 38 MB, with its windows 77 MB"

    def test_leaving_early_leaves_no_thread_behind(self, tmp_path):
        path = write_wav(tmp_path / "a.wav", 30.0)
        batches = windows_ahead([recording(path)], [0], FakeModel(), Windows(1.0, 1.0), 2)
        next(batches)
        batches.close()
        assert not [each for each in threading.enumerate() if each.name.startswith("decode")]
