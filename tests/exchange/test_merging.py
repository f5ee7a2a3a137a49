"""One store into another: all that agrees, or nothing."""

import shutil

import numpy as np
import pytest
import zarr
from click.testing import CliRunner
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv
from factories.stores import assert_stores_equal, contents
from reno_cli.main import main

from reno_store.errors import (
    MergeConflictError,
    StaleStoreError,
    StoreError,
    UnknownNameError,
)
from reno_store.exchange.merging import merge_stores
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"), 8)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "s"
    build_store(corpus.manifest, path, ["mfcc", "logmel"])
    return path


def part(corpus, name, numbers):
    rows = [
        (f"clip{i}", f"audio/clip{i}.wav", ("cry", "laugh")[i % 2], f"s{i // 2 % 3}")
        for i in numbers
    ]
    return write_manifest_csv(corpus.folder / name, rows)


def by_id(path, model="mfcc"):
    samples = open_store(path).load("small", model)
    rows = zip(samples.y.tolist(), samples.groups.tolist(), samples.X.tolist(), strict=True)
    return dict(zip(samples.clip_ids.tolist(), rows, strict=True))


def build(corpus, store, models, numbers=None, **words):
    manifest = corpus.manifest if numbers is None else part(corpus, "part.csv", numbers)
    return build_store(manifest, store, models, dataset="small", **words)


def put(store, ids, model="m", *, fingerprint=None, numbers=None, **columns):
    """A store made by hand, of one dataset ``d`` with one model."""
    table = {
        "clip_id": ids,
        "label": ["cry"] * len(ids),
        "speaker": [""] * len(ids),
        "audio_sha256": [f"{hash_}" for hash_ in ids],
        **columns,
    }
    with StoreWriter.open(store) as writer:
        clips = writer.put_clips("d", table)
        with clips.writing(model, fingerprint or {"weights": "w"}, 3) as target:
            found = np.ones((len(ids), 3), np.float32) if numbers is None else numbers
            target.put(clips.rows, np.asarray(found, np.float32))
    return store


def test_other_models_of_the_same_clips(corpus, whole, tmp_path):
    build(corpus, tmp_path / "a", "mfcc")
    build(corpus, tmp_path / "b", "logmel")
    report = merge_stores(tmp_path / "b", tmp_path / "a")
    assert report.n_new_clips == 0
    assert [(each.model, each.n_new, each.n_there) for each in report.models] == [("logmel", 8, 0)]
    assert_stores_equal(tmp_path / "a", whole)
    assert not list(tmp_path.rglob("*.partial"))


def test_two_halves_in_other_rows(corpus, whole, tmp_path):
    build(corpus, tmp_path / "a", ["mfcc", "logmel"], [5, 1, 7, 3])
    build(corpus, tmp_path / "b", ["mfcc", "logmel"], [6, 3, 0, 4, 2])
    before = contents(tmp_path / "b")
    report = merge_stores(tmp_path / "b", tmp_path / "a")
    assert report.n_new_clips == 4
    assert {(each.n_new, each.n_there) for each in report.models} == {(4, 1)}
    for model in ("mfcc", "logmel"):
        assert by_id(tmp_path / "a", model) == by_id(whole, model)
    assert verify_store(tmp_path / "a").is_sound
    assert build(corpus, tmp_path / "a", ["mfcc", "logmel"]).models[0].n_new == 0
    np.testing.assert_equal(contents(tmp_path / "b"), before)


def test_into_a_store_that_is_not_there_yet(whole, tmp_path):
    merge_stores(whole, tmp_path / "new")
    assert_stores_equal(tmp_path / "new", whole)


def test_again_changes_nothing(whole, tmp_path):
    merge_stores(whole, tmp_path / "new")
    report = merge_stores(whole, tmp_path / "new")
    assert {(each.n_new, each.n_there) for each in report.models} == {(0, 8)}
    assert_stores_equal(tmp_path / "new", whole)


def test_only_what_is_asked_for(corpus, whole, tmp_path):
    shutil.copytree(whole, tmp_path / "s")
    build_store(corpus.manifest, tmp_path / "s", "mfcc", dataset="other")
    merge_stores(tmp_path / "s", tmp_path / "a", datasets=["small"], models=["logmel"])
    reader = StoreReader(tmp_path / "a")
    assert (reader.datasets, reader.models("small")) == (("small",), ("logmel",))
    with pytest.raises(UnknownNameError, match="did you mean 'small'"):
        merge_stores(tmp_path / "s", tmp_path / "a", datasets=["smal"])
    with pytest.raises(UnknownNameError, match="did you mean 'mfcc'"):
        merge_stores(tmp_path / "s", tmp_path / "a", models=["mfc"])


