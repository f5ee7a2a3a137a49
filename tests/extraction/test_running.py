"""A model's whole pass, from files to what a store is given, and what is said of it."""

import contextlib
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from factories.recordings import write_wav

from reno_store.corpora.audio import hash_file, read_duration_s, read_waveform
from reno_store.extraction import Extraction, Recording, Task
from reno_store.extraction.reports import Failure, ModelReport

RATE_HZ = 8_000
MODULE = "reno_store.extraction.running"


class FakeModel:
    """Says of each clip its length and its loudest sample."""

    sample_rate_hz = RATE_HZ
    min_samples = 1
    dim = 2
    fingerprint = {"model": "fake"}  # noqa: RUF012

    def __init__(self):
        self.calls = []

    def embed(self, waveforms):
        self.calls.append([len(waveform) for waveform in waveforms])
        return np.array([said_of(waveform) for waveform in waveforms], np.float32)


def said_of(waveform):
    return [len(waveform), np.abs(waveform).max()]


class FakeStore:
    """Keeps what it is given by row."""

    def __init__(self, error=None):
        self.rows = {}
        self.error = error

    def put(self, rows, embeddings):
        if self.error is not None:
            raise self.error
        assert not self.rows.keys() & set(rows.tolist())
        self.rows.update(zip(rows.tolist(), embeddings.tolist(), strict=True))


@pytest.fixture
def recordings(tmp_path):
    """Six, of 0.1 to 0.6 s."""
    paths = [write_wav(tmp_path / f"{n}.wav", 0.1 * (n + 1), RATE_HZ, seed=n) for n in range(6)]
    return [described(path) for path in paths]


def described(path):
    return Recording(f"clip{path.stem}", path, hash_file(path), read_duration_s(path))


class Run:
    """One extraction, run."""

    def __init__(self, recordings, model=None, *, missing=None, progress=None, error=None, **task):
        n_clips = len(recordings)
        self.recordings = recordings
        self.model = FakeModel() if model is None else model
        self.store = FakeStore(error)
        self.rows = 100 + np.random.default_rng(0).permutation(n_clips)
        is_missing = np.ones(n_clips, np.bool_)
        if missing is not None:
            is_missing = np.isin(np.arange(n_clips), missing)
        task = Task(
            **{
                "recordings": recordings,
                "rows": self.rows,
                "is_missing": is_missing,
                "batch_seconds": 60.0,
                "max_seconds": None,
                **task,
            }
        )
        self.extraction = Extraction("fake", self.model, task, self.store.put)
        self.interrupted = self.extraction.run(progress)
        self.report = self.extraction.report()

    def assert_stored(self, *clips):
        """What lies in the store is what the model says of these clips, each in its row."""
        assert self.store.rows == {
            int(self.rows[clip]): pytest.approx(
                said_of(read_waveform(self.recordings[clip].path, RATE_HZ))
            )
            for clip in clips
        }


def assert_nobody_works():
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("decode", "write"))]


def interrupting(model, *, at):
    """Have a model interrupted as it is given its batch of this number."""
    embed = model.embed

    def embed_or_interrupt(waveforms):
        if len(model.calls) == at:
            raise KeyboardInterrupt
        return embed(waveforms)

    model.embed = embed_or_interrupt
    return model


def test_every_clip_gets_its_own_row(recordings):
    run = Run(recordings)
    run.assert_stored(0, 1, 2, 3, 4, 5)
    assert run.interrupted is False
    assert_nobody_works()


def test_report_counts_what_is_new_and_what_was_there(recordings):
    report = Run(recordings, missing=[1, 4]).report
    assert (report.model, report.n_new, report.n_reused) == ("fake", 2, 4)
    assert (report.failures, report.silent) == ((), ())


def test_clips_that_are_not_missing_are_not_even_read(recordings):
    for index in (0, 2, 3, 5):
        recordings[index].path.unlink()
    run = Run(recordings, missing=[1, 4])
    run.assert_stored(1, 4)
    assert run.report.failures == ()


def test_nothing_missing_asks_neither_model_nor_store(recordings):
    run = Run(recordings, missing=[])
    assert run.interrupted is False
    assert run.model.calls == []
    assert run.store.rows == {}
    assert run.report == ModelReport("fake", 0, 6)


def test_nothing_missing_needs_no_recordings_to_be_described(recordings):
    run = Run((), rows=np.arange(3), is_missing=np.zeros(3, np.bool_))
    assert run.report == ModelReport("fake", 0, 3)


