"""Writing a store: rows that line up, count only once whole, and are never mixed."""

import os
import shutil

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reno_store.errors import StaleStoreError, StoreError, UnknownNameError
from reno_store.exchange.verification import verify_store
from reno_store.samples import open_store
from reno_store.store import (
    StoreReader,
    StoreWriter,
    check_clips,
    check_model,
    check_names,
    remove_from_store,
)

FINGERPRINT = {"weights": "a" * 64, "layer": "last"}


def columns(clip_ids, **changed):
    table = {
        "clip_id": list(clip_ids),
        "label": [f"label of {clip_id}" for clip_id in clip_ids],
        "speaker": [""] * len(clip_ids),
        "audio_sha256": [f"hash of {clip_id}" for clip_id in clip_ids],
    }
    return {**table, **changed}


def vector(model, clip_id, dim=3):
    return np.array([hash_of(model), *(hash_of(clip_id) + i for i in range(1, dim))], np.float32)


def hash_of(text):
    return sum(ord(char) * 7**place for place, char in enumerate(text)) % 1000


def write(path, clip_ids, model="m", only=None):
    """One build's worth: put clips, embed those that are missing (or only some)."""
    with StoreWriter.open(path) as writer:
        clips = writer.put_clips("d", columns(clip_ids))
        id_of = dict(zip(clips.rows.tolist(), clip_ids, strict=True))
        with clips.writing(model, FINGERPRINT, 3) as target:
            missing = target.missing(clips.rows).tolist()
            todo = [row for row in missing if only is None or id_of[row] in only]
            if todo:
                target.put(np.array(todo), np.stack([vector(model, id_of[row]) for row in todo]))
        return len(todo)


