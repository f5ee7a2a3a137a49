"""Searching and extending clip tables by their hashes, against a dictionary."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import zarr
from factories.stores import assert_stores_equal, contents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reno_store.errors import StaleStoreError, StoreError
from reno_store.exchange.verification import verify_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter, clip_index, index_writer, schema

INDEX = ("clip_id_hash", "audio_sha256_bytes")
IDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=6
)


@pytest.fixture(autouse=True)
def _small_chunks_always_searched_by_hash(monkeypatch):
    monkeypatch.setattr(clip_index, "READING_ALL", 0)
    for module in (clip_index, index_writer):
        monkeypatch.setattr(module, "CHUNK_ROWS", 4)
    monkeypatch.setattr(clip_index, "_ROWS_AT_A_TIME", 8)
    monkeypatch.setattr(schema, "_TEXT_CHUNK_ROWS", 2)


def sha(number):
    return hashlib.sha256(str(number).encode()).hexdigest() if number else ""


def table(recordings):
    return {
        "clip_id": list(recordings),
        "label": ["cry"] * len(recordings),
        "speaker": [""] * len(recordings),
        "audio_sha256": [sha(number) for number in recordings.values()],
    }


def put(path, recordings, part=True, refresh=("audio",)):
    with StoreWriter.open(path) as writer:
        return writer.put_clips("d", table(recordings), refresh=refresh, part=part).rows


def check(path, expected):
    """The store has these clips, found by their ids and by their recordings, and no others."""
    reader = StoreReader(path)
    ids = reader.texts("d", "clip_id")
    assert sorted(ids) == sorted(expected)
    assert reader.texts("d", "audio_sha256") == [sha(expected[clip_id]) for clip_id in ids]
    asked = [*reversed(ids), "nobody", ids[0]]
    rows = [*reversed(range(len(ids))), -1, 0]
    assert reader.find_clips("d", asked).tolist() == rows
    hashes = {sha(number) for number in expected.values()} - {""}
    found, texts = reader.find_recordings("d", {*hashes, "0" * 64})
    assert found.tolist() == [row for row, clip_id in enumerate(ids) if expected[clip_id]]
    assert texts == [sha(expected[ids[row]]) for row in found.tolist()]


@pytest.mark.parametrize("n_bits", [64, 2, 0])
@settings(
    deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.dictionaries(IDS, st.integers(0, 9), min_size=1, max_size=7), min_size=1, max_size=3
    )
)
def test_any_sequence_of_parts_is_found_as_in_a_dictionary(
    n_bits, batches, monkeypatch, tmp_path_factory
):
    """Also where all ids have one of four hashes, or the same."""
    mask = np.uint64(2**64 - 2 ** (64 - n_bits))
    with monkeypatch.context() as patch:
        real = clip_index.hash_ids
        patch.setattr(clip_index, "hash_ids", lambda texts: real(texts) & mask)
        path, expected = tmp_path_factory.mktemp("s") / "s", {}
        for batch in batches:
            rows = put(path, batch)
            for clip_id, number in batch.items():
                expected[clip_id] = number or expected.get(clip_id, 0)
            assert rows.tolist() == StoreReader(path).find_clips("d", list(batch)).tolist()
            check(path, expected)
        assert verify_store(path).is_sound
        assert contents(path)["d/clip_id_hash@"] == {"n_indexed": len(expected)}


CLIPS = {f"clip {number} ✓": number for number in range(11)}


def test_plain_zarr_reads_the_index(tmp_path):
    put(tmp_path / "s", {**CLIPS, "unread": 0})
    group = zarr.open_group(tmp_path / "s", mode="r")["d"]
    ids = group["clip_id"][:].tolist()
    first = [hashlib.sha256(each.encode()).digest()[:8] for each in ids]
    assert group["clip_id_hash"][:].astype("<u8").tobytes() == b"".join(first)
    for packed, text in zip(group["audio_sha256_bytes"], group["audio_sha256"][:], strict=True):
        assert packed.tobytes() == (bytes.fromhex(text) if text else bytes(32))


def test_texts_that_are_no_hashes_are_found_too(tmp_path):
    columns = {**table({"a": 0, "b": 0, "c": 0}), "audio_sha256": ["mine", "0" * 64, ""]}
    with StoreWriter.open(tmp_path / "s") as writer:
        writer.put_clips("d", columns)
    rows, texts = StoreReader(tmp_path / "s").find_recordings("d", ["mine", "0" * 64, "other"])
    assert (rows.tolist(), texts) == ([0, 1], ["mine", "0" * 64])


def test_a_part_keeps_the_other_clips_and_a_whole_table_may_not(tmp_path):
    put(tmp_path / "s", CLIPS)
    with pytest.raises(StaleStoreError, match="11 clips"):
        put(tmp_path / "s", {"new": 99}, part=False)
    assert put(tmp_path / "s", {"new": 99, "clip 3 ✓": 3}).tolist() == [11, 3]
    check(tmp_path / "s", {**CLIPS, "new": 99})


def test_a_part_is_compared_with_the_clips_that_are_stored(tmp_path):
    put(tmp_path / "s", CLIPS)
    changed = {**table({"new": 99, "clip 3 ✓": 3}), "label": ["cry", "laugh"]}
    with StoreWriter.open(tmp_path / "s") as writer:
        with pytest.raises(StaleStoreError, match="labels changed: 1 clip"):
            writer.put_clips("d", changed, part=True)
        check(tmp_path / "s", CLIPS)
        writer.put_clips("d", changed, part=True, refresh=["labels"])
    labels = StoreReader(tmp_path / "s").texts("d", "label")
    assert labels == ["cry"] * 3 + ["laugh"] + ["cry"] * 8


def test_appending_reads_no_text_of_other_clips(tmp_path, monkeypatch):
    """Damaged chunks of strings are not even noticed."""
    put(tmp_path / "s", CLIPS)
    for column in ("clip_id", "label", "speaker", "audio_sha256"):
        (tmp_path / "s" / "d" / column / "c" / "1").write_bytes(b"damaged")
    put(tmp_path / "s", {"new": 99})
    reader = StoreReader(tmp_path / "s")
    assert reader.find_clips("d", ["new", "clip 0 ✓", "clip 9 ✓", "other"]).tolist() == [
        11,
        0,
        9,
        -1,
    ]
    with pytest.raises(StoreError, match="clip_id"):
        reader.find_clips("d", ["clip 2 ✓"])


class Killed(BaseException):
    """Stands for SIGKILL."""


def killed_at(monkeypatch, n_writes, act):
    """Run something that is killed before one of its writes; return whether it got that far."""
    real, left = zarr.storage.LocalStore.set, n_writes

    async def write_some(*arguments, **options):
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        await real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.storage.LocalStore, "set", write_some)
        try:
            act()
        except Killed:
            return True
    return False


def without_index(path):
    """Make a store of format version 1."""
    for name in INDEX:
        shutil.rmtree(path / "d" / name)
    zarr.open_group(path, mode="r+").attrs["reno_store"] = {"format_version": 1}


def as_it_is(path):
    pass


@pytest.mark.parametrize(
    ("begin", "change"),
    [
        (without_index, {"new 1": 98, "new 2": 0}),
        (as_it_is, {"clip 5 ✓": 77, "clip 0 ✓": 5, "new": 3}),
    ],
)
def test_a_change_killed_at_any_write_is_read_correctly_and_completed(
    tmp_path, monkeypatch, begin, change
):
    """An old store, too, which gets its index in the same step."""
    start, whole = tmp_path / "start", tmp_path / "whole"
    clips = dict(list(CLIPS.items())[:6])
    put(start, clips)
    begin(start)
    shutil.copytree(start, whole)
    put(whole, change)
    expected = {**clips, **{clip: number or clips.get(clip, 0) for clip, number in change.items()}}
    check(whole, expected)
    n_writes = 0
    while True:
        path = tmp_path / f"killed{n_writes}"
        shutil.copytree(start, path)
        if not killed_at(monkeypatch, n_writes, lambda path=path: put(path, change)):
            break
        reader = StoreReader(path)
        hashes = reader.texts("d", "audio_sha256")
        ids = reader.texts("d", "clip_id")
        assert len(ids) in (len(clips), len(expected))
        assert reader.find_clips("d", ids).tolist() == list(range(len(ids)))
        for row, each in enumerate(hashes):
            if each:
                assert row in reader.find_recordings("d", [each])[0].tolist(), n_writes
        assert set(reader.find_recordings("d", {*map(sha, range(1, 99))})[1]) == set(hashes) - {""}
        assert verify_store(path).is_sound
        put(path, change)
        assert_stores_equal(path, whole)
        n_writes += 1
    assert n_writes > 10


def test_an_older_store_is_read_and_gets_its_index_from_the_first_writer(tmp_path):
    put(tmp_path / "whole", CLIPS)
    shutil.copytree(tmp_path / "whole", tmp_path / "old")
    without_index(tmp_path / "old")
    check(tmp_path / "old", CLIPS)
    assert verify_store(tmp_path / "old").is_sound
    put(tmp_path / "old", {"clip 1 ✓": 1})
    assert_stores_equal(tmp_path / "old", tmp_path / "whole")
    assert zarr.open_group(tmp_path / "old", mode="r").attrs["reno_store"] == {"format_version": 3}


def damage_number(path):
    zarr.open_group(path, mode="r+")["d"]["clip_id_hash"][1] = 7


def damage_hash(path):
    zarr.open_group(path, mode="r+")["d"]["audio_sha256_bytes"][10] = 7


def damage_chunk(path):
    (path / "d" / "clip_id_hash" / "c" / "1").write_bytes(b"what")


def lose_chunk(path):
    (path / "d" / "audio_sha256_bytes" / "c" / "0" / "0").unlink()


def boast(path):
    zarr.open_group(path, mode="r+")["d"]["clip_id_hash"].attrs["n_indexed"] = 10**12


@pytest.mark.parametrize("damage", [damage_number, damage_hash, damage_chunk, lose_chunk, boast])
def test_verify_finds_a_damaged_index_and_repairs_it(tmp_path, damage):
    put(tmp_path / "s", CLIPS)
    shutil.copytree(tmp_path / "s", tmp_path / "sound")
    damage(tmp_path / "s")
    found = verify_store(tmp_path / "s")
    assert [finding.dataset for finding in found.findings] == ["d"]
    assert not found.is_sound
    assert verify_store(tmp_path / "s", repair=True).is_sound
    assert verify_store(tmp_path / "s").findings == ()
    assert_stores_equal(tmp_path / "s", tmp_path / "sound")


@pytest.mark.parametrize("damage", [damage_chunk, lose_chunk, boast])
def test_strings_are_read_where_the_index_cannot_be(tmp_path, damage):
    put(tmp_path / "s", CLIPS)
    damage(tmp_path / "s")
    check(tmp_path / "s", CLIPS)
    put(tmp_path / "s", {"new": 99})
    check(tmp_path / "s", {**CLIPS, "new": 99})


@pytest.mark.parametrize("content", ["", "{", "[]", '{"zarr_format": 3}'])
def test_an_index_whose_metadata_are_lost_is_written_again(tmp_path, content):
    put(tmp_path / "s", CLIPS)
    shutil.copytree(tmp_path / "s", tmp_path / "sound")
    (tmp_path / "s" / "d" / "clip_id_hash" / "zarr.json").write_text(content)
    check(tmp_path / "s", CLIPS)
    put(tmp_path / "s", {"clip 1 ✓": 1})
    assert_stores_equal(tmp_path / "s", tmp_path / "sound")


def huge_shape(metadata):
    metadata["shape"][0] = 10**15


def huge_chunks(metadata):
    metadata["chunk_grid"]["configuration"]["chunk_shape"][0] = 10**12


def unknown_codec(metadata):
    metadata["codecs"].append({"name": "run_this", "configuration": {"code": "1 / 0"}})


def other_dtype(metadata):
    metadata["data_type"] = "float64"


@pytest.mark.parametrize("lie", [huge_shape, huge_chunks, unknown_codec, other_dtype])
def test_an_index_whose_metadata_lie_is_written_again(tmp_path, lie):
    put(tmp_path / "s", CLIPS)
    shutil.copytree(tmp_path / "s", tmp_path / "sound")
    path = tmp_path / "s" / "d" / "clip_id_hash" / "zarr.json"
    metadata = json.loads(path.read_text())
    lie(metadata)
    path.write_text(json.dumps(metadata))
    check(tmp_path / "s", CLIPS)
    verify_store(tmp_path / "s")
    put(tmp_path / "s", {"clip 1 ✓": 1})
    assert_stores_equal(tmp_path / "s", tmp_path / "sound")


def test_an_index_of_other_strings_is_noticed_by_the_next_append(tmp_path):
    """Such as one that was copied from another version of the store."""
    put(tmp_path / "s", CLIPS)
    put(tmp_path / "other", {f"x{number}": number for number in range(11)})
    shutil.rmtree(tmp_path / "s" / "d" / "clip_id_hash")
    shutil.copytree(tmp_path / "other/d/clip_id_hash", tmp_path / "s/d/clip_id_hash")
    put(tmp_path / "s", {"new": 99})
    check(tmp_path / "s", {**CLIPS, "new": 99})


def test_somebody_elses_array_of_that_name_is_left_alone(tmp_path):
    put(tmp_path / "s", CLIPS)
    without_index(tmp_path / "s")
    group = zarr.open_group(tmp_path / "s", mode="r+")["d"]
    group.create_array("clip_id_hash", data=np.arange(11, dtype="<u8"))
    put(tmp_path / "s", {"new": 99})
    check(tmp_path / "s", {**CLIPS, "new": 99})
    assert group["clip_id_hash"][:].tolist() == list(range(11))


def test_the_index_is_no_column(tmp_path):
    put(tmp_path / "s", CLIPS)
    assert set(open_store(tmp_path / "s").columns("d")).isdisjoint(INDEX)
    assert "clip_id_hash" not in open_store(tmp_path / "s").to_frame("d")


def test_a_column_of_that_name_in_an_older_store_stays_a_column(tmp_path):
    put(tmp_path / "s", CLIPS)
    without_index(tmp_path / "s")
    (tmp_path / "s/d/label").rename(tmp_path / "s/d/clip_id_hash")
    shutil.copytree(tmp_path / "s/d/clip_id_hash", tmp_path / "s/d/label")
    put(tmp_path / "s", {"new": 99})
    check(tmp_path / "s", {**CLIPS, "new": 99})
    assert StoreReader(tmp_path / "s").texts("d", "clip_id_hash") == ["cry"] * 11 + [""]