class TestFailures:
    def test_are_sorted_by_the_manifest_and_keep_their_reason(self, recordings):
        recordings[1].path.unlink()
        recordings[5].path.write_text("I am no sound.")

        class Fussy(FakeModel):
            def embed(self, waveforms):
                if any(len(waveform) == 0.4 * RATE_HZ for waveform in waveforms):
                    raise IndexError("seven")
                return super().embed(waveforms)

        run = Run(recordings, Fussy(), batch_seconds=0.5)
        run.assert_stored(0, 2, 4)
        assert [failure.clip_id for failure in run.report.failures] == ["clip1", "clip3", "clip5"]
        assert "1.wav: no such file" in run.report.failures[0].reason
        assert run.report.failures[1] == Failure("clip3", "the model raised IndexError: seven")
        assert "5.wav: not audio" in run.report.failures[2].reason
        assert (run.report.n_new, run.report.n_reused) == (3, 0)

    def test_are_all_named_where_nothing_can_be_embedded(self, recordings):
        for recording in recordings:
            recording.path.unlink()
        run = Run(recordings)
        assert len(run.report.failures) == 6
        assert run.report.n_new == 0
        assert run.model.calls == []
        assert run.store.rows == {}

    def test_are_clips_that_are_longer_than_allowed(self, recordings):
        run = Run(recordings, max_seconds=0.45)
        run.assert_stored(0, 1, 2, 3)
        assert [failure.clip_id for failure in run.report.failures] == ["clip4", "clip5"]
        assert "lasts 0.50 s; the maximum is 0.45 s" in run.report.failures[0].reason


class TestSilence:
    @pytest.fixture
    def silenced(self, recordings):
        for index in (4, 0, 2):
            path = recordings[index].path
            soundfile.write(path, np.zeros(800 * (index + 1)), RATE_HZ)
            recordings[index] = described(path)
        return recordings

    def test_is_stored_and_told_in_the_order_of_the_manifest(self, silenced):
        run = Run(silenced, batch_seconds=0.1)
        run.assert_stored(0, 1, 2, 3, 4, 5)
        assert run.report.silent == ("clip0", "clip2", "clip4")

    def test_of_clips_that_were_there_already_is_not_told_again(self, silenced):
        assert Run(silenced, missing=[1, 2, 3]).report.silent == ("clip2",)

    def test_that_the_model_cannot_embed_is_a_failure_alone(self, silenced):
        class Dividing(FakeModel):
            def embed(self, waveforms):
                rows = super().embed(waveforms)
                rows[[len(waveform) == 800 for waveform in waveforms]] = np.nan
                return rows

        report = Run(silenced, Dividing()).report
        assert report.silent == ("clip2", "clip4")
        assert [failure.clip_id for failure in report.failures] == ["clip0"]


class TestTwins:
    """Clips with one and the same recording are computed once."""

    @pytest.fixture
    def twins(self, recordings):
        """Clips 1, 3 and 5 have one recording, of 0.2 s."""
        for index in (3, 5):
            recordings[index].path.write_bytes(recordings[1].path.read_bytes())
            recordings[index] = described(recordings[index].path)
        return recordings

    def test_share_one_embedding(self, twins):
        run = Run(twins)
        run.assert_stored(0, 1, 2, 3, 4, 5)
        lengths = [length for call in run.model.calls for length in call]
        assert sorted(lengths) == [800, 1600, 2400, 4000]
        assert (run.report.n_new, run.report.n_copied, run.report.n_reused) == (6, 2, 0)

    def test_are_not_even_read_twice(self, twins, monkeypatch):
        read = []

        def read_and_note(path, rate_hz):
            read.append(path.stem)
            return read_waveform(path, rate_hz)

        monkeypatch.setattr("reno_store.extraction.recordings.read_waveform", read_and_note)
        Run(twins)
        assert sorted(read) == ["0", "1", "2", "4"]

    def test_of_which_one_is_there_already_are_computed_once_more(self, twins):
        run = Run(twins, missing=[3, 5])
        run.assert_stored(3, 5)
        assert run.model.calls == [[1600]]
        assert (run.report.n_new, run.report.n_copied, run.report.n_reused) == (2, 1, 4)

    def test_go_through_a_model_in_any_batches(self, twins):
        run = Run(twins, batch_seconds=0.01)
        run.assert_stored(0, 1, 2, 3, 4, 5)
        assert [len(call) for call in run.model.calls] == [1, 1, 1, 1]

    def test_that_cannot_be_embedded_are_all_named(self, twins):
        class Fussy(FakeModel):
            def embed(self, waveforms):
                if any(len(waveform) == 1600 for waveform in waveforms):
                    raise IndexError("seven")
                return super().embed(waveforms)

        run = Run(twins, Fussy())
        run.assert_stored(0, 2, 4)
        assert run.report.failures == tuple(
            Failure(clip_id, "the model raised IndexError: seven")
            for clip_id in ("clip1", "clip3", "clip5")
        )
        assert (run.report.n_new, run.report.n_copied) == (3, 0)

    def test_in_which_nothing_is_heard_are_all_told(self, recordings):
        for index in (4, 1):
            soundfile.write(recordings[index].path, np.zeros(800), RATE_HZ)
            recordings[index] = described(recordings[index].path)
        run = Run(recordings)
        run.assert_stored(0, 1, 2, 3, 4, 5)
        assert run.report.silent == ("clip1", "clip4")

    def test_are_not_recordings_that_had_no_hash(self, recordings):
        # Two that could not be read when a build began: what they hold nobody knows.
        for index in (1, 2):
            truth = recordings[index]
            recordings[index] = Recording(truth.clip_id, truth.path, "", truth.duration_s)
        run = Run(recordings)
        assert [failure.clip_id for failure in run.report.failures] == ["clip1", "clip2"]
        for failure, name in zip(run.report.failures, ("1.wav", "2.wav"), strict=True):
            assert f"{name}: changed while it was being built" in failure.reason

    def test_count_once_in_the_progress(self, twins, capsys):
        Run(twins, progress=True)
        assert "4/4" in capsys.readouterr().err

    def test_that_a_store_copied_by_itself_are_new_and_not_reused(self, twins):
        run = Run(twins, missing=[0, 3, 5])
        report = run.extraction.report(2)
        assert (report.n_new, report.n_copied, report.n_reused) == (5, 3, 1)


