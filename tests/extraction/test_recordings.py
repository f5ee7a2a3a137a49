"""Recordings that are decoded ahead: in order, each problem its clip's own, nobody left behind."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from factories.recordings import write_wav

from reno_store.corpora.audio import hash_file, read_duration_s, read_waveform
from reno_store.errors import AudioError
from reno_store.extraction.recordings import LoadedClip, Recording, loaded_ahead, refuse_long

RATE_HZ = 8_000
LONG_S = 120
"""More than anything here takes; who waits as long fails."""
NAN = float("nan")
MODULE = "reno_store.extraction.recordings"


def recording(path, **changed):
    """Describe a file as a build does, or wrongly."""
    truth = {
        "clip_id": path.stem,
        "path": path,
        "sha256": hash_file(path),
        "duration_s": read_duration_s(path),
    }
    return Recording(**{**truth, **changed})


@pytest.fixture
def three(tmp_path):
    return [
        recording(write_wav(tmp_path / f"clip{n}.wav", 0.1 * (n + 1), seed=n)) for n in range(3)
    ]


def load(recordings, batches=None, rate_hz=RATE_HZ, max_seconds=None):
    batches = [range(len(recordings))] if batches is None else batches
    return list(loaded_ahead(recordings, batches, rate_hz, max_seconds))


def load_one(*recordings, **options):
    ((clip,),) = load(recordings, **options)
    return clip


def assert_loaded(clip, recording, rate_hz=RATE_HZ):
    assert clip.problem == ""
    np.testing.assert_array_equal(clip.waveform, read_waveform(recording.path, rate_hz))


def held_until(event):
    """Wait for it; where it does not come, let everybody else pass."""
    if not event.wait(LONG_S):
        event.set()
        pytest.fail("never released")


def assert_nobody_decodes():
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]


class FakeDisk:
    """Stands in for files: notes what is read, and can hold reads up or make them fail."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(f"{MODULE}.read_waveform", self.read)
        monkeypatch.setattr(f"{MODULE}.hash_file", lambda path: path.name)
        monkeypatch.setattr("os.cpu_count", lambda: 4)
        self.begun = [threading.Event() for _ in range(1000)]
        self.threads = set()
        self.during = lambda index: None

    def recordings(self, n_clips):
        return [Recording(str(n), Path(str(n)), str(n), 0.1) for n in range(n_clips)]

    def read(self, path, rate_hz):
        index = int(path.name)
        self.threads.add(threading.current_thread())
        self.begun[index].set()
        self.during(index)
        return np.full(10, index, np.float32)

    @property
    def read_so_far(self):
        return [index for index, event in enumerate(self.begun) if event.is_set()]


@pytest.fixture
def disk(monkeypatch):
    return FakeDisk(monkeypatch)


class TestBatches:
    def test_come_in_their_order_and_their_clips_too(self, disk):
        batches = [[4, 1], [0], [5, 2, 3]]
        loaded = load(disk.recordings(6), batches)
        assert [[clip.index for clip in batch] for batch in loaded] == batches
        assert [[clip.waveform[0] for clip in batch] for batch in loaded] == batches

    def test_come_in_their_order_although_the_first_takes_longest(self, disk):
        def wait_for_the_last(index):
            if index == 0:
                assert disk.begun[3].wait(LONG_S)

        disk.during = wait_for_the_last
        loaded = load(disk.recordings(4), [[0, 1], [2, 3]])
        assert [[clip.index for clip in batch] for batch in loaded] == [[0, 1], [2, 3]]
        assert {clip.problem for batch in loaded for clip in batch} == {""}

    def test_leave_out_what_is_in_none(self, disk):
        load(disk.recordings(5), [[3], [1]])
        assert disk.read_so_far == [1, 3]

    def test_none_are_none(self, disk):
        assert load(disk.recordings(2), []) == []
        assert disk.read_so_far == []

    def test_many_all_come(self, disk):
        batches = [[3 * n, 3 * n + 1, 3 * n + 2] for n in range(50)]
        loaded = load(disk.recordings(150), batches)
        assert [[clip.index for clip in batch] for batch in loaded] == batches
        assert disk.read_so_far == list(range(150))