@settings(
    deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_sequence_of_builds_keeps_every_row_with_its_clip(tmp_path_factory, data):
    """Appends in any order, models built partly and later: each row stays its clip's."""
    path = tmp_path_factory.mktemp("s") / "s.zarr"
    known, done = [], {"m": set(), "n": set()}
    for _ in range(data.draw(st.integers(1, 5))):
        known += [f"c{len(known) + i}" for i in range(data.draw(st.integers(0 if known else 1, 4)))]
        asked = data.draw(st.permutations(known))
        model = data.draw(st.sampled_from(["m", "n"]))
        only = set(data.draw(st.lists(st.sampled_from(known), unique=True)))
        assert write(path, asked, model, only) == len(only - done[model])
        done[model] |= only
        reader = StoreReader(path)
        stored_ids = reader.column("d", "clip_id").tolist()
        assert sorted(stored_ids) == sorted(known)
        for name in reader.models("d"):
            there = reader.done("d", name)
            assert {stored_ids[row] for row in np.flatnonzero(there)} == done[name]
            rows = np.flatnonzero(there)
            expected = [vector(name, stored_ids[row]) for row in rows]
            found = reader.embeddings("d", name, rows)
            np.testing.assert_array_equal(found, np.reshape(expected, (len(rows), 3)))


def test_rows_not_embedded_read_as_nan_to_everybody(tmp_path):
    write(tmp_path / "s", ["a", "b"], only={"b"})
    embedding = zarr.open_group(tmp_path / "s", mode="r")["d/m/embedding"][:]
    assert np.isnan(embedding[0]).all()
    assert np.isfinite(embedding[1]).all()


def test_nan_is_not_stored(tmp_path):
    write(tmp_path / "s", ["a", "b"], only=set())
    with StoreWriter.open(tmp_path / "s") as writer, writer.model("d", "m") as target:
        bad = np.array([[1.0, np.nan, 2.0]], np.float32)
        with pytest.raises(ValueError, match="expected finite"):
            target.put(np.array([0]), bad)
    assert not StoreReader(tmp_path / "s").done("d", "m").any()


def test_rows_are_written_only_while_their_lock_is_held(tmp_path):
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", columns(["a"]))
        with clips.writing("m", FINGERPRINT, 3) as target:
            pass
        with pytest.raises(RuntimeError, match="has ended"):
            target.put(clips.rows, np.ones((1, 3), np.float32))
    assert not StoreReader(tmp_path / "s").done("d", "m").any()


def test_removing_needs_a_store_and_takes_what_is_named(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        remove_from_store(tmp_path / "s", "d")
    assert not (tmp_path / "s").exists()
    write(tmp_path / "s", ["a"], "m")
    write(tmp_path / "s", ["a"], "n")
    remove_from_store(tmp_path / "s", "d", "m")
    assert StoreReader(tmp_path / "s").models("d") == ("n",)
    with pytest.raises(UnknownNameError, match="'m'"):
        remove_from_store(tmp_path / "s", "d", "m")
    remove_from_store(tmp_path / "s", "d")
    assert StoreReader(tmp_path / "s").datasets == ()


def test_a_row_cut_off_before_it_was_marked_is_written_again(tmp_path, monkeypatch):
    write(tmp_path / "s", ["a", "b"], only=set())
    root = zarr.open_group(tmp_path / "s", mode="r+")
    root["d/m/embedding"][0] = [7, 7, 7]
    assert write(tmp_path / "s", ["a", "b"]) == 2
    found = StoreReader(tmp_path / "s").embeddings("d", "m", np.array([0]))
    np.testing.assert_array_equal(found[0], vector("m", "a"))


def test_clips_beyond_the_count_do_not_count(tmp_path):
    """A build killed between lengthening the columns and raising n_clips."""
    write(tmp_path / "s", ["a", "b"])
    root = zarr.open_group(tmp_path / "s", mode="r+")
    for name in ("clip_id", "label", "speaker", "audio_sha256"):
        root[f"d/{name}"].resize((4,))
        root[f"d/{name}"][2:] = np.array(["ghost", "ghost"], object)
    assert StoreReader(tmp_path / "s").column("d", "clip_id").tolist() == ["a", "b"]
    write(tmp_path / "s", ["a", "b", "c"])
    assert StoreReader(tmp_path / "s").column("d", "clip_id").tolist() == ["a", "b", "c"]
    assert StoreReader(tmp_path / "s").column("d", "label").tolist()[2] == "label of c"


def test_a_changed_fingerprint_names_each_part_with_both_values(tmp_path):
    write(tmp_path / "s", ["a"])
    other = {"weights": "b" * 64, "layer": "last", "pooling": "max"}
    with pytest.raises(StaleStoreError) as caught:
        check_model(StoreReader(tmp_path / "s"), "d", "m", other)
    message = str(caught.value)
    assert "weights: stored aaaaaaaaaaaa..., now bbbbbbbbbbbb..." in message
    assert "pooling: stored nothing, now max" in message
    assert "layer" not in message


def test_more_changes_than_can_be_shown_are_counted(tmp_path):
    names = [f"c{i}" for i in range(9)]
    write(tmp_path / "s", names)
    with pytest.raises(StaleStoreError, match=r"labels changed: 9 clips \('c0', .* and 4 more\)"):
        check_clips(StoreReader(tmp_path / "s"), "d", columns(names, label=["x"] * 9))


@pytest.mark.parametrize("name", ["a/b", "..", "", ".hidden", "zarr.json", "x" * 101, "a\nb"])
def test_names_that_would_leave_the_store_are_refused(tmp_path, name):
    with StoreWriter.open(tmp_path / "s") as writer:
        with pytest.raises(ValueError, match=r"dataset name .* cannot be used"):
            check_names(writer.reader, name, [], [])
        with pytest.raises(ValueError, match=r"model name .* cannot be used"):
            check_names(writer.reader, "d", [], [name])


class TestDamage:
    """Damage raises an error that says where, and never yields a wrong number."""

    @pytest.fixture
    def chunk(self, tmp_path):
        write(tmp_path / "s", ["a", "b"])
        return tmp_path / "s" / "d" / "m" / "embedding" / "c" / "0" / "0"

    def read(self, tmp_path):
        return StoreReader(tmp_path / "s").embeddings("d", "m", np.array([0, 1]))

    def test_a_flipped_bit(self, tmp_path, chunk):
        content = bytearray(chunk.read_bytes())
        content[len(content) // 2] ^= 1
        chunk.write_bytes(content)
        with pytest.raises(
            StoreError, match=r"dataset 'd', model 'm': damaged: rows 0 to 1 \(its checksum"
        ):
            self.read(tmp_path)

    def test_a_truncated_chunk(self, tmp_path, chunk):
        chunk.write_bytes(chunk.read_bytes()[:-5])
        with pytest.raises(
            StoreError, match=r"model 'm': damaged: rows 0 to 1 \(.* bytes instead of"
        ):
            self.read(tmp_path)

    def test_a_lost_chunk(self, tmp_path, chunk):
        chunk.unlink()
        with pytest.raises(StoreError, match=r"damaged: rows 0 to 1 \(lost\)"):
            self.read(tmp_path)


class TestLostParts:
    """A part that an interrupted copy lost is named; rows never move to other clips."""

    @pytest.fixture
    def store(self, tmp_path):
        write(tmp_path / "s", ["a", "b", "c"])
        return tmp_path / "s"

    def build_in_another_order(self, store):
        with pytest.raises(StoreError, match="damaged") as caught:
            write(store, ["c", "b", "a", "z"])
        return str(caught.value)

    def test_the_datasets_own_zarr_json(self, store):
        (store / "d" / "zarr.json").unlink()
        message = self.build_in_another_order(store)
        assert "its zarr.json is lost" in message

    @pytest.mark.parametrize("column", ["clip_id", "label", "speaker", "audio_sha256"])
    @pytest.mark.parametrize("part", ["", "c"])
    def test_a_column_or_its_chunks(self, store, column, part):
        shutil.rmtree(store / "d" / column / part)
        assert f"column {column!r}" in self.build_in_another_order(store)
        with pytest.raises(StoreError, match=f"column {column!r}: damaged"):
            open_store(store).load("d", "m")

    def test_the_word_of_which_rows_are_whole(self, store):
        shutil.rmtree(store / "d" / "m" / "done")
        message = self.build_in_another_order(store)
        assert "model 'm': damaged" in message
        assert (store / "d" / "m" / "embedding" / "c" / "0" / "0").exists()

    def test_the_count_of_clips(self, store):
        group = zarr.open_group(store, mode="r+")["d"]
        group.attrs["n_clips"] = 1
        message = self.build_in_another_order(store)
        assert "embeddings beyond the 1 clips of the table" in message

    def test_a_broken_zarr_json(self, store):
        (store / "d" / "m" / "done" / "zarr.json").write_text("{")
        assert "dataset 'd'" in self.build_in_another_order(store)


def test_a_first_file_cut_off_in_the_middle_is_no_strangers(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "zarr.0123abcd.partial").write_text("{")
    assert write(tmp_path / "s", ["a"]) == 1
    assert not list((tmp_path / "s").rglob("*.partial"))


def test_a_half_written_zarr_json_of_a_killed_writer_is_removed(tmp_path):
    write(tmp_path / "s", ["a"])
    (tmp_path / "s" / "zarr.0123abcd.partial").write_text("{")
    write(tmp_path / "s", ["a"])
    assert not list((tmp_path / "s").rglob("*.partial"))


def test_a_new_model_writes_nothing_into_the_folder_of_the_store(tmp_path):
    """Its lock is not held then, so another process may sweep that folder."""
    write(tmp_path / "s", ["a"])
    before = (tmp_path / "s").stat().st_mtime_ns
    write(tmp_path / "s", ["a"], "n")
    assert (tmp_path / "s").stat().st_mtime_ns == before


def test_another_format_version_is_refused_by_number(tmp_path):
    write(tmp_path / "s", ["a"])
    root = zarr.open_group(tmp_path / "s", mode="r+")
    root.attrs["reno_store"] = {"format_version": 4}
    with pytest.raises(StoreError, match="has format version 4"):
        StoreReader(tmp_path / "s")
    with (
        pytest.raises(StoreError, match="has format version 4"),
        StoreWriter.open(tmp_path / "s"),
    ):
        pass


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_removal_that_is_cut_off_anywhere_leaves_the_rest_whole_and_can_be_done_again(
    tmp_path, monkeypatch, step
):
    class Killed(BaseException):
        pass

    def columns(ids):
        return {
            "clip_id": ids,
            "label": ["cry"] * len(ids),
            "speaker": [""] * len(ids),
            "audio_sha256": [f"{hash_:0>64}" for hash_ in ids],
        }

    def fill(path, dataset):
        with StoreWriter.open(path) as writer:
            clips = writer.put_clips(dataset, columns(["a", "b"]))
            for model in ("m", "n"):
                with clips.writing(model, {"weights": dataset + model}, 3) as target:
                    missing = target.missing(clips.rows)
                    target.put(missing, np.ones((len(missing), 3), np.float32))

    removals = {"dataset": ("remove_dataset", "d"), "model": ("remove_model", "d", "m")}
    for what, (name, *words) in removals.items():
        real = os.unlink
        for n_files in range(0, 1000, step):
            path = tmp_path / f"{what}{n_files}"
            for dataset in ("d", "other"):
                fill(path, dataset)
            removed = 0

            def unlink_some(*arguments, n_files=n_files, real=real, **options):
                nonlocal removed
                if removed == n_files:
                    raise Killed
                removed += 1
                return real(*arguments, **options)

            monkeypatch.setattr(os, "unlink", unlink_some)
            try:
                with StoreWriter.open(path) as writer:
                    getattr(writer, name)(*words)
            except Killed:
                pass
            else:
                break
            finally:
                monkeypatch.setattr(os, "unlink", real)
            assert verify_store(path).is_sound
            reader = StoreReader(path)
            assert reader.done("other", "m").all()
            if what == "model":
                assert reader.done("d", "n").all()
            elif "d" in reader.datasets:
                assert reader.n_clips("d") in (0, 2)
            # Either way on: the same again, or a build of the same anew.
            if n_files % 2 and words[-1] in (*reader.datasets, *reader.models("d")):
                with StoreWriter.open(path) as writer:
                    getattr(writer, name)(*words)
            fill(path, "d")
            assert all(StoreReader(path).done("d", model).all() for model in ("m", "n"))
            assert verify_store(path).is_sound
        assert n_files > (12 if what == "dataset" else 4)