class TestBatches:
    def test_have_so_many_seconds(self, recordings):
        run = Run(recordings, batch_seconds=1.2, padded=False)
        assert run.model.calls[0] == [4800, 4000]
        assert sorted(run.model.calls[1:]) == [[1600, 800], [3200, 2400]]

    def test_mix_all_lengths_where_clips_are_not_padded(self, recordings):
        run = Run(recordings, padded=False)
        assert run.model.calls == [[4800, 4000, 3200, 2400, 1600, 800]]

    def test_mix_similar_lengths_where_clips_are_padded(self, recordings):
        assert len(Run(recordings, padded=True).model.calls) == 4
        assert Run(recordings).model.calls == Run(recordings, padded=True).model.calls

    def test_are_planned_over_clips_that_are_there_already_too(self, recordings):
        # Planned without the longest, they would be [4, 3, 2] and [1, 0].
        run = Run(recordings, missing=[0, 1, 2, 3, 4], padded=False, batch_seconds=1.7)
        assert sorted(run.model.calls) == [[3200, 2400, 1600, 800], [4000]]

    def test_are_cut_where_headers_lied(self, recordings):
        lied = [Recording(r.clip_id, r.path, r.sha256, 0.01) for r in recordings]
        run = Run(lied, batch_seconds=1.2)
        run.assert_stored(0, 1, 2, 3, 4, 5)
        assert run.model.calls == [[4800, 4000], [3200, 2400, 1600], [800]]

    def test_shrink_for_good_where_memory_is_short(self, tmp_path):
        class Hungry(FakeModel):
            def embed(self, waveforms):
                rows = super().embed(waveforms)
                if len(waveforms) > 2:
                    raise torch.OutOfMemoryError("CUDA out of memory.")
                return rows

        paths = [write_wav(tmp_path / f"{n}.wav", 0.1, RATE_HZ, seed=n) for n in range(12)]
        run = Run([described(path) for path in paths], Hungry(), batch_seconds=0.41)
        run.assert_stored(*range(12))
        assert [len(call) for call in run.model.calls] == [4, 2, 2, 2, 2, 2, 2]
        assert run.report.failures == ()


class TestReport:
    def test_says_how_long_it_took(self, recordings, monkeypatch):
        clock = SimpleNamespace(perf_counter=iter([10.0, 13.5]).__next__)
        monkeypatch.setattr(f"{MODULE}.time", clock)
        assert Run(recordings).report.seconds == 3.5

    def test_says_why_clips_went_one_by_one(self, recordings):
        model = FakeModel()
        model.one_by_one_because = "its norm looks at the padding"
        assert Run(recordings, model).report.one_by_one_because == "its norm looks at the padding"

    def test_says_nothing_of_it_where_the_model_does_not(self, recordings):
        assert Run(recordings).report.one_by_one_because == ""


