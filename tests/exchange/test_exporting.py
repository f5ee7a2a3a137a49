"""Embeddings in files that other programs read, without this package."""

import json

import numpy as np
import pandas as pd
import pytest
import zarr
from click.testing import CliRunner
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv
from factories.stores import assert_stores_equal
from reno_cli.main import main

from reno_store.errors import MissingEmbeddingsError, RenoStoreError, UnknownNameError
from reno_store.exchange.exporting import export_samples
from reno_store.extraction.build import build_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter

MODELS = ["mfcc", "logmel"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def store(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "s.zarr"
    build_store(corpus.manifest, path, MODELS)
    return path


@pytest.fixture(scope="module")
def samples(store):
    return open_store(store).load("small", MODELS)


def test_npz_holds_all_without_pickles(store, samples, tmp_path):
    assert export_samples(store, "small", MODELS, tmp_path / "x.npz") == 6
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["X"], samples.X)
        assert found["clip_ids"].tolist() == samples.clip_ids.tolist()
        assert found["labels"].tolist() == samples.y.tolist()
        assert found["speakers"].tolist() == samples.groups.tolist()
        assert found["models"].tolist() == MODELS
        assert found["block_sizes"].tolist() == [120, 240]


def test_parquet_has_a_column_a_number_named_by_model(store, samples, tmp_path):
    pytest.importorskip("pyarrow")
    export_samples(store, "small", MODELS, tmp_path / "x.parquet")
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert frame.columns[:5].tolist() == ["clip_id", "label", "speaker", "path", "mfcc:0"]
    assert frame.columns[-1] == "logmel:239"
    np.testing.assert_array_equal(frame.iloc[:, 4:].to_numpy(np.float32), samples.X)
    assert frame["label"].tolist() == samples.y.tolist()


def test_parquet_without_pyarrow_says_what_to_install(store, tmp_path, monkeypatch):
    def missing(*_, **__):
        raise ImportError("no engine")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", missing)
    with pytest.raises(RenoStoreError, match=r"pip install 'reno-store\[parquet\]'"):
        export_samples(store, "small", "mfcc", tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_safetensors_has_a_tensor_a_model_and_ids_beside(store, samples, tmp_path):
    from safetensors import safe_open

    export_samples(store, "small", MODELS, tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", "numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("mfcc"), samples.X[:, :120])
        np.testing.assert_array_equal(file.get_tensor("logmel"), samples.X[:, 120:])
        assert json.loads(file.metadata()["clip_ids"]) == samples.clip_ids.tolist()
        assert json.loads(file.metadata()["labels"]) == samples.y.tolist()


def test_npy_is_one_file_a_clip_and_a_table(store, samples, tmp_path):
    export_samples(store, "small", MODELS, tmp_path / "each", format="npy")
    table = pd.read_csv(tmp_path / "each" / "clips.csv")
    assert table["clip_id"].tolist() == samples.clip_ids.tolist()
    for row, name in enumerate(table["file"]):
        np.testing.assert_array_equal(np.load(tmp_path / "each" / name), samples.X[row])


@pytest.mark.parametrize(
    "clip_id", ["../../evil", "/etc/evil", "a/b", "..", ".hidden", "a\\b", "ü%"]
)
def test_clip_ids_do_not_lead_out_of_the_folder(tmp_path, clip_id):
    table = {name: [clip_id] for name in ("clip_id", "label", "speaker", "audio_sha256")}
    with StoreWriter.open(tmp_path / "s") as writer:
        clips = writer.put_clips("d", table)
        with clips.writing("m", {"weights": "none"}, 2) as target:
            target.put(clips.rows, np.ones((1, 2), np.float32))
    before = sorted(path.name for path in tmp_path.iterdir())
    export_samples(tmp_path / "s", "d", "m", tmp_path / "each", format="npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "each"])
    (name,) = pd.read_csv(tmp_path / "each" / "clips.csv")["file"]
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == sorted(
        ["clips.csv", name]
    )
    assert not name.startswith(".")


def test_what_is_there_is_not_written_over_unless_told(store, tmp_path):
    (tmp_path / "x.npz").write_text("mine")
    with pytest.raises(RenoStoreError, match="already exists"):
        export_samples(store, "small", "mfcc", tmp_path / "x.npz")
    assert (tmp_path / "x.npz").read_text() == "mine"
    export_samples(store, "small", "mfcc", tmp_path / "x.npz", force=True)
    assert np.load(tmp_path / "x.npz")["X"].shape == (6, 120)


def test_a_folder_with_things_in_it_is_never_written_over(store, tmp_path):
    (tmp_path / "each").mkdir()
    (tmp_path / "each" / "mine").write_text("mine")
    with pytest.raises(RenoStoreError, match=r"already exists\. Use another folder"):
        export_samples(store, "small", "mfcc", tmp_path / "each", format="npy", force=True)


def test_unknown_names_and_formats_list_the_choices(store, tmp_path):
    with pytest.raises(UnknownNameError, match="csv, npy, npz, parquet, safetensors"):
        export_samples(store, "small", "mfcc", tmp_path / "x.h5")
    with pytest.raises(UnknownNameError, match="logmel, mfcc"):
        export_samples(store, "small", "mfc", tmp_path / "x.npz")


def test_missing_embeddings_are_refused_or_left_out(tmp_path):
    corpus = make_corpus(tmp_path)
    corpus.recording("clip2").unlink()
    build_store(corpus.manifest, tmp_path / "s.zarr", "mfcc")
    with pytest.raises(MissingEmbeddingsError):
        export_samples(tmp_path / "s.zarr", "small", "mfcc", tmp_path / "x.npz")
    path = tmp_path / "x.npz"
    assert export_samples(tmp_path / "s.zarr", "small", "mfcc", path, missing="drop") == 5


TAKES = ("1", "02", "", "a,b", 'say "x"', "ü")


@pytest.fixture(scope="module")
def taken(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("taken")
    lines = corpus.manifest.read_text().splitlines()
    rows = [[*line.split(","), take] for line, take in zip(lines[1:], TAKES, strict=True)]
    header = [*lines[0].split(","), "take"]
    manifest = write_manifest_csv(folder / "small.csv", rows, header)
    corpus.recording("clip2").rename(folder / "away.wav")
    build_store(manifest, folder / "s.zarr", MODELS, audio_folder=corpus.folder)
    (folder / "away.wav").rename(corpus.recording("clip2"))
    return folder / "s.zarr"


class TestFurtherColumns:
    @pytest.fixture
    def exported(self, taken, tmp_path):
        def exported(format_):
            path = tmp_path / f"x.{format_}"
            assert export_samples(taken, "small", MODELS, path, format=format_, missing="drop") == 5
            return path

        return exported

    @pytest.fixture
    def kept(self):
        """Takes of the clips that have an embedding."""
        return [take for number, take in enumerate(TAKES) if number != 2]

    def test_npz(self, exported, kept):
        with np.load(exported("npz"), allow_pickle=False) as found:
            assert found["column:take"].tolist() == kept
            assert found["column:path"].tolist()[2] == "audio/clip3.wav"

    def test_csv_reads_back_to_the_last_bit(self, exported, kept, taken):
        options = {"dtype": {"take": str}, "keep_default_na": False}
        frame = pd.read_csv(exported("csv"), **options)
        assert frame.columns[:6].tolist() == [
            "clip_id",
            "label",
            "speaker",
            "path",
            "take",
            "mfcc:0",
        ]
        assert frame["take"].tolist() == kept
        samples = open_store(taken).load("small", MODELS, missing="drop")
        np.testing.assert_array_equal(frame[samples.feature_names].to_numpy(np.float32), samples.X)

    def test_parquet(self, exported, kept):
        pytest.importorskip("pyarrow")
        assert pd.read_parquet(exported("parquet"))["take"].tolist() == kept

    def test_safetensors(self, exported, kept):
        from safetensors import safe_open

        with safe_open(exported("safetensors"), "numpy") as file:
            assert json.loads(file.metadata()["columns"])["take"] == kept

    def test_npy(self, exported, kept):
        table = pd.read_csv(exported("npy") / "clips.csv", dtype=str, keep_default_na=False)
        assert table.columns.tolist() == ["clip_id", "file", "label", "speaker", "path", "take"]
        assert table["take"].tolist() == kept

    def test_the_clip_table_is_a_frame_by_clip_id(self, taken):
        frame = open_store(taken).to_frame("small")
        assert frame.index.name == "clip_id"
        assert frame.columns.tolist() == ["label", "speaker", "path", "take", "audio_sha256"]
        assert frame["take"].tolist() == list(TAKES)
        assert frame.loc["clip3", "path"] == "audio/clip3.wav"
        samples = open_store(taken).load("small", "mfcc", missing="drop")
        assert frame.loc[samples.clip_ids, "label"].tolist() == samples.y.tolist()
        with pytest.raises(UnknownNameError, match="did you mean 'small'"):
            open_store(taken).to_frame("smal")


class TestCommands:
    def run(self, *words, expect=0, **options):
        result = CliRunner().invoke(main, [str(word) for word in words], **options)
        assert result.exit_code == expect, result.output
        return result.output

    def test_export_says_what_it_wrote(self, store, tmp_path):
        words = ("export", store, "small", "--model", "mfcc", "-o", tmp_path / "x.npz")
        assert "x.npz: 6 clips of small: mfcc" in self.run(*words)
        assert "already exists" in self.run(*words, expect=1)
        self.run(*words, "--force")

    @pytest.fixture
    def copy(self, store, tmp_path):
        import shutil

        return shutil.copytree(store, tmp_path / "s.zarr")

    def test_remove_asks_first(self, copy, store):
        words = ("remove", copy, "small", "--model", "mfcc")
        shown = self.run(*words, input="n\n", expect=1)
        assert "Remove mfcc of small (6 embeddings)" in shown
        assert_stores_equal(copy, store)
        self.run(*words, input="y\n")
        assert StoreReader(copy).models("small") == ("logmel",)

    def test_a_removed_model_can_be_built_again(self, copy, store, corpus):
        self.run("remove", copy, "small", "--model", "mfcc", "--yes")
        report = build_store(corpus.manifest, copy, MODELS)
        assert [model.n_new for model in report.models] == [6, 0]
        assert_stores_equal(copy, store)

    def test_a_removed_dataset_is_gone_and_can_be_built_again(self, copy, store, corpus):
        shown = self.run("remove", copy, "small", "--yes")
        assert "removed small with 2 models (12 embeddings)" in shown
        assert StoreReader(copy).datasets == ()
        build_store(corpus.manifest, copy, MODELS)
        assert_stores_equal(copy, store)

    def test_remove_of_what_is_not_there_lists_the_choices(self, copy):
        assert "did you mean 'mfcc'" in self.run(
            "remove", copy, "small", "--model", "mfc", "--yes", expect=1
        )
        assert "did you mean 'small'" in self.run("remove", copy, "smal", "--yes", expect=1)

    def test_verify_says_damage_and_its_exit_code_does(self, copy):
        assert "12 embeddings read, 0 missing; 0 problems" in self.run("verify", copy)
        chunk = copy / "small" / "mfcc" / "embedding" / "c" / "0" / "0"
        chunk.write_bytes(b"x" + chunk.read_bytes()[1:])
        shown = self.run("verify", copy, expect=1)
        assert "damaged: small, mfcc: rows 0 to 5 (its checksum does not match)" in shown
        found = json.loads(self.run("verify", copy, "--json", expect=1))
        assert found["is_sound"] is False
        assert found["findings"][0]["model"] == "mfcc"
        assert "marked as missing; build again: small, mfcc" in self.run("verify", copy, "--repair")
        assert "6 embeddings read, 6 missing; 0 problems" in self.run("verify", copy)

    def test_help_shows_its_examples_line_by_line(self):
        lines = [line.strip() for line in self.run("--help").splitlines()]
        assert "\\b" not in lines
        assert any(line.startswith("reno-store ") for line in lines)

    def test_a_model_named_twice_and_a_format_that_is_not_said_are_refused(self, store, tmp_path):
        words = ("export", store, "small", "--model", "mfcc", "-o")
        assert "named twice" in self.run(*words, tmp_path / "x.npz", "--model", "mfcc", expect=1)
        assert "--format FORMAT" in self.run(*words, tmp_path / "x", expect=1)

    @pytest.mark.parametrize("again", [True, False])
    def test_a_removal_that_was_cut_off_can_be_done_again_or_built(
        self, copy, store, corpus, again
    ):
        group = zarr.open_group(copy, mode="r+")["small/mfcc"]
        group.attrs["dropped"] = True
        del group["done"]
        if again:
            self.run("remove", copy, "small", "--model", "mfcc", "--yes")
            assert not (copy / "small" / "mfcc").exists()
        report = build_store(corpus.manifest, copy, MODELS)
        assert [model.n_new for model in report.models] == [6, 0]
        assert_stores_equal(copy, store)

    def test_a_damaged_model_can_be_removed(self, copy):
        chunk = copy / "small" / "mfcc" / "done" / "c" / "0"
        chunk.write_bytes(b"x" + chunk.read_bytes()[1:])
        shown = self.run("remove", copy, "small", "--model", "mfcc", "--yes")
        assert "an unknown number of embeddings" in shown
        assert StoreReader(copy).models("small") == ("logmel",)
