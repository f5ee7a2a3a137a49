"""Stores of recordings that are embedded window by window."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import zarr
from click.testing import CliRunner
from factories.checkpoints import write_checkpoint
from factories.corpora import make_corpus
from factories.recordings import write_wav
from factories.stores import assert_stores_equal
from reno_cli.main import main

import reno_store as rs
from reno_store.corpora.audio import read_waveform
from reno_store.errors import ModelError, RenoStoreError, StaleStoreError
from reno_store.extraction.build import build_store
from reno_store.foundation_models.spectral import MfccStatistics

WINDOWS = {"window_s": 0.4, "hop_s": 0.15}
"""Of six clips of 0.3 to 0.55 s, three are longer."""


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path)


@pytest.fixture
def build(corpus, tmp_path):
    def build(models="mfcc", store="s.zarr", **options):
        settings = {**WINDOWS, "device": "cpu", **options}
        return build_store(corpus.manifest, tmp_path / store, models, **settings)

    return build


@pytest.fixture
def stored(tmp_path):
    return lambda model="mfcc", store="s.zarr": (
        rs.open_store(tmp_path / store).load("small", model, missing="drop").X
    )


def by_hand(waveform, model, window_s, hop_s):
    """Cut, embed each window alone, and take the mean, as plainly as possible."""
    window, hop = round(window_s * model.sample_rate_hz), round(hop_s * model.sample_rate_hz)
    starts = [0]
    while starts[-1] + window < len(waveform):
        starts.append(starts[-1] + hop)
    cuts = [waveform[start : start + window] for start in starts]
    rows = [model.embed([cut])[0] for cut in cuts]
    return np.average(rows, axis=0, weights=[len(cut) for cut in cuts])


def test_embedding_is_the_mean_over_windows_weighted_by_length(build, stored, corpus, tmp_path):
    spec = f"hf:{write_checkpoint(tmp_path / 'tiny', 'wavlm')}"
    assert build(["mfcc", spec]).complete
    for name, model in (("mfcc", rs.load_model("mfcc")), ("tiny", rs.load_model(spec))):
        for row, clip_id in zip(stored(name), corpus.clip_ids, strict=True):
            waveform = read_waveform(corpus.recording(clip_id), model.sample_rate_hz)
            np.testing.assert_allclose(row, by_hand(waveform, model, **WINDOWS), rtol=1e-5)


def test_recordings_that_are_not_longer_are_embedded_as_without_windows(build, stored):
    build()
    build(store="whole.zarr", window_s=None, hop_s=None)
    same = (stored() == stored(store="whole.zarr")).all(axis=1)
    assert same.tolist() == [True, True, True, False, False, False]


def test_windows_of_several_recordings_share_batches(build, monkeypatch):
    sizes = note_lengths(monkeypatch)
    build(window_s=0.1, hop_s=0.1, batch_seconds=0.41)
    assert [len(batch) for batch in sizes] == [4] * 6 + [3]
    assert sum(map(sum, sizes)) == 16_000 * sum(0.3 + 0.05 * n for n in range(6))


def test_longest_recording_is_not_limited(build):
    assert build(max_seconds=0.1).complete


def test_a_resumed_build_computes_what_is_missing(build, corpus, tmp_path):
    corpus.recording("clip4").rename(tmp_path / "away.wav")
    report = build()
    assert [failure.clip_id for failure in report.models[0].failures] == ["clip4"]
    (tmp_path / "away.wav").rename(corpus.recording("clip4"))
    report = build()
    assert (report.models[0].n_new, report.models[0].n_reused) == (1, 5)
    build(store="whole.zarr")
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")


class TestFingerprint:
    def fingerprint(self, tmp_path, store="s.zarr"):
        return zarr.open_group(tmp_path / store, mode="r")["small/mfcc"].attrs["fingerprint"]

    def test_is_unchanged_without_windows(self, build, tmp_path):
        build(window_s=None, hop_s=None)
        assert self.fingerprint(tmp_path) == rs.load_model("mfcc").fingerprint

    def test_has_both_lengths(self, build, tmp_path):
        build()
        windows = self.fingerprint(tmp_path).pop("windows")
        assert (windows["window_s"], windows["hop_s"]) == (0.4, 0.15)

    def test_of_other_windows_is_another_model(self, build, stored):
        build()
        before = stored()
        for other in ({"hop_s": 0.2}, {"window_s": None, "hop_s": None}):
            with pytest.raises(StaleStoreError, match="windows"):
                build(**other)
            assert build([f"other{len(other)}=mfcc"], **other).complete
        np.testing.assert_array_equal(stored(), before)
        assert build(hop_s=0.2, refresh="model").models[0].n_copied == 6
        assert not np.array_equal(stored(), before)


class TestRefused:
    @pytest.mark.parametrize(
        ("lengths", "name"),
        [
            ({"window_s": 0.2, "hop_s": 0.3}, "hop_s"),
            ({"window_s": 0}, "window_s"),
            ({"window_s": None}, "hop_s"),
        ],
    )
    def test_lengths_that_cannot_be_are(self, build, tmp_path, lengths, name):
        with pytest.raises(RenoStoreError, match=name):
            build(**lengths)
        assert not (tmp_path / "s.zarr").exists()

    def test_windows_longer_than_the_model_takes_are_before_anything_is_computed(
        self, build, monkeypatch
    ):
        monkeypatch.setattr(MfccStatistics, "max_samples", 6_000, raising=False)
        sizes = note_lengths(monkeypatch)
        with pytest.raises(ModelError, match=r"expected at most 0\.375 s"):
            build(["logmel", "mfcc"])
        assert sizes == []


class TestFailures:
    def test_one_window_that_fails_fails_its_clip_alone(self, build, stored, corpus, monkeypatch):
        build(store="whole.zarr")
        bad = read_waveform(corpus.recording("clip3"), 16_000)[2_400:]
        embed = MfccStatistics.embed

        def nan_for_it(self, waveforms):
            rows = embed(self, waveforms)
            rows[[np.array_equal(waveform, bad) for waveform in waveforms]] = np.nan
            return rows

        monkeypatch.setattr(MfccStatistics, "embed", nan_for_it)
        (failure,) = build().models[0].failures
        assert failure.clip_id == "clip3"
        assert "window from 0.15 to 0.45 s: the model returned 120 NaN" in failure.reason
        assert not failure.is_unreadable
        np.testing.assert_array_equal(stored(), np.delete(stored(store="whole.zarr"), 3, axis=0))

    def test_a_recording_that_is_cut_off_fails_alone(self, build, stored, corpus):
        path = write_wav(corpus.recording("clip5"), 9.0, format="MP3")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        (failure,) = build().models[0].failures
        assert (failure.clip_id, failure.is_unreadable) == ("clip5", True)
        assert "truncated" in failure.reason
        assert len(stored()) == 5

    def test_scarce_memory_costs_only_time(self, build, tmp_path, monkeypatch):
        build(store="whole.zarr")
        embed, sizes = MfccStatistics.embed, []

        def hungry(self, waveforms):
            if len(waveforms) > 3:
                raise MemoryError
            sizes.append(len(waveforms))
            return embed(self, waveforms)

        monkeypatch.setattr(MfccStatistics, "embed", hungry)
        assert build().complete
        assert max(sizes) == 3
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_silence_is_of_the_whole_recording(self, build, corpus):
        sound = np.zeros(8_800)
        soundfile.write(corpus.recording("clip4"), sound, 16_000)
        sound[-10:] = 0.5
        soundfile.write(corpus.recording("clip5"), sound, 16_000)
        assert build().models[0].silent == ("clip4",)

    def test_one_recording_under_two_ids_is_computed_once(self, build, stored, corpus, monkeypatch):
        corpus.recording("clip3").write_bytes(corpus.recording("clip5").read_bytes())
        sizes = note_lengths(monkeypatch)
        report = build()
        assert (report.models[0].n_new, report.models[0].n_copied) == (6, 1)
        np.testing.assert_array_equal(stored()[3], stored()[5])
        assert sum(map(len, sizes)) == 3 + 2 * 2


def test_ctrl_c_keeps_the_recordings_that_are_complete(build, tmp_path, monkeypatch):
    embed, calls = MfccStatistics.embed, []

    def interrupted_in_clip4(self, waveforms):
        if len(calls) == 8:  # clip0 to clip2 are not in windows; clip3 has seven
            raise KeyboardInterrupt
        calls.append(waveforms)
        return embed(self, waveforms)

    with monkeypatch.context() as patched:
        patched.setattr(MfccStatistics, "embed", interrupted_in_clip4)
        report = build(window_s=0.4, hop_s=0.01, batch_seconds=0.01)
    assert report.interrupted
    assert report.models[0].n_new == 1
    report = build(window_s=0.4, hop_s=0.01)
    assert (report.models[0].n_new, report.models[0].n_reused) == (5, 1)
    build(store="whole.zarr", window_s=0.4, hop_s=0.01)
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")


def test_progress_counts_clips_and_goes_by_the_seconds_of_their_windows(build, corpus, monkeypatch):
    corpus.recording("clip5").write_text("I am no sound.")  # its length is unknown
    bars = []

    @contextlib.contextmanager
    def counting(description, n, **begun):
        steps = []
        bars.append((n, begun, steps))
        yield SimpleNamespace(advance=lambda n, *, work: steps.append((n, work)))

    monkeypatch.setattr("reno_store.extraction.running.counting", counting)
    build(window_s=0.2, hop_s=0.1, batch_seconds=0.25)
    ((n, begun, steps),) = bars
    assert (n, sum(n for n, _ in steps)) == (6, 6)
    # 0.3 s are windows of 0.2 + 0.2, 0.35 s of 0.2 + 0.2 + 0.15, and so on.
    assert begun["work"] == pytest.approx(0.4 + 0.55 + 0.6 + 0.75 + 0.8 + 6 * 0.1)
    assert sum(work for _, work in steps) == pytest.approx(begun["work"])
    assert steps[0] == (0, pytest.approx(0.2))


def test_command_line_builds_and_checks_such_a_store(corpus, tmp_path, stored, build):
    build(store="python.zarr")
    words = ["--window", "0.4", "--hop", "0.15", "--device", "cpu", "--model", "mfcc"]
    store = str(tmp_path / "s.zarr")
    shown = CliRunner().invoke(main, ["build", str(corpus.manifest), "--store", store, *words])
    assert shown.exit_code == 0, shown.output
    np.testing.assert_array_equal(stored(), stored(store="python.zarr"))
    shown = CliRunner().invoke(main, ["info", store])
    assert "windows of 0.4 s every 0.15 s" in shown.output
    shown = CliRunner().invoke(main, ["verify", store, "--audio", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "0 problems" in shown.output


def note_lengths(monkeypatch):
    """Note the samples of each waveform that goes through MFCC, batch by batch."""
    lengths = []
    embed = MfccStatistics.embed

    def noting(self, waveforms):
        lengths.append([len(waveform) for waveform in waveforms])
        return embed(self, waveforms)

    monkeypatch.setattr(MfccStatistics, "embed", noting)
    return lengths
