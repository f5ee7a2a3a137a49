"""What another process writes or removes in the middle of a step is neither lost nor damage."""

import contextlib
import uuid

import numpy as np
import pytest
import zarr

from reno_store.errors import StaleStoreError, StoreBusyError, UnknownNameError
from reno_store.exchange.verification import verify_store
from reno_store.runtime.places import BucketPlace, open_place, remove_tree, tree_bytes
from reno_store.runtime.places.bucket import Bucket
from reno_store.store import (
    ModelWriter,
    StoreReader,
    StoreWriter,
    remove_from_store,
    summarize,
    writer,
)
from reno_store.store.bucket_store import BucketStore
from reno_store.store.folders import make_folder
from reno_store.store.lock_files import LockFile, Note
from reno_store.store.locking import Locks

FINGERPRINT = {"weights": "w"}
TABLE = {name: ["a", "b"] for name in ("clip_id", "label", "speaker", "audio_sha256")}
ONES = np.ones((2, 3), np.float32)


@pytest.fixture(params=["disk", "memory"])
def store(request, tmp_path):
    return tmp_path / "s" if request.param == "disk" else f"memory://{uuid.uuid4().hex}/s"


def build(store, *models):
    with StoreWriter.open(store) as opened:
        clips = opened.put_clips("d", TABLE)
        for model in models:
            with clips.writing(model, FINGERPRINT, 3) as rows:
                rows.put(clips.rows, ONES)


def before(monkeypatch, owner, name, interrupt):
    """Call a function once, when `owner.name` is called first."""
    original, pending = getattr(owner, name), [interrupt]

    def interrupted(*arguments, **options):
        if pending:
            pending.pop()()
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, interrupted)


def test_a_store_that_its_creator_removes_again_empty_is_made_again(store, monkeypatch):
    creator = contextlib.ExitStack()
    creator.enter_context(StoreWriter.open(store))
    before(monkeypatch, writer, "compare_tables", creator.close)
    build(store, "m")
    assert StoreReader(store).done("d", "m").all()


def test_a_store_that_appears_while_its_folder_is_listed_is_no_strangers_folder(
    tmp_path, monkeypatch
):
    build(tmp_path / "s")
    listed = list((tmp_path / "s").iterdir())
    monkeypatch.setattr(
        type(tmp_path), "iterdir", lambda path: [each for each in listed if each.name == "d"]
    )
    assert make_folder(tmp_path / "s") is False


def test_a_model_is_not_added_to_a_dataset_that_is_removed_meanwhile(store, monkeypatch):
    build(store, "m")
    before(monkeypatch, Locks, "new_models", lambda: remove_from_store(store, "d"))
    with pytest.raises(StaleStoreError, match="removed or rebuilt"):
        build(store, "n")
    assert StoreReader(store).datasets == ()
    build(store, "n")
    assert verify_store(store).is_sound


def test_a_dataset_is_not_removed_under_a_model_that_is_added_meanwhile(store, monkeypatch):
    build(store, "m")
    adding = contextlib.ExitStack()

    def add():
        opened = adding.enter_context(StoreWriter.open(store))
        clips = opened.as_stored("d", TABLE)
        adding.enter_context(clips.writing("n", FINGERPRINT, 3)).put(clips.rows, ONES)

    with StoreWriter.open(store) as opened:
        before(monkeypatch, Locks, "new_models", add)
        with adding, pytest.raises(StoreBusyError, match="building n of d"):
            opened.remove_dataset("d")
        assert opened.reader.done("d", "n").all()
        opened.remove_dataset("d")
    assert StoreReader(store).datasets == ()


def test_embeddings_that_are_forgotten_while_they_are_read_are_no_damage(store, monkeypatch):
    build(store, "m")

    def forget():
        with StoreWriter.open(store) as opened, opened.model("d", "m") as rows:
            rows.forget(np.array([1]))

    before(monkeypatch, StoreReader, "read", forget)
    with pytest.raises(StaleStoreError, match="while they were read"):
        StoreReader(store).embeddings("d", "m", np.arange(2))


def test_a_model_that_is_removed_meanwhile_is_left_out(store, monkeypatch):
    build(store, "m", "n")
    before(monkeypatch, StoreReader, "done", lambda: remove_from_store(store, "d", "m"))
    assert [row.model for row in summarize(StoreReader(store))] == ["n"]


@pytest.mark.parametrize(("function", "model"), [("dtype", "m"), ("done", "m"), ("table", None)])
def test_what_is_removed_while_it_is_verified_is_no_finding(tmp_path, monkeypatch, function, model):
    store = tmp_path / "s"
    build(store, "m")
    before(monkeypatch, StoreReader, function, lambda: remove_from_store(store, "d", model))
    assert verify_store(store).findings == ()


