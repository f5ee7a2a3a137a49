"""Several processes at one store: who must wait is told for whom, and nobody waits for the dead."""

import multiprocessing
import os
import threading

import numpy as np
import pytest

from reno_store.errors import StaleStoreError, StoreBusyError
from reno_store.store import StoreReader, StoreWriter
from reno_store.store.locking import Locks

FINGERPRINT = {"weights": "a" * 64}


def table(*clip_ids):
    names = ("clip_id", "label", "speaker", "audio_sha256")
    return {name: [f"{clip_id}"[:64] for clip_id in clip_ids] for name in names}


def hold(path, ready, release):
    with StoreWriter.open(path) as writer:
        writer.put_clips("d", table("a"))
        with writer.model("d", "m"):
            ready.set()
            release.wait(60)


@pytest.fixture
def other(tmp_path):
    """Another process that is building model m of dataset d."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "s", ready, release))
    process.start()
    assert ready.wait(60)
    process.let_go = release.set
    yield process
    process.kill()
    process.join()


def test_who_does_not_wait_is_refused_and_told_who_is_writing(tmp_path, other):
    with (
        StoreWriter.open(tmp_path / "s") as writer,
        pytest.raises(StoreBusyError) as caught,
        writer.model("d", "m"),
    ):
        pass
    assert f"process {other.pid} on " in str(caught.value)
    assert "(building m of d since " in str(caught.value)


def test_who_waits_is_told_for_whom_once_and_goes_on_when_it_is_done(tmp_path, other):
    told, entered = [], threading.Event()

    def tell(message):
        told.append(message)
        other.let_go()

    with (
        StoreWriter.open(tmp_path / "s", notify=tell) as writer,
        writer.model("d", "m"),
    ):
        entered.set()
    assert entered.is_set()
    assert len(told) == 1
    assert f"waiting for process {other.pid} on " in told[0]


def test_a_lock_of_a_killed_process_frees_itself(tmp_path, other):
    other.kill()
    other.join()
    with StoreWriter.open(tmp_path / "s") as writer, writer.model("d", "m"):
        pass


def test_reading_and_everything_else_needs_no_turn(tmp_path, other):
    assert StoreReader(tmp_path / "s").n_clips("d") == 1
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table("a", "b"))
        writer.put_clips("e", table("z"))
        with clips.writing("n", FINGERPRINT, 3):
            pass
    assert StoreReader(tmp_path / "s").n_clips("d") == 2


def test_changed_recordings_wait_for_the_builds_of_their_models(tmp_path):
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table("a"))
        with clips.writing("m", FINGERPRINT, 3) as target:
            target.put(clips.rows, np.ones((1, 3), np.float32))
            changed = {**table("a"), "audio_sha256": ["other"]}
            with (
                StoreWriter.open(tmp_path / "s") as second,
                pytest.raises(StoreBusyError, match="building m of d"),
            ):
                second.put_clips("d", changed, refresh=("audio",))
            assert StoreReader(tmp_path / "s").texts("d", "audio_sha256") == ["a"]


def test_clips_added_while_a_model_is_built_get_room_when_it_is_done(tmp_path):
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table("a"))
        with clips.writing("m", FINGERPRINT, 3) as target:
            with StoreWriter.open(tmp_path / "s") as second:
                second.put_clips("d", table("a", "b"))
            target.put(clips.rows, np.ones((1, 3), np.float32))
            assert StoreReader(tmp_path / "s").done("d", "m").tolist() == [True, False]
    import zarr

    group = zarr.open_group(tmp_path / "s", mode="r")["d/m"]
    assert group["embedding"].shape == (2, 3)
    assert group["done"][:].tolist() == [True, False]


def test_a_half_written_file_of_another_builder_is_left_alone(tmp_path):
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table("a"))
        with clips.writing("m", FINGERPRINT, 3):
            about_to_be_renamed = tmp_path / "s" / "d" / "m" / "embedding" / "0.abc.partial"
            about_to_be_renamed.write_text("half")
            with StoreWriter.open(tmp_path / "s") as second:
                second.put_clips("d", table("a", "b"))
                with second.model("d", "n"):
                    pass
            assert about_to_be_renamed.exists()
    with StoreWriter.open(tmp_path / "s") as writer, writer.model("d", "m"):
        assert not about_to_be_renamed.exists()


def test_locks_lie_beside_the_store_not_in_it(tmp_path):
    with StoreWriter.open(tmp_path / "s") as writer:
        writer.put_clips("d", table("a"))
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"zarr.json", "d"}
    assert (tmp_path / ".s.locks").is_dir()


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pid": 1}'])
def test_a_note_that_cannot_be_read_is_another_process(tmp_path, note):
    locks = Locks(tmp_path / "s", None)
    with locks.table("d"):
        (tmp_path / ".s.locks" / "d,clips.holder").write_text(note)
        with (
            pytest.raises(StoreBusyError, match="another process is writing to it"),
            Locks(tmp_path / "s", None).table("d"),
        ):
            pass


def test_the_note_says_who_since_when_and_what_for(tmp_path):
    with Locks(tmp_path / "s", None).table("d"):
        note = (tmp_path / ".s.locks" / "d,clips.holder").read_text()
    assert note.startswith(f"process {os.getpid()} on ")
    assert "(changing the clips of d since " in note


def test_a_store_made_in_vain_is_not_taken_from_under_another_writer(tmp_path):
    """One process makes the store and gives up; another that opened it meanwhile goes on."""
    with StoreWriter.open(tmp_path / "s") as first:
        second = StoreWriter.open(tmp_path / "s")
        writer = second.__enter__()
        del first
    assert not (tmp_path / "s").exists()
    writer.put_clips("d", table("a"))
    second.__exit__(None, None, None)
    assert StoreReader(tmp_path / "s").n_clips("d") == 1


def test_a_recording_without_embedding_changes_only_when_nobody_is_about_to_store_one(tmp_path):
    """What an extraction has in flight was made of the old recording."""
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table("a"))
        with (
            clips.writing("m", FINGERPRINT, 3),
            StoreWriter.open(tmp_path / "s") as second,
            pytest.raises(StoreBusyError, match="building m of d"),
        ):
            second.put_clips("d", {**table("a"), "audio_sha256": ["other"]})


def test_what_was_stored_while_waiting_is_looked_at_again(tmp_path):
    """The recording had no embedding when the table was checked, and has one now."""
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table("a"))
        changed = {**table("a"), "audio_sha256": ["other"]}
        held = clips.writing("m", FINGERPRINT, 3)
        target = held.__enter__()

        def store_and_let_go(_):
            target.put(clips.rows, np.ones((1, 3), np.float32))
            held.__exit__(None, None, None)

        with (
            StoreWriter.open(tmp_path / "s", notify=store_and_let_go) as second,
            pytest.raises(StaleStoreError, match="recordings changed: 1 clip"),
        ):
            second.put_clips("d", changed)
        assert StoreReader(tmp_path / "s").texts("d", "audio_sha256") == ["a"]
        assert StoreReader(tmp_path / "s").done("d", "m").all()