class TestReadingAhead:
    def test_next_batches_are_read_while_one_is_worked_on(self, disk):
        loaded = loaded_ahead(disk.recordings(10), [[n] for n in range(10)], RATE_HZ, None)
        next(loaded)
        assert disk.begun[1].wait(LONG_S)
        assert disk.begun[2].wait(LONG_S)
        next(loaded)
        assert disk.begun[3].wait(LONG_S)
        loaded.close()

    def test_batches_far_ahead_are_not_read_yet(self, disk):
        loaded = loaded_ahead(disk.recordings(10), [[n] for n in range(10)], RATE_HZ, None)
        next(loaded)
        assert disk.begun[2].wait(LONG_S)
        assert not disk.begun[3].wait(0.1)
        loaded.close()

    def test_other_threads_read(self, disk):
        load(disk.recordings(3))
        assert threading.current_thread() not in disk.threads

    def test_clips_of_a_batch_are_read_side_by_side(self, disk):
        together = threading.Barrier(3, timeout=LONG_S)
        disk.during = lambda index: together.wait()
        (batch,) = load(disk.recordings(3))
        assert [clip.problem for clip in batch] == ["", "", ""]

    @pytest.mark.parametrize(("n_cores", "most"), [(4, 4), (256, 8)])
    def test_no_more_threads_read_than_there_are_cores_and_only_few(
        self, disk, monkeypatch, n_cores, most
    ):
        monkeypatch.setattr("os.cpu_count", lambda: n_cores)
        never = threading.Event()
        disk.during = lambda index: never.wait(0.005)
        load(disk.recordings(40))
        assert 2 <= len(disk.threads) <= most

    def test_machine_that_does_not_tell_its_cores_reads_too(self, disk, monkeypatch):
        monkeypatch.setattr("os.cpu_count", lambda: None)
        assert len(load(disk.recordings(2))[0]) == 2


class TestLeaving:
    """Nobody goes on reading, and nobody waits for somebody who never comes."""

    @pytest.fixture
    def released(self, monkeypatch):
        """Set once the pool has been told to stop: reads may be held up until then."""
        released = threading.Event()

        class Pool(ThreadPoolExecutor):
            def shutdown(self, wait=True, *, cancel_futures=False):
                super().shutdown(wait=False, cancel_futures=cancel_futures)
                released.set()
                super().shutdown(wait=wait)

        monkeypatch.setattr(f"{MODULE}.ThreadPoolExecutor", Pool)
        return released

    def test_early_cancels_what_has_not_begun(self, disk, released):
        def hold_up(index):
            if index >= 50:
                held_until(released)

        disk.during = hold_up
        batches = np.arange(1000).reshape(20, 50).tolist()
        loaded = loaded_ahead(disk.recordings(1000), batches, RATE_HZ, None)
        next(loaded)
        loaded.close()
        assert len(disk.read_so_far) <= 50 + 4
        assert_nobody_decodes()

    def test_before_anything_was_asked_for_reads_nothing(self, disk):
        loaded_ahead(disk.recordings(2), [[0], [1]], RATE_HZ, None).close()
        assert disk.read_so_far == []
        assert_nobody_decodes()

    def test_at_the_end_leaves_nobody(self, disk):
        load(disk.recordings(20))
        assert_nobody_decodes()

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
    def test_because_a_read_was_interrupted_is_told_and_cancels_the_rest(
        self, disk, released, kind
    ):
        def interrupt(index):
            if index == 1:
                raise kind("while reading")
            if index > 1:
                held_until(released)

        disk.during = interrupt
        batches = [[0], list(range(1, 100)), list(range(100, 200))]
        loaded = loaded_ahead(disk.recordings(200), batches, RATE_HZ, None)
        assert [clip.index for clip in next(loaded)] == [0]
        with pytest.raises(kind, match="while reading"):
            next(loaded)
        assert len(disk.read_so_far) <= 2 + 4
        assert_nobody_decodes()


class TestRecording:
    @pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000])
    def test_comes_as_a_waveform_at_the_models_rate(self, three, rate_hz):
        (batch,) = load(three, rate_hz=rate_hz)
        for clip, its_recording in zip(batch, three, strict=True):
            assert_loaded(clip, its_recording, rate_hz)

    def test_of_unknown_length_is_read(self, three):
        unknown = recording(three[0].path, duration_s=NAN)
        assert_loaded(load_one(unknown, max_seconds=60.0), unknown)

    def test_in_which_something_is_heard_is_not_silent(self, three):
        assert not load_one(three[0]).is_silent

    def test_in_which_nothing_is_heard_is_loaded_and_called_silent(self, tmp_path):
        soundfile.write(tmp_path / "silence.wav", np.zeros(800), 8_000)
        clip = load_one(recording(tmp_path / "silence.wav"))
        assert clip.is_silent
        assert clip.problem == ""
        assert clip.waveform.tolist() == [0.0] * 800