def test_what_one_knows_and_the_other_does_not_is_filled_in(tmp_path):
    put(tmp_path / "a", ["x", "y"], speaker=["", "ann"], mood=["", "low"])
    put(tmp_path / "b", ["y", "x", "z"], "n", speaker=["ann", "bob", ""], rate=["1", "2", "3"])
    merge_stores(tmp_path / "b", tmp_path / "a")
    reader = StoreReader(tmp_path / "a")
    assert reader.texts("d", "clip_id") == ["x", "y", "z"]
    assert reader.texts("d", "speaker") == ["bob", "ann", ""]
    assert reader.texts("d", "mood") == ["", "low", ""]
    assert reader.texts("d", "rate") == ["2", "1", "3"]
    assert reader.done("d", "m").tolist() == [True, True, False]


class TestConflicts:
    def refused(self, one, other, *told):
        before = contents(other)
        with pytest.raises(MergeConflictError) as caught:
            merge_stores(one, other)
        np.testing.assert_equal(contents(other), before)
        for words in told:
            assert words in str(caught.value)
        assert "nothing was changed" in str(caught.value)

    def test_all_of_them_at_once(self, tmp_path):
        put(tmp_path / "a", ["x", "y"], label=["cry", "cry"], speaker=["ann", ""], mood=["1", "2"])
        put(
            tmp_path / "b",
            ["x", "y"],
            label=["cry", "sigh"],
            speaker=["bob", ""],
            mood=["1", "3"],
            audio_sha256=["other", "y"],
            fingerprint={"weights": "v"},
        )
        self.refused(
            tmp_path / "b",
            tmp_path / "a",
            "d: label of 1 clips ('y')",
            "d: speaker of 1 clips ('x')",
            "d: mood of 1 clips ('y')",
            "d: audio_sha256 of 1 clips ('x')",
            "d: m is a different model: weights: stored w, now v",
        )

    def test_embeddings_of_one_model_that_differ(self, tmp_path):
        numbers = np.random.default_rng(0).normal(size=(3, 3))
        put(tmp_path / "a", ["x", "y", "z"], numbers=numbers)
        nearly = numbers * (1 + 1e-5)
        put(tmp_path / "b", ["x", "y", "z"], numbers=nearly)
        merge_stores(tmp_path / "b", tmp_path / "a")
        kept = open_store(tmp_path / "a").load("d", "m").X
        np.testing.assert_array_equal(kept, numbers.astype(np.float32))
        nearly[1] *= 1.1
        put(tmp_path / "c", ["x", "y", "z"], numbers=nearly)
        self.refused(tmp_path / "c", tmp_path / "a", "d: m: embeddings of 1 clips ('y')")

    def test_rounded_and_exact(self, corpus, tmp_path):
        build(corpus, tmp_path / "a", "mfcc")
        build(corpus, tmp_path / "b", "mfcc", storage="float16")
        self.refused(
            tmp_path / "b", tmp_path / "a", "storage.stored_as: stored nothing, now float16"
        )

    def test_a_model_called_what_a_column_is(self, tmp_path):
        put(tmp_path / "a", ["x"], mood=["low"])
        put(tmp_path / "b", ["x"], "mood")
        with pytest.raises(StoreError, match="both a column and a model named 'mood'"):
            merge_stores(tmp_path / "b", tmp_path / "a")

    def test_a_store_into_itself(self, whole, tmp_path):
        (tmp_path / "link").symlink_to(whole)
        with pytest.raises(StoreError, match="into itself"):
            merge_stores(whole, tmp_path / "link")


def test_a_damaged_source_changes_nothing(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "s")
    chunk = tmp_path / "s" / "small" / "mfcc" / "embedding" / "c" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[100] ^= 1
    chunk.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="damaged"):
        merge_stores(tmp_path / "s", tmp_path / "a")
    assert not (tmp_path / "a").exists()
    merge_stores(whole, tmp_path / "a")
    assert_stores_equal(tmp_path / "a", whole)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_after_every_file_and_run_again(whole, tmp_path, monkeypatch, step):
    import zarr.storage._local as local

    class Killed(BaseException):
        pass

    real = local._put
    for n_files in range(0, 1000, step):
        written = 0

        def put_some(*arguments, n_files=n_files, **options):
            nonlocal written
            if written == n_files:
                raise Killed
            written += 1
            return real(*arguments, **options)

        path = tmp_path / str(n_files) / "s"
        monkeypatch.setattr(local, "_put", put_some)
        try:
            merge_stores(whole, path)
        except Killed:
            pass
        else:
            break
        monkeypatch.setattr(local, "_put", real)
        merge_stores(whole, path)
        assert_stores_equal(path, whole)
    assert n_files > 15