def test_files_that_vanish_while_they_are_counted_have_no_size(tmp_path):
    (tmp_path / "chunk").write_bytes(b"123")
    (tmp_path / "zarr.partial").symlink_to(tmp_path / "renamed")
    assert tree_bytes(tmp_path) == 3
    assert tree_bytes(tmp_path / "removed") == 0


@pytest.mark.parametrize("function", ["done", "check_marks", "n_rows"])
def test_clips_are_put_while_a_model_is_removed(tmp_path, monkeypatch, function):
    store = tmp_path / "s"
    build(store, "m", "n")
    before(monkeypatch, StoreReader, function, lambda: remove_from_store(store, "d", "m"))
    build(store)
    assert StoreReader(store).models("d") == ("n",)


def test_a_model_that_vanishes_while_an_array_is_opened_is_unknown(tmp_path):
    store = tmp_path / "s"
    build(store, "m")
    reader = StoreReader(store)
    group = reader._model("d", "m")
    reader._model = lambda *names: group if names else None
    remove_from_store(store, "d", "m")
    reader._model = iter_once(group, StoreReader._model, reader)
    with pytest.raises(UnknownNameError):
        reader.dim("d", "m")


def iter_once(first, then, reader):
    found = [first]
    return lambda *names: found.pop() if found else then(reader, *names)


def test_a_note_that_a_full_disk_cut_off_claims_everything(tmp_path):
    lock = LockFile(tmp_path, "x")
    assert lock.acquire(Note.of_this_process("filling", [1, 23]))
    assert lock.note().stripes == {1, 23}
    whole = (tmp_path / "x.holder").read_text()
    for n_left in range(len(whole)):
        (tmp_path / "x.holder").write_text(whole[:n_left])
        assert lock.note().stripes is None
    lock.release()


@pytest.fixture(params=["memory", "s3"])
def bucket(request):
    if request.param == "s3":
        return request.getfixturevalue("s3_url")
    return f"memory://{uuid.uuid4().hex}"


def test_a_write_that_comes_late_does_not_replace_what_another_process_wrote(monkeypatch):
    """A process may be stopped after it has checked its lease, and go on when it is lost."""
    store = f"memory://{uuid.uuid4().hex}/s"
    build(store)
    with StoreWriter.open(store) as opened:
        clips = opened.put_clips("d", TABLE)
        with clips.writing("m", FINGERPRINT, 3) as late:
            for first, then in (([0], [1]), ([1], [0])):  # a new chunk, and one that is replaced
                other = ModelWriter(
                    late.reader, StoreWriter(opened.path, opened.locks).root, "d", "m"
                )
                before(
                    monkeypatch,
                    Bucket,
                    "replace",
                    lambda o=other, f=first: o.put(np.array(f), ONES[:1]),
                )
                late.forget(np.array(then))
                with pytest.raises(StoreBusyError, match="another process"):
                    late.put(np.array(then), ONES[:1])
                monkeypatch.undo()
                assert late.reader.done("d", "m")[first].all()
                assert np.isfinite(late.reader.embeddings("d", "m", np.array(first))).all()
            late.put(clips.rows, ONES)


def test_a_write_whose_answer_was_lost_has_succeeded(bucket, monkeypatch):
    place = open_place(bucket, "folder") / "x"
    for method in ("put_new", "put_over"):
        original = getattr(Bucket, method)

        def lost(self, *arguments, original=original):
            original(self, *arguments)

        tag = None if method == "put_new" else place.bucket.get_tagged(place.key)[1]
        with monkeypatch.context() as patch:
            patch.setattr(Bucket, method, lost)
            assert place.bucket.replace(place.key, method.encode(), tag)
        assert place.read_bytes() == method.encode()
    assert not place.bucket.replace(place.key, b"other", None)


def test_a_conflict_of_two_requests_is_tried_again(monkeypatch):
    import obstore
    from obstore.exceptions import AlreadyExistsError

    place = open_place(f"memory://{uuid.uuid4().hex}/x", "file")
    put, conflicts = obstore.put, [1, 2]

    def conflicting(*arguments, **options):
        if conflicts:
            conflicts.pop()
            raise AlreadyExistsError("status code: 409 <Code>ConditionalRequestConflict</Code>")
        return put(*arguments, **options)

    monkeypatch.setattr(obstore, "put", conflicting)
    assert place.bucket.put_new(place.key, b"x")
    assert not conflicts


def test_a_chunk_is_written_without_a_condition_after_a_long_time(monkeypatch):
    place = open_place(f"memory://{uuid.uuid4().hex}/s", "store")
    group = zarr.create_group(BucketStore(place, read_only=False))
    array = group.create_array("a", shape=(4,), chunks=(4,), dtype="i4")
    monkeypatch.setattr("reno_store.store.bucket_store._FRESH_S", 0.0)
    before(monkeypatch, BucketPlace, "write_bytes", lambda: remove_tree(place / "a/c"))
    array[:2] = 7
    assert array[:].tolist() == [7, 7, 0, 0]