class TestInterrupted:
    def test_in_the_model_keeps_the_batches_before(self, recordings):
        model = interrupting(FakeModel(), at=3)
        run = Run(recordings, model, batch_seconds=0.01)
        assert run.interrupted is True
        assert [len(call) for call in model.calls] == [1, 1, 1]
        embedded = [round(call[0] / 800) - 1 for call in model.calls]
        run.assert_stored(*embedded)
        assert (run.report.n_new, run.report.n_reused) == (3, 0)
        assert run.report.failures == ()
        assert_nobody_works()

    def test_at_once_keeps_nothing(self, recordings):
        run = Run(recordings, interrupting(FakeModel(), at=0))
        assert run.interrupted is True
        assert run.store.rows == {}
        assert run.report.n_new == 0
        assert_nobody_works()

    def test_in_a_read_keeps_the_batches_before(self, recordings, monkeypatch):
        def read(path, rate_hz):
            if path.stem == "0":
                raise KeyboardInterrupt
            return read_waveform(path, rate_hz)

        monkeypatch.setattr("reno_store.extraction.recordings.read_waveform", read)
        run = Run(recordings, batch_seconds=0.01)
        assert run.interrupted is True
        run.assert_stored(*[round(call[0] / 800) - 1 for call in run.model.calls])
        assert run.report.n_new == len(run.model.calls) <= 5
        assert run.report.failures == ()
        assert_nobody_works()

    def test_keeps_the_failures_until_then(self, recordings):
        recordings[5].path.write_text("I am no sound.")
        run = Run(recordings, interrupting(FakeModel(), at=1), batch_seconds=0.01)
        assert run.interrupted is True
        assert [failure.clip_id for failure in run.report.failures] == ["clip5"]
        assert run.report.n_new == 1


class TestFailingStore:
    def test_is_told_and_nobody_goes_on(self, recordings):
        with pytest.raises(OSError, match="disk full"):
            Run(recordings, error=OSError("disk full"), batch_seconds=0.01)
        assert_nobody_works()

    def test_is_told_although_the_user_interrupted(self, recordings):
        model = interrupting(FakeModel(), at=1)
        with pytest.raises(OSError, match="disk full"):
            Run(recordings, model, error=OSError("disk full"), batch_seconds=0.01)
        assert_nobody_works()


class TestProgress:
    def test_counts_the_missing_clips(self, recordings, capsys):
        Run(recordings, missing=[0, 1, 2, 5], progress=True)
        shown = capsys.readouterr().err
        assert "fake" in shown
        assert "4/4" in shown
        assert "clips/s" in shown

    def test_counts_failures_and_clips_of_unknown_length(self, recordings, capsys):
        recordings[1].path.unlink()
        recordings[2].path.write_text("I am no sound.")
        recordings[2] = described(recordings[2].path)
        assert np.isnan(recordings[2].duration_s)
        Run(recordings, progress=True)
        assert "6/6" in capsys.readouterr().err

    def test_goes_by_seconds_and_ends_full(self, recordings, monkeypatch):
        bars = self.watched(monkeypatch)
        recordings[2].path.write_text("I am no sound.")
        recordings[2] = described(recordings[2].path)
        Run(recordings, missing=[0, 2, 5], batch_seconds=0.01)
        ((begun, advanced),) = bars
        assert begun["unit"] == "clips"
        # Seconds of the two whose length is known, and what each clip costs beside.
        assert begun["work"] == pytest.approx(0.1 + 0.6 + 3 * 0.1)
        assert sorted(advanced) == [
            (1, pytest.approx(0.1)),
            (1, pytest.approx(0.2)),
            (1, pytest.approx(0.7)),
        ]

    def test_stops_where_the_user_stopped(self, recordings, monkeypatch):
        bars = self.watched(monkeypatch)
        Run(recordings, interrupting(FakeModel(), at=2), batch_seconds=0.01)
        assert len(bars[0][1]) == 2

    def test_is_silent_unless_asked_for_or_on_a_terminal(self, recordings, capsys):
        Run(recordings)
        Run(recordings, progress=False)
        assert capsys.readouterr() == ("", "")

    def watched(self, monkeypatch):
        """Note what each bar is told: how it begins, and each step."""
        bars = []

        @contextlib.contextmanager
        def counting(description, n, **begun):
            steps = []
            bars.append((begun, steps))
            yield SimpleNamespace(advance=lambda n, *, work: steps.append((n, work)))

        monkeypatch.setattr(f"{MODULE}.counting", counting)
        return bars
