"""Several processes fill one model: each its own stripes, and nobody takes the model from them."""

import contextlib
import threading

import numpy as np
import pytest
import zarr

from reno_store.errors import StaleStoreError, StoreBusyError
from reno_store.store import StoreReader, StoreWriter, locking, schema

FINGERPRINT = {"weights": "w"}
N_CLIPS = 12


@pytest.fixture(autouse=True)
def small_and_hasty(monkeypatch):
    """Stripes of four rows; busy locks are reported at once."""
    monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 4)
    monkeypatch.setattr(locking, "_PATIENCE_S", 0.0)


def table(n_clips=N_CLIPS, recordings="r"):
    ids = [f"c{number}" for number in range(n_clips)]
    return {
        "clip_id": ids,
        "label": ids,
        "speaker": [""] * n_clips,
        "audio_sha256": [f"{recordings}{each}" for each in ids],
    }


class Writer:
    """A process, as far as locks are concerned: it has files of its own."""

    def __init__(self, path, clips=None, notify=None):
        self.stack = contextlib.ExitStack()
        self.writer = self.stack.enter_context(StoreWriter.open(path, notify=notify))
        self.clips = self.writer.put_clips("d", clips or table())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def filling(self, *rows, fingerprint=FINGERPRINT, **options):
        part = self.clips.only(np.isin(self.clips.rows, rows)) if rows else self.clips
        return part.filling("m", fingerprint, 2, **options)


def numbers(rows):
    return np.repeat(np.asarray(rows, np.float32)[:, None], 2, axis=1)


def test_two_fill_their_stripes_at_once(tmp_path):
    with (
        Writer(tmp_path / "s") as one,
        Writer(tmp_path / "s") as two,
        one.filling(0, 5) as first,
        two.filling(8, 9) as second,
    ):
        assert zarr.open_group(tmp_path / "s", mode="r")["d/m/done"].chunks == (4,)
        for target, rows in ((first, [0, 7]), (second, [11, 8]), (first, [5])):
            target.put(np.array(rows), numbers(rows))
    reader = StoreReader(tmp_path / "s")
    rows = np.flatnonzero(reader.done("d", "m"))
    assert rows.tolist() == [0, 5, 7, 8, 11]
    np.testing.assert_array_equal(reader.embeddings("d", "m", rows), numbers(rows))


def test_a_stripe_is_claimed_once(tmp_path):
    with Writer(tmp_path / "s") as one, Writer(tmp_path / "s") as two, one.filling(0, 5):
        with pytest.raises(StoreBusyError, match="filling m of d since"), two.filling(6, 11):
            pass
        with two.filling(8):
            pass


def test_nobody_writes_stripes_that_are_not_claimed(tmp_path):
    with Writer(tmp_path / "s") as one, one.filling(0) as target:
        with pytest.raises(ValueError, match="not claimed"):
            target.put(np.array([3, 4]), numbers([3, 4]))
        assert not StoreReader(tmp_path / "s").done("d", "m").any()


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each.writer.remove_model("d", "m"),
        lambda each: each.writer.remove_dataset("d"),
        lambda each: each.clips.writing("m", FINGERPRINT, 2).__enter__(),
        lambda each: each.writer.model("d", "m").__enter__(),
        lambda each: each.writer.put_clips("d", table(recordings="new"), refresh={"audio"}),
        lambda each: each.filling(8, alone=True).__enter__(),
        lambda each: each.filling(8, fingerprint={"weights": "x"}, refresh={"model"}).__enter__(),
    ],
    ids=["remove", "remove all", "build", "repair", "refresh audio", "workers", "refresh model"],
)
def test_whoever_needs_the_model_alone_waits_for_those_who_fill(tmp_path, change):
    with Writer(tmp_path / "s") as one, Writer(tmp_path / "s") as other:
        with one.filling(0) as target:
            with pytest.raises(StoreBusyError, match="filling m of d since"):
                change(other)
            target.put(np.array([1]), numbers([1]))
        change(other)


def test_those_who_fill_wait_for_a_build(tmp_path):
    with Writer(tmp_path / "s") as one, Writer(tmp_path / "s") as two:
        with (
            one.clips.writing("m", FINGERPRINT, 2),
            pytest.raises(StoreBusyError, match="building m of d since"),
            two.filling(0),
        ):
            pass
        with two.filling(0):
            pass