def test_a_source_that_is_changed_meanwhile_is_noticed(tmp_path, monkeypatch):
    put(tmp_path / "a", ["x", "y"])
    real = StoreReader.embeddings
    n_reads = 0

    def changed_in_between(self, dataset, model, rows):
        nonlocal n_reads
        found = real(self, dataset, model, rows)
        n_reads += self.path == tmp_path / "a"
        if n_reads < 3:  # compared, and compared once more with the lock held
            return found
        monkeypatch.setattr(StoreReader, "embeddings", real)
        with StoreWriter.open(tmp_path / "a") as writer:
            table = {name: self.texts("d", name) for name in self.columns("d")}
            table["audio_sha256"] = ["x", "another"]
            writer.put_clips("d", table, refresh={"audio"})
        return found

    monkeypatch.setattr(StoreReader, "embeddings", changed_in_between)
    with pytest.raises(StaleStoreError, match="changed by another process"):
        merge_stores(tmp_path / "a", tmp_path / "b")
    assert not StoreReader(tmp_path / "b").done("d", "m").any()


class TestTargetsThatChangeMeanwhile:
    def meanwhile(self, monkeypatch, name, act):
        real = getattr(StoreWriter, name)

        def and_then(self, *arguments, **options):
            monkeypatch.setattr(StoreWriter, name, real)
            act()
            return real(self, *arguments, **options)

        monkeypatch.setattr(StoreWriter, name, and_then)

    def change(self, path, refresh, **columns):
        with StoreWriter.open(path) as writer:
            table = {**writer.reader.table("d"), **columns}
            writer.put_clips("d", table, refresh=refresh)

    def test_a_recording_that_is_taken_over_does_not_get_the_old_embedding(
        self, tmp_path, monkeypatch
    ):
        put(tmp_path / "a", ["x", "y"], "m")
        put(tmp_path / "b", ["x", "y"], "n")
        new = {"audio_sha256": ["another", "y"]}
        self.meanwhile(monkeypatch, "model", lambda: self.change(tmp_path / "a", {"audio"}, **new))
        with pytest.raises(StaleStoreError, match="changed by another process"):
            merge_stores(tmp_path / "b", tmp_path / "a")
        assert not StoreReader(tmp_path / "a").done("d", "n").any()

    def test_labels_that_are_refreshed_are_not_turned_back(self, tmp_path, monkeypatch):
        put(tmp_path / "a", ["x", "y"], "m")
        put(tmp_path / "b", ["x", "y"], "n")
        new = {"label": ["sigh", "cry"]}
        self.meanwhile(
            monkeypatch, "fill_clips", lambda: self.change(tmp_path / "a", {"labels"}, **new)
        )
        with pytest.raises(MergeConflictError, match="label of 1 clips"):
            merge_stores(tmp_path / "b", tmp_path / "a")
        assert StoreReader(tmp_path / "a").texts("d", "label") == ["sigh", "cry"]

    def test_other_embeddings_that_came_are_noticed(self, tmp_path, monkeypatch):
        put(tmp_path / "a", ["x", "y"], "m")
        put(tmp_path / "b", ["x", "y"], "n", numbers=np.eye(3)[:2])
        self.meanwhile(monkeypatch, "model", lambda: put(tmp_path / "a", ["x", "y"], "n"))
        with pytest.raises(StaleStoreError, match="changed by another process"):
            merge_stores(tmp_path / "b", tmp_path / "a")


@pytest.mark.parametrize(
    "part",
    [
        "clip_id",
        "label",
        "speaker",
        "audio_sha256",
        "zarr.json",
        "label/zarr.json",
        "mfcc/zarr.json",
    ],
)
@pytest.mark.parametrize("target", ["none", "same", "half"])
def test_a_source_that_lost_a_part_brings_nothing(corpus, whole, tmp_path, part, target):
    shutil.copytree(whole, tmp_path / "s")
    lost = tmp_path / "s" / "small" / part
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    if target != "none":
        build(corpus, tmp_path / "a", "mfcc", [0, 1] if target == "half" else None)
        before = contents(tmp_path / "a")
    if part == "mfcc/zarr.json":  # still whole but for a model that is none any more
        merge_stores(tmp_path / "s", tmp_path / "a", models=["logmel"])
        return
    with pytest.raises(StoreError):
        merge_stores(tmp_path / "s", tmp_path / "a")
    if target == "none":
        assert not (tmp_path / "a").exists()
    else:
        np.testing.assert_equal(contents(tmp_path / "a"), before)


