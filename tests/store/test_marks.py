"""Chunks of marks: as large as a stripe, and written again without a moment of loss."""

import numpy as np
import pytest
import zarr
from factories.stores import contents

from reno_store.store import StoreReader, StoreWriter, find_damage, marks, schema
from reno_store.store.marks import fitting_stripe, stripes

FINGERPRINT = {"weights": "w"}


def table(n_clips):
    ids = [f"c{number}" for number in range(n_clips)]
    return {"clip_id": ids, "label": ids, "speaker": [""] * n_clips, "audio_sha256": ids}


def fill(path, n_clips, every=3):
    """Store every third embedding of a model."""
    with StoreWriter.open(path) as writer:
        clips = writer.put_clips("d", table(n_clips))
        with clips.writing("m", FINGERPRINT, 2) as target:
            some = clips.rows[::every]
            target.put(some, np.repeat(some[:, None], 2, axis=1).astype(np.float32))


def prepare(path, n_clips):
    with StoreWriter.open(path) as writer:
        clips = writer.put_clips("d", table(n_clips))
        with clips.writing("m", FINGERPRINT, 2):
            pass


def old_store(path, n_clips):
    """A store of version 2, whose marks have chunks of 65,536 rows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("reno_store.store.model_writer.fitting_stripe", lambda *_: 65_536)
        fill(path, n_clips)
    zarr.open_group(path, mode="r+").attrs["reno_store"] = {"format_version": 2}
    assert zarr.open_group(path, mode="r")["d/m/done"].chunks == (65_536,)


@pytest.mark.parametrize("n_clips", [1, 256, 131_072, 131_073, 1_000_000, 10_000_000])
def test_there_are_some_hundred_stripes_of_whole_chunks(n_clips):
    rows = fitting_stripe(n_clips, 256)
    assert rows % 256 == 0
    assert rows & (rows - 1) == 0
    assert -(-n_clips // rows) <= marks.MOST_STRIPES
    assert rows == 256 or n_clips / rows > marks.MOST_STRIPES / 2


@pytest.mark.parametrize(
    ("n_clips", "rows_marked", "expected"),
    [
        (1000, None, 256),
        (1000, 256, 256),
        (1000, 65_536, 256),  # of an older store
        (500_000, 256, 256),  # grown, but not much
        (600_000, 256, 2048),  # grown so much that reading takes long
        (1000, 100, 256),  # somebody else's: parts of a chunk of embeddings
    ],
)
def test_stripes_are_kept_unless_they_are_too_large_or_too_many(n_clips, rows_marked, expected):
    assert stripes(n_clips, 256, rows_marked) == expected


def test_marks_of_an_older_store_are_written_again_by_the_first_writer(tmp_path):
    old_store(tmp_path / "s", 600)
    before = contents(tmp_path / "s")
    prepare(tmp_path / "s", 600)
    after = contents(tmp_path / "s")
    assert after["/"] == {"reno_store": {"format_version": 3}}
    assert after["d/m/done#"] == ((600,), (256,), "bool")
    for name in ("d/m/done", "d/m/embedding", "d/m/done@", "d/m@"):
        np.testing.assert_array_equal(after[name], before[name])
    # A reader that had opened the array still finds its chunk, until the next writer comes.
    assert (tmp_path / "s" / "d" / "m" / "done" / "c" / "0").exists()
    prepare(tmp_path / "s", 600)
    names = {file.name for file in (tmp_path / "s" / "d" / "m" / "done").iterdir()}
    assert names == {"zarr.json", "c.0", "c.1", "c.2"}
    with StoreWriter.open(tmp_path / "s") as writer, writer.model("d", "m") as rows:
        rows.forget(np.array([3]))
    done = StoreReader(tmp_path / "s").done("d", "m")
    assert np.flatnonzero(done).tolist() == [row for row in range(0, 600, 3) if row != 3]


def test_marks_that_are_written_again_twice_are_those_of_the_last_time(tmp_path, monkeypatch):
    """The first chunks have the names that the third will have."""
    old_store(tmp_path / "s", 600)
    prepare(tmp_path / "s", 600)
    with StoreWriter.open(tmp_path / "s") as writer, writer.model("d", "m") as rows:
        rows.forget(np.arange(300, 600))
    monkeypatch.setattr("reno_store.store.model_writer.stripes", lambda *_: 512)
    prepare(tmp_path / "s", 600)
    assert zarr.open_group(tmp_path / "s", mode="r")["d/m/done"].chunks == (512,)
    done = StoreReader(tmp_path / "s").done("d", "m")
    assert np.flatnonzero(done).tolist() == list(range(0, 300, 3))
    assert find_damage(StoreReader(tmp_path / "s"), "d", "m") == []


def test_a_kill_after_any_file_leaves_marks_as_they_were_or_complete(tmp_path, monkeypatch):
    import shutil

    import zarr.storage._local as local

    old_store(tmp_path / "old", 1000)
    expected = contents(tmp_path / "old")["d/m/done"]
    put = local._put

    class Killed(BaseException):
        pass

    seen = set()
    for n_files in range(1, 30):
        store, written = tmp_path / f"s{n_files}", []
        shutil.copytree(tmp_path / "old", store)

        def put_some(path, *arguments, written=written, n_files=n_files, **options):
            if len(written) == n_files:
                raise Killed
            written.append(path)
            return put(path, *arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(local, "_put", put_some)
            try:
                prepare(store, 1000)
            except Killed:
                killed = True
            else:
                killed = False
        found = contents(store)
        np.testing.assert_array_equal(found["d/m/done"], expected)
        seen.add((found["d/m/done#"][1], killed))
        prepare(store, 1000)
        np.testing.assert_array_equal(contents(store)["d/m/done"], expected)
        assert contents(store)["d/m/done#"][1] == (256,)
        if not killed:
            break
    assert {((65_536,), True), ((256,), False)} <= seen
    assert n_files >= 5


def test_lost_marks_are_cleared_whatever_their_names(tmp_path):
    old_store(tmp_path / "s", 600)
    prepare(tmp_path / "s", 600)
    (tmp_path / "s" / "d" / "m" / "done" / "c.1").write_bytes(b"damaged")
    with StoreWriter.open(tmp_path / "s") as writer, writer.model("d", "m") as rows:
        rows.reset_unreadable_marks()
    assert not StoreReader(tmp_path / "s").done("d", "m").any()


def test_a_new_model_has_stripes_for_its_clips(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 4)
    monkeypatch.setattr(marks, "MOST_STRIPES", 8)
    fill(tmp_path / "s", 40)
    group = zarr.open_group(tmp_path / "s", mode="r")["d/m"]
    assert (group["embedding"].chunks[0], group["done"].chunks[0]) == (4, 8)