def test_waiting_ends_when_the_last_has_filled(tmp_path):
    """The one that waits holds no lock that the others need."""
    entered = threading.Event()

    def build():
        with (
            Writer(tmp_path / "s", notify=lambda _: entered.set()) as each,
            each.clips.writing("m", FINGERPRINT, 2) as target,
        ):
            missing.extend(target.missing(each.clips.rows).tolist())

    missing = []
    with Writer(tmp_path / "s") as one, Writer(tmp_path / "s") as two:
        with one.filling(0) as first:
            thread = threading.Thread(target=build)
            thread.start()
            assert entered.wait(30)
            with two.filling(4) as second:  # comes later, and does not wait for the build
                second.put(np.arange(4, 8), numbers(range(4, 8)))
            first.put(np.arange(4), numbers(range(4)))
        thread.join(30)
    assert missing == [8, 9, 10, 11]


def test_clips_can_be_added_meanwhile(tmp_path):
    with Writer(tmp_path / "s") as one, one.filling(0, 8) as target:
        with Writer(tmp_path / "s", table(30)) as two, two.filling(12, 20) as other:
            other.put(np.array([20]), numbers([20]))
        target.put(np.array([9]), numbers([9]))
    reader = StoreReader(tmp_path / "s")
    assert np.flatnonzero(reader.done("d", "m")).tolist() == [9, 20]
    assert reader.n_rows("d", "m") == 30


def test_parts_are_claimed_within_the_claim_of_the_one_that_hands_them_out(tmp_path):
    with (
        Writer(tmp_path / "s") as parent,
        Writer(tmp_path / "s") as one,
        Writer(tmp_path / "s") as two,
        parent.filling(alone=True, name="parent"),
    ):
        with pytest.raises(StoreBusyError), one.filling(0):
            pass
        with one.filling(0, within="parent") as first, two.filling(4, within="parent") as second:
            with pytest.raises(StoreBusyError), parent.filling(0, within="parent"):
                pass
            first.put(np.array([0]), numbers([0]))
            second.put(np.array([4]), numbers([4]))
    assert np.flatnonzero(StoreReader(tmp_path / "s").done("d", "m")).tolist() == [0, 4]


def test_the_marks_of_an_older_store_are_divided_only_when_nobody_fills(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("reno_store.store.model_writer.fitting_stripe", lambda *_: 64)
        patched.setattr("reno_store.store.model_writer.stripes", lambda *_: 64)
        with Writer(tmp_path / "s") as one, one.filling(0):
            pass
        with Writer(tmp_path / "s") as one, one.filling(0):
            patched.undo()
            with (
                Writer(tmp_path / "s") as two,
                pytest.raises(StoreBusyError),
                two.filling(8),
            ):
                pass
    with Writer(tmp_path / "s") as two, two.filling(8):
        assert zarr.open_group(tmp_path / "s", mode="r")["d/m/done"].chunks == (4,)


def test_without_locks_a_replaced_model_is_noticed_before_a_write(tmp_path, monkeypatch):
    with Writer(tmp_path / "s") as one, one.filling(0) as target:
        with monkeypatch.context() as patched:
            patched.setattr(locking.Locks, "_claims", lambda *_, **__: {})
            with (
                Writer(tmp_path / "s") as other,
                other.clips.writing("m", {"weights": "x"}, 2, refresh={"model"}),
            ):
                pass
        with pytest.raises(StaleStoreError, match="another process has replaced 'm'"):
            target.put(np.array([0]), numbers([0]))
    assert not StoreReader(tmp_path / "s").done("d", "m").any()


def test_a_recording_that_changed_before_the_claim_is_reported(tmp_path):
    with Writer(tmp_path / "s") as one:
        with Writer(tmp_path / "s", table(recordings="new")) as _:
            pass
        with one.filling(0, 1, 8) as target:
            assert target.is_changed.tolist() == [True, True, True]


def test_a_claim_without_its_note_is_to_all_stripes(tmp_path):
    with Writer(tmp_path / "s") as one, Writer(tmp_path / "s") as two, one.filling(0):
        for note in (tmp_path / ".s.locks").glob("*fill-*.holder"):
            note.unlink()
        with pytest.raises(StoreBusyError, match="another process"), two.filling(8):
            pass


def test_claims_leave_no_files(tmp_path):
    with Writer(tmp_path / "s") as one:
        with one.filling(0):
            assert list((tmp_path / ".s.locks").glob("d,m,fill-*"))
        assert not list((tmp_path / ".s.locks").glob("d,m,fill-*"))