def test_numbers_that_are_none_bring_nothing(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "s")
    embedding = zarr.open_group(tmp_path / "s", mode="r+")["small/mfcc/embedding"]
    embedding[3, 7] = np.nan
    shutil.copytree(whole, tmp_path / "same")
    for target in ("new", "same"):
        with pytest.raises(StoreError, match="embeddings of 1 clips hold NaN"):
            merge_stores(tmp_path / "s", tmp_path / target)
    assert not (tmp_path / "new").exists()


def test_embeddings_of_other_lengths_under_one_fingerprint_conflict(tmp_path):
    put(tmp_path / "a", ["x"])
    with StoreWriter.open(tmp_path / "b") as writer:
        table = {"clip_id": ["z"], "label": ["cry"], "speaker": [""], "audio_sha256": ["z"]}
        clips = writer.put_clips("d", table)
        with clips.writing("m", {"weights": "w"}, 4) as target:
            target.put(clips.rows, np.ones((1, 4), np.float32))
    with pytest.raises(MergeConflictError, match="dimensions: stored 3, now 4"):
        merge_stores(tmp_path / "b", tmp_path / "a")
    with (
        StoreWriter.open(tmp_path / "a") as writer,
        writer.model("d", "m") as target,
        pytest.raises(StaleStoreError),
    ):
        target.put(np.array([0]), np.ones((1, 4), np.float32))


def test_foreign_embeddings_are_compared_exactly(tmp_path):
    foreign = {"kind": "foreign", "precision": "float64"}
    numbers = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    put(tmp_path / "a", ["x", "y"], fingerprint=foreign, numbers=numbers)
    put(tmp_path / "b", ["x", "y"], fingerprint=foreign, numbers=numbers)
    merge_stores(tmp_path / "b", tmp_path / "a")
    put(tmp_path / "c", ["x", "y"], fingerprint=foreign, numbers=np.nextafter(numbers, 9))
    with pytest.raises(MergeConflictError, match="embeddings of 2 clips"):
        merge_stores(tmp_path / "c", tmp_path / "a")


def test_one_recording_may_lie_elsewhere_on_another_machine(tmp_path):
    put(tmp_path / "a", ["x", "y"], path=["1.wav", "2.wav"])
    put(tmp_path / "b", ["x", "y"], "n", path=["here/1.wav", "here/2.wav"])
    merge_stores(tmp_path / "b", tmp_path / "a")
    assert StoreReader(tmp_path / "a").texts("d", "path") == ["1.wav", "2.wav"]


def test_with_models_only_datasets_that_have_them(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s", "mfcc", dataset="d1")
    build_store(corpus.manifest, tmp_path / "s", "logmel", dataset="d2")
    merge_stores(tmp_path / "s", tmp_path / "a", models=["logmel"])
    assert StoreReader(tmp_path / "a").datasets == ("d2",)


def test_stores_within_one_another_are_refused(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "s")
    for one, other in (("s", "s/inner"), ("s/small", "s")):
        with pytest.raises(StoreError, match="is inside the other"):
            merge_stores(tmp_path / one, tmp_path / other)
    assert not (tmp_path / "s" / "inner").exists()


def test_clip_ids_that_stand_twice_in_a_source_are_refused(tmp_path):
    put(tmp_path / "a", ["x", "y"])
    zarr.open_group(tmp_path / "a", mode="r+")["d/clip_id"][:] = np.array(["x", "x"], object)
    with pytest.raises(StoreError, match="ids twice"):
        merge_stores(tmp_path / "a", tmp_path / "b")


def test_a_column_name_that_is_none_is_refused(tmp_path):
    put(tmp_path / "a", ["x"])
    (tmp_path / "a" / "d" / "label").rename(tmp_path / "a" / "d" / ".hidden")
    with pytest.raises(StoreError):
        merge_stores(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b" / "d").exists()


def test_the_command_says_what_it_did(corpus, whole, tmp_path):
    build(corpus, tmp_path / "a", "mfcc", [0, 1, 2])
    shown = CliRunner().invoke(main, ["merge", str(whole), "--store", str(tmp_path / "a")])
    assert shown.exit_code == 0, shown.output
    assert "5 new clips" in shown.output
    assert "small, mfcc: 5 new, 3 existing" in shown.output
    assert "small, logmel: 8 new, 0 existing" in shown.output