class TestBadRecording:
    """Is named, and costs no other."""

    def problem(self, three, *, max_seconds=None, **changed):
        """What is said of the middle one."""
        three[1] = recording(three[1].path, **changed) if changed else three[1]
        (batch,) = load(three, max_seconds=max_seconds)
        assert [clip.index for clip in batch] == [0, 1, 2]
        assert_loaded(batch[0], three[0])
        assert_loaded(batch[2], three[2])
        assert batch[1].waveform is None
        assert not batch[1].is_silent
        return batch[1].problem

    def test_that_is_missing(self, three):
        three[1].path.unlink()
        assert self.problem(three) == (f"{three[1].path}: no such file. Check its path.")

    def test_that_is_no_audio(self, three):
        three[1].path.write_text("I am no sound.")
        problem = self.problem(three)
        assert problem.startswith(f"{three[1].path}: not audio that can be decoded")

    def test_that_is_too_long_by_its_header_is_not_even_decoded(self, three, monkeypatch):
        decoded = []

        def read(path, rate_hz):
            decoded.append(path.name)
            return read_waveform(path, rate_hz)

        monkeypatch.setattr(f"{MODULE}.read_waveform", read)
        problem = self.problem(three, duration_s=3600.0, max_seconds=60.0)
        assert problem.startswith(f"{three[1].path}: lasts 3,600.00 s; the maximum is 60 s")
        assert sorted(decoded) == ["clip0.wav", "clip2.wav"]

    @pytest.mark.parametrize("duration_s", [0.1, NAN])
    def test_that_turns_out_too_long_once_decoded(self, three, duration_s):
        write_wav(three[1].path, 2.0)
        problem = self.problem(three, duration_s=duration_s, max_seconds=1.5)
        assert problem.startswith(f"{three[1].path}: lasts 2.00 s; the maximum is 1.5 s")

    def test_that_changed_since_it_was_hashed(self, three):
        write_wav(three[1].path, 0.2, seed=99)
        assert self.problem(three) == (
            f"{three[1].path}: changed while it was being built; build again."
        )

    def test_that_changes_while_it_is_decoded(self, three, monkeypatch):
        def read_and_replace(path, rate_hz):
            waveform = read_waveform(path, rate_hz)
            if path.name == "clip1.wav":
                write_wav(path, 0.2, seed=99)
            return waveform

        monkeypatch.setattr(f"{MODULE}.read_waveform", read_and_replace)
        assert "changed while it was being built" in self.problem(three)

    def test_that_could_not_be_hashed_before_and_can_be_read_now(self, three):
        assert "changed while it was being built" in self.problem(three, sha256="")

    def test_that_is_gone_before_it_is_hashed_again(self, three, monkeypatch):
        def read_and_remove(path, rate_hz):
            waveform = read_waveform(path, rate_hz)
            if path.name == "clip1.wav":
                path.unlink()
            return waveform

        monkeypatch.setattr(f"{MODULE}.read_waveform", read_and_remove)
        (batch,) = load(three)
        assert batch[1].problem.startswith(f"{three[1].path}: no such file.")

    @pytest.mark.parametrize("error", [ValueError("odd"), MemoryError("odd"), RuntimeError("odd")])
    def test_that_raises_what_nobody_thought_of(self, three, monkeypatch, error):
        def read(path, rate_hz):
            if path.name == "clip1.wav":
                raise error
            return read_waveform(path, rate_hz)

        monkeypatch.setattr(f"{MODULE}.read_waveform", read)
        (batch,) = load(three)
        assert [clip.waveform is None for clip in batch] == [False, True, False]
        assert batch[1].problem == f"{three[1].path}: {type(error).__name__}: odd"

    def test_every_one_is_named_where_all_are_bad(self, three):
        for one in three:
            one.path.unlink()
        (batch,) = load(three)
        assert [clip.waveform for clip in batch] == [None, None, None]
        for clip, one in zip(batch, three, strict=True):
            assert clip.problem.startswith(f"{one.path}: no such file.")


class TestLongest:
    def test_is_allowed(self):
        refuse_long(Path("a.wav"), 60.0, 60.0)

    def test_and_a_little_more_is_refused(self):
        with pytest.raises(AudioError, match=r"a\.wav: lasts 60\.10 s; the maximum is 60 s"):
            refuse_long(Path("a.wav"), 60.1, 60.0)

    def test_may_be_any(self):
        refuse_long(Path("a.wav"), 1e9, None)

    def test_says_nothing_of_an_unknown_length(self):
        refuse_long(Path("a.wav"), NAN, 60.0)

    def test_any_is_read_where_no_longest_is_named(self, three):
        assert_loaded(load_one(recording(three[0].path, duration_s=1e6)), three[0])


def test_loaded_clip_has_no_problem_unless_one_is_named():
    clip = LoadedClip(3, np.zeros(1, np.float32))
    assert (clip.problem, clip.is_silent) == ("", False)
