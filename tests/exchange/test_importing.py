"""Embeddings from elsewhere: found their clips, checked, marked as foreign, or refused whole."""

import json
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv
from hypothesis import given, settings
from hypothesis import strategies as st
from reno_cli.main import main

from reno_store.errors import (
    ForeignEmbeddingsError,
    RenoStoreError,
    StaleStoreError,
    UnknownNameError,
)
from reno_store.exchange.exporting import export_samples
from reno_store.exchange.importing import import_embeddings
from reno_store.exchange.importing.matching import match_clips
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter

WORDS = {"dataset": "small", "model": "theirs", "provenance": "their model, layer 12, mean"}
IDS = [f"clip{i}" for i in range(6)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def matrix():
    return np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


def folder_of(path, names, matrix):
    for name, row in zip(names, matrix, strict=True):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(path / name, row)
    return path


def stored(store, model="theirs"):
    samples = open_store(store).load("small", model)
    return dict(zip(samples.clip_ids.tolist(), samples.X.tolist(), strict=True))


def expected(matrix):
    return dict(zip(IDS, matrix.tolist(), strict=True))


class TestWhatIsRead:
    @pytest.mark.parametrize("format_", ["npz", "parquet", "safetensors", "npy"])
    def test_an_export_comes_back_the_same_without_a_manifest(self, corpus, tmp_path, format_):
        build_store(corpus.manifest, tmp_path / "s", "mfcc")
        out = tmp_path / f"x.{format_}"
        export_samples(tmp_path / "s", "small", "mfcc", out, format=format_)
        report = import_embeddings(out, tmp_path / "t", **WORDS)
        assert (report.n_new, report.n_missing, report.matched_by) == (6, 0, "clip id")
        one = open_store(tmp_path / "s").load("small", "mfcc")
        other = open_store(tmp_path / "t").load("small", "theirs")
        np.testing.assert_array_equal(one.X, other.X)
        assert one.y.tolist() == other.y.tolist()
        assert one.groups.tolist() == other.groups.tolist()
        assert verify_store(tmp_path / "t").is_sound

    @pytest.mark.parametrize(
        ("names", "way"),
        [
            (IDS, "clip id"),
            ([f"audio/{name}.wav" for name in IDS], "path"),
            ([f"audio/{name}.wav.embedding" for name in IDS], "path"),
            ([f"audio/{name}" for name in IDS], "path without ending"),
            ([f"test/{name}.wav.embedding" for name in IDS], "file name"),
            ([f"fold0/{name}" for name in IDS], "clip id"),
        ],
    )
    def test_files_named_as_people_name_them(self, corpus, matrix, tmp_path, names, way):
        folder = folder_of(tmp_path / "theirs", [f"{name}.npy" for name in names], matrix)
        if way == "clip id" and "/" in names[0]:
            way = "file name without ending"
        report = import_embeddings(folder, tmp_path / "s", manifest=corpus.manifest, **WORDS)
        assert report.matched_by == way
        assert stored(tmp_path / "s") == expected(matrix)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "int16"])
    def test_numbers_of_any_type(self, corpus, tmp_path, dtype):
        numbers = np.arange(30).reshape(6, 5).astype(dtype)
        np.save(tmp_path / "x.npy", numbers)
        (tmp_path / "ids.txt").write_text("\n".join(IDS))
        import_embeddings(
            tmp_path / "x.npy",
            tmp_path / "s",
            ids=tmp_path / "ids.txt",
            manifest=corpus.manifest,
            **WORDS,
        )
        assert stored(tmp_path / "s") == expected(numbers.astype(np.float32))

    @pytest.mark.parametrize("kind", ["txt", "json", "index", "csv"])
    def test_ids_beside_a_matrix(self, corpus, matrix, tmp_path, kind):
        order = [3, 1, 5, 0, 2, 4]
        np.save(tmp_path / "x.npy", matrix[order])
        ids = [IDS[row] for row in order]
        beside = tmp_path / f"ids.{'json' if kind == 'index' else kind}"
        if kind == "txt":
            beside.write_text("\n".join(ids) + "\n")
        elif kind == "json":
            beside.write_text(json.dumps(ids))
        elif kind == "index":
            beside.write_text(json.dumps({name: ids.index(name) for name in IDS}))
        else:
            pd.DataFrame({"clip_id": ids, "more": "x"}).to_csv(beside, index=False)
        import_embeddings(
            tmp_path / "x.npy", tmp_path / "s", ids=beside, manifest=corpus.manifest, **WORDS
        )
        assert stored(tmp_path / "s") == expected(matrix)

    @pytest.mark.parametrize("peer", ["HEAR", "MTEB"])
    def test_raw_memory_maps_with_their_shape_beside_them(self, corpus, matrix, tmp_path, peer):
        name = "fold00.embeddings.npy" if peer == "HEAR" else "vectors.npy"
        matrix.tofile(tmp_path / name)
        if peer == "HEAR":
            (tmp_path / "fold00.embedding-dimensions.json").write_text("[6, 5]")
        else:
            (tmp_path / "dimension").write_text("5")
        (tmp_path / "index.json").write_text(json.dumps({name: i for i, name in enumerate(IDS)}))
        import_embeddings(
            tmp_path / name,
            tmp_path / "s",
            ids=tmp_path / "index.json",
            manifest=corpus.manifest,
            **WORDS,
        )
        assert stored(tmp_path / "s") == expected(matrix)

    def test_one_of_several_matrices_is_named(self, corpus, matrix, tmp_path):
        np.savez(tmp_path / "x.npz", first=matrix + 1, second=matrix, ids=np.array(IDS))
        words = {**WORDS, "manifest": corpus.manifest}
        with pytest.raises(ForeignEmbeddingsError, match=r"first, second\..*array="):
            import_embeddings(tmp_path / "x.npz", tmp_path / "s", **words)
        import_embeddings(tmp_path / "x.npz", tmp_path / "s", array="second", **words)
        assert stored(tmp_path / "s") == expected(matrix)


class TestWhatIsStored:
    @pytest.fixture
    def source(self, matrix, tmp_path):
        np.savez(tmp_path / "x.npz", X=matrix, ids=np.array(IDS))
        return tmp_path / "x.npz"

    def test_it_is_marked_as_foreign_with_its_provenance(self, corpus, source, tmp_path):
        import_embeddings(source, tmp_path / "s", manifest=corpus.manifest, **WORDS)
        fingerprint = StoreReader(tmp_path / "s").fingerprint("small", "theirs")
        assert fingerprint["kind"] == "foreign"
        assert fingerprint["provenance"] == "their model, layer 12, mean"
        assert fingerprint["dim"] == 5
        assert fingerprint["source"]["name"] == "x.npz"
        assert len(fingerprint["source"]["sha256"]) == 64

    def test_it_stands_beside_models_of_a_build_in_the_same_rows(self, corpus, source, tmp_path):
        build_store(corpus.manifest, tmp_path / "s", "mfcc")
        import_embeddings(source, tmp_path / "s", **WORDS)
        both = open_store(tmp_path / "s").load("small", ["mfcc", "theirs"])
        assert both.block_sizes == (120, 5)
        assert both.clip_ids.tolist() == IDS

    def test_a_build_goes_on_beside_it(self, corpus, source, tmp_path):
        import_embeddings(source, tmp_path / "s", manifest=corpus.manifest, **WORDS)
        assert build_store(corpus.manifest, tmp_path / "s", "mfcc").complete
        hashes = StoreReader(tmp_path / "s").texts("small", "audio_sha256")
        assert all(len(sha256) == 64 for sha256 in hashes)

    def test_recordings_unknown_at_the_import_are_known_from_the_next_build_on(
        self, corpus, matrix, tmp_path
    ):
        np.savez(
            tmp_path / "x.npz",
            X=matrix,
            ids=np.array(IDS),
            labels=np.array(["cry", "laugh"] * 3),
            speakers=np.array(["s0", "s0", "s1"] * 2),
        )
        import_embeddings(tmp_path / "x.npz", tmp_path / "s", **WORDS)
        assert set(StoreReader(tmp_path / "s").texts("small", "audio_sha256")) == {""}
        build_store(corpus.manifest, tmp_path / "s", "mfcc", refresh="labels")
        assert len(set(StoreReader(tmp_path / "s").texts("small", "audio_sha256"))) == 6
        assert stored(tmp_path / "s") == expected(matrix)

    def test_a_build_under_its_name_is_refused(self, corpus, source, tmp_path):
        import_embeddings(source, tmp_path / "s", manifest=corpus.manifest, **WORDS)
        with pytest.raises(StaleStoreError, match="kind: stored foreign, now mfcc"):
            build_store(corpus.manifest, tmp_path / "s", "theirs=mfcc")

    def test_again_and_in_parts(self, corpus, matrix, tmp_path):
        for part in (IDS[:4], IDS[2:]):
            rows = [IDS.index(clip_id) for clip_id in part]
            np.savez(tmp_path / "x.npz", X=matrix[rows], ids=np.array(part))
            report = import_embeddings(
                tmp_path / "x.npz", tmp_path / "s", manifest=corpus.manifest, **WORDS
            )
        assert (report.n_new, report.n_reused, report.n_missing) == (2, 2, 0)
        assert stored(tmp_path / "s") == expected(matrix)

    def test_rounded(self, corpus, source, matrix, tmp_path):
        for _ in range(2):
            report = import_embeddings(
                source, tmp_path / "s", manifest=corpus.manifest, storage="float16", **WORDS
            )
        assert report.n_reused == 6
        rounded = matrix.astype(np.float16).astype(np.float32)
        assert stored(tmp_path / "s") == expected(rounded)


class TestWhatIsRefused:
    def refused(self, source, store, corpus=None, error=ForeignEmbeddingsError, **words):
        before = stored(store) if (store / "small" / "theirs").exists() else None
        if corpus is not None:
            words["manifest"] = corpus.manifest
        with pytest.raises(error) as caught:
            import_embeddings(source, store, **{**WORDS, **words})
        if before is None:
            assert not (store / "small" / "theirs").exists()
        else:
            assert stored(store) == before
        return str(caught.value)

    def npz(self, tmp_path, matrix, ids=IDS, **more):
        np.savez(tmp_path / "x.npz", X=matrix, ids=np.array(ids), **more)
        return tmp_path / "x.npz"

    def test_other_numbers_than_those_stored(self, corpus, matrix, tmp_path):
        source = self.npz(tmp_path, matrix)
        import_embeddings(source, tmp_path / "s", manifest=corpus.manifest, **WORDS)
        other = matrix.copy()
        other[4, 2] += 1
        told = self.refused(self.npz(tmp_path, other), tmp_path / "s", corpus, StaleStoreError)
        assert "other embeddings of 1 clips ('clip4')" in told

    def test_another_length_than_that_stored(self, corpus, matrix, tmp_path):
        import_embeddings(
            self.npz(tmp_path, matrix), tmp_path / "s", manifest=corpus.manifest, **WORDS
        )
        source = self.npz(tmp_path, matrix[:, :3])
        told = self.refused(source, tmp_path / "s", corpus, StaleStoreError)
        assert "dim: stored 5, now 3" in told

    @pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
    def test_numbers_that_are_none_by_clip(self, corpus, matrix, tmp_path, bad):
        numbers = matrix.astype(np.float64)
        numbers[3, 1] = bad
        told = self.refused(self.npz(tmp_path, numbers), tmp_path / "s", corpus)
        assert "1 embeddings hold NaN, infinity" in told
        assert "'clip3'" in told

    def test_embeddings_of_no_clip_unless_allowed(self, corpus, matrix, tmp_path):
        source = self.npz(tmp_path, matrix, [*IDS[:5], "stranger"])
        told = self.refused(source, tmp_path / "s", corpus)
        assert "1 of 6 embeddings belong to no clip of the dataset: 'stranger'" in told
        assert "allow_unknown=True" in told
        report = import_embeddings(
            source, tmp_path / "s", manifest=corpus.manifest, allow_unknown=True, **WORDS
        )
        assert (report.n_new, report.n_unknown, report.n_missing) == (5, 1, 1)

    def test_nothing_that_belongs_even_if_allowed(self, corpus, matrix, tmp_path):
        source = self.npz(tmp_path, matrix, [f"x{i}" for i in range(6)])
        told = self.refused(source, tmp_path / "s", corpus, allow_unknown=True)
        assert "6 of 6 embeddings belong to no clip" in told

    def test_two_embeddings_of_one_clip(self, corpus, matrix, tmp_path):
        source = self.npz(tmp_path, matrix, [*IDS[:5], "clip0"])
        assert "clip 'clip0' has two embeddings" in self.refused(source, tmp_path / "s", corpus)

    def test_other_labels_than_the_datasets(self, corpus, matrix, tmp_path):
        labels = np.array(["cry", "laugh", "cry", "sigh", "cry", "laugh"])
        source = self.npz(tmp_path, matrix, labels=labels)
        told = self.refused(source, tmp_path / "s", corpus)
        assert "another label for 1 clips than the dataset: 'clip3'" in told

    def test_one_id_twice_where_the_source_names_the_clips(self, matrix, tmp_path):
        source = self.npz(tmp_path, matrix, [*IDS[:5], "clip0"], labels=np.array(["a"] * 6))
        told = self.refused(source, tmp_path / "s")
        assert "1 ids occur twice: 'clip0'" in told

    def test_no_labels_at_all(self, matrix, tmp_path):
        told = self.refused(self.npz(tmp_path, matrix), tmp_path / "s")
        assert "label" in told
        assert "manifest=" in told

    def test_a_matrix_without_ids(self, corpus, matrix, tmp_path):
        np.save(tmp_path / "x.npy", matrix)
        told = self.refused(tmp_path / "x.npy", tmp_path / "s", corpus)
        assert "ids=" in told

    def test_more_ids_than_rows(self, corpus, matrix, tmp_path):
        np.save(tmp_path / "x.npy", matrix)
        (tmp_path / "i.txt").write_text("\n".join([*IDS, "clip7"]))
        told = self.refused(tmp_path / "x.npy", tmp_path / "s", corpus, ids=tmp_path / "i.txt")
        assert "7 ids for a matrix of 6 rows" in told

    def test_rows_beyond_the_matrix(self, corpus, matrix, tmp_path):
        np.save(tmp_path / "x.npy", matrix)
        (tmp_path / "i.json").write_text(json.dumps({"clip0": 6}))
        told = self.refused(tmp_path / "x.npy", tmp_path / "s", corpus, ids=tmp_path / "i.json")
        assert "beyond the 6 of the matrix" in told

    @pytest.mark.parametrize(
        ("shape", "told"), [((3, 5), "Average it over time first"), ((0,), "expected shape")]
    )
    def test_files_that_hold_no_vector(self, corpus, matrix, tmp_path, shape, told):
        folder = folder_of(tmp_path / "f", [f"{name}.npy" for name in IDS], matrix)
        np.save(folder / "clip2.npy", np.zeros(shape, np.float32))
        shown = self.refused(folder, tmp_path / "s", corpus)
        assert "clip2.npy" in shown
        assert told in shown

    def test_files_of_different_lengths(self, corpus, matrix, tmp_path):
        folder = folder_of(tmp_path / "f", [f"{name}.npy" for name in IDS], matrix)
        np.save(folder / "clip2.npy", np.zeros(4, np.float32))
        shown = self.refused(folder, tmp_path / "s", corpus)
        assert "clip2.npy: 4 numbers (float32); expected 5 (float32), as in clip0.npy" in shown

    def test_an_empty_folder_and_nothing_and_something_else(self, corpus, tmp_path):
        (tmp_path / "f").mkdir()
        assert "no .npy file" in self.refused(tmp_path / "f", tmp_path / "s", corpus)
        assert "no such file" in self.refused(tmp_path / "g", tmp_path / "s", corpus)
        (tmp_path / "x.mat").write_bytes(b"")
        assert "ends in .npy, .npz" in self.refused(tmp_path / "x.mat", tmp_path / "s", corpus)

    def test_words_that_say_nothing(self, corpus, matrix, tmp_path):
        source = self.npz(tmp_path, matrix)
        assert "provenance is empty" in self.refused(source, tmp_path / "s", corpus, provenance=" ")

    def test_names_that_would_leave_the_store(self, corpus, matrix, tmp_path):
        source = self.npz(tmp_path, matrix)
        self.refused(source, tmp_path / "s", corpus, model="../theirs")
        self.refused(source, tmp_path / "s", corpus, dataset="../small")
        assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == ["x.npz"]


class TestHostileSources:
    def refused(self, source, tmp_path, corpus, **words):
        with pytest.raises(RenoStoreError) as caught:
            import_embeddings(source, tmp_path / "s", manifest=corpus.manifest, **WORDS, **words)
        assert not (tmp_path / "s").exists()
        return str(caught.value)

    def test_a_link_out_of_the_folder(self, corpus, matrix, tmp_path):
        folder = folder_of(tmp_path / "f", [f"{name}.npy" for name in IDS[:5]], matrix[:5])
        np.save(tmp_path / "secret.npy", matrix[5])
        (folder / "clip5.npy").symlink_to(tmp_path / "secret.npy")
        assert "leaves the folder" in self.refused(folder, tmp_path, corpus)

    @pytest.mark.parametrize("name", ["../secret.npy", "/etc/passwd"])
    def test_a_table_that_names_files_elsewhere(self, corpus, matrix, tmp_path, name):
        folder = folder_of(tmp_path / "f", [f"{name}.npy" for name in IDS], matrix)
        np.save(tmp_path / "secret.npy", matrix[5])
        files = [f"{clip_id}.npy" for clip_id in IDS[:5]]
        pd.DataFrame({"clip_id": IDS, "file": [*files, name]}).to_csv(
            folder / "clips.csv", index=False
        )
        told = self.refused(folder, tmp_path, corpus)
        assert "leaves the folder" in told or "is absolute" in told

    def test_pickles_are_not_opened(self, corpus, tmp_path):
        class Trap:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "sprung"),)

        np.save(tmp_path / "x.npy", np.array([Trap()], object), allow_pickle=True)
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(Trap()))
        np.savez(tmp_path / "x.npz", X=np.array([[Trap()]], object), ids=np.array(["clip0"]))
        (tmp_path / "i.txt").write_text("clip0")
        for name in ("x.npy", "x.pkl", "x.npz"):
            self.refused(tmp_path / name, tmp_path, corpus, ids=tmp_path / "i.txt")
        assert not (tmp_path / "sprung").exists()

    def header(self, shape):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        header = header.ljust(117) + "\n"
        return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()

    def test_headers_that_claim_terabytes(self, corpus, tmp_path):
        claim = self.header((10**9, 1000)) + bytes(4000)
        (tmp_path / "x.npy").write_bytes(claim)
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("X.npy", claim)
        (tmp_path / "f").mkdir()
        (tmp_path / "f" / "clip0.npy").write_bytes(self.header((10**12,)) + bytes(40))
        (tmp_path / "i.txt").write_text("clip0")
        for name in ("x.npy", "x.npz", "f"):
            self.refused(tmp_path / name, tmp_path, corpus, ids=tmp_path / "i.txt")

    def test_a_zip_that_swells(self, corpus, tmp_path, monkeypatch):
        monkeypatch.setattr("reno_store.exchange.importing.matrices._SWOLLEN_BYTES", 2**20)
        with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("X.npy", self.header((500, 1000)) + bytes(4 * 500_000))
        assert "would grow from" in self.refused(tmp_path / "x.npz", tmp_path, corpus)

    @pytest.mark.parametrize("header", ["(((", "{[]: 1}", f"{{'shape': ({10**30},)}}"])
    def test_headers_that_are_none(self, corpus, tmp_path, header):
        (tmp_path / "f").mkdir()
        text = header.ljust(117) + "\n"
        content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
        (tmp_path / "f" / "clip0.npy").write_bytes(content)
        assert "cannot be read as .npy" in self.refused(tmp_path / "f", tmp_path, corpus)

    def test_an_archive_named_npy(self, corpus, tmp_path):
        (tmp_path / "f").mkdir()
        with (tmp_path / "f" / "clip0.npy").open("wb") as file:
            np.savez(file, X=np.ones((1, 5)))
        assert "it is an archive" in self.refused(tmp_path / "f", tmp_path, corpus)

    @pytest.mark.parametrize(
        "content",
        [
            "[" * 200_000,
            "{}",
            '{"clip0": 0, "clip0": 1}',
            '{"clip0": 0, "clip1": 0}',
            '{"clip0": true}',
            '[{"clip0": 1}]',
            "7",
            '["clip0", "\\ud800"]',
        ],
    )
    def test_lists_of_ids_that_are_none(self, corpus, matrix, tmp_path, content):
        np.save(tmp_path / "x.npy", matrix[:2])
        (tmp_path / "i.json").write_text(content)
        self.refused(tmp_path / "x.npy", tmp_path, corpus, ids=tmp_path / "i.json")

    @given(
        garbage=st.binary(max_size=300),
        ending=st.sampled_from([".npy", ".npz", ".parquet", ".safetensors"]),
    )
    @settings(max_examples=60, deadline=None)
    def test_garbage_is_an_error(self, corpus, tmp_path_factory, garbage, ending):
        folder = tmp_path_factory.mktemp("garbage")
        (folder / f"x{ending}").write_bytes(garbage)
        (folder / "i.txt").write_text("clip0")
        self.refused(folder / f"x{ending}", folder, corpus, ids=folder / "i.txt")


class TestTables:
    """Parquet and CSV: what is a number of an embedding, and what is not."""

    def frame(self, matrix, **more):
        frame = pd.DataFrame(matrix, columns=[f"e{i}" for i in range(5)])
        for name, values in {"clip_id": IDS, **more}.items():
            frame[name] = values
        return frame

    def imported(self, frame, tmp_path, corpus, **words):
        pytest.importorskip("pyarrow")
        frame.to_parquet(tmp_path / "x.parquet", index=frame.index.name is not None)
        return import_embeddings(
            tmp_path / "x.parquet", tmp_path / "s", manifest=corpus.manifest, **WORDS, **words
        )

    def refused(self, frame, tmp_path, corpus, **words):
        with pytest.raises(ForeignEmbeddingsError) as caught:
            self.imported(frame, tmp_path, corpus, **words)
        return str(caught.value)

    def test_labels_and_speakers_that_are_numbers_are_no_part_of_the_embedding(
        self, corpus, matrix, tmp_path
    ):
        told = self.refused(self.frame(matrix, label=[0, 1] * 3), tmp_path, corpus)
        assert "another label for 6 clips" in told

    def test_other_numbers_beside_the_embedding_are_named(self, corpus, matrix, tmp_path):
        frame = self.frame(matrix, duration_s=np.arange(6.0), fold=1)
        told = self.refused(frame, tmp_path, corpus)
        assert "'duration_s', 'fold' are numbers but" in told
        self.imported(frame, tmp_path, corpus, array="e")
        assert stored(tmp_path / "s") == expected(matrix)

    def test_a_lost_column_is_noticed(self, corpus, matrix, tmp_path):
        frame = self.frame(matrix).drop(columns="e2")
        assert "are numbers but" in self.refused(frame, tmp_path, corpus)

    def test_a_column_of_lists(self, corpus, matrix, tmp_path):
        frame = pd.DataFrame({"clip_id": IDS, "embedding": list(matrix), "duration_s": 1.0})
        self.imported(frame, tmp_path, corpus)
        assert stored(tmp_path / "s") == expected(matrix)

    def test_whole_numbers_are_ids(self, matrix, tmp_path):
        pytest.importorskip("pyarrow")
        frame = self.frame(matrix, clip_id=range(6), label=["a", "b"] * 3)
        frame.to_parquet(tmp_path / "x.parquet", index=False)
        import_embeddings(tmp_path / "x.parquet", tmp_path / "s", **WORDS)
        assert StoreReader(tmp_path / "s").texts("small", "clip_id") == list("012345")

    def test_a_column_of_ids_comes_before_an_index(self, corpus, matrix, tmp_path):
        frame = self.frame(matrix)
        frame.index.name = "row"
        self.imported(frame, tmp_path, corpus)
        assert stored(tmp_path / "s") == expected(matrix)

    def test_what_is_missing_is_unknown_and_no_name(self, matrix, tmp_path):
        pytest.importorskip("pyarrow")
        frame = self.frame(matrix, label=["a", "b"] * 3, speaker=["s", None] * 3)
        frame.to_parquet(tmp_path / "x.parquet", index=False)
        import_embeddings(tmp_path / "x.parquet", tmp_path / "s", **WORDS)
        assert StoreReader(tmp_path / "s").texts("small", "speaker") == ["s", ""] * 3

    @pytest.mark.parametrize("name", ["clip_id", "label"])
    def test_missing_ids_and_labels_are_refused(self, matrix, tmp_path, name):
        pytest.importorskip("pyarrow")
        more = {"clip_id": list(IDS), "label": ["a", "b"] * 3}
        more[name][2] = None
        self.frame(matrix, **more).to_parquet(tmp_path / "x.parquet", index=False)
        with pytest.raises(ForeignEmbeddingsError, match=r"row 2 has no id|label of some clips"):
            import_embeddings(tmp_path / "x.parquet", tmp_path / "s", **WORDS)
        assert not (tmp_path / "s").exists()

    def test_a_comma_at_each_lines_end_shifts_nothing(self, corpus, matrix, tmp_path):
        np.save(tmp_path / "x.npy", matrix)
        lines = ["clip_id,note,", *(f"{clip_id},x," for clip_id in IDS)]
        (tmp_path / "i.csv").write_text("\n".join(lines))
        import_embeddings(
            tmp_path / "x.npy",
            tmp_path / "s",
            ids=tmp_path / "i.csv",
            manifest=corpus.manifest,
            **WORDS,
        )
        assert stored(tmp_path / "s") == expected(matrix)

    def test_spaces_are_taken_off_and_control_characters_refused(self, matrix, tmp_path):
        labels = np.array(["a", "b"] * 3)
        padded = np.array([f" {name} " for name in IDS])
        np.savez(tmp_path / "x.npz", X=matrix, ids=padded, labels=labels)
        import_embeddings(tmp_path / "x.npz", tmp_path / "s", **WORDS)
        assert StoreReader(tmp_path / "s").texts("small", "clip_id") == IDS
        np.savez(tmp_path / "x.npz", X=matrix, ids=np.array([*IDS[:5], "a\nb"]), labels=labels)
        with pytest.raises(ForeignEmbeddingsError, match=r"row 5: 'a.nb' contains a control"):
            import_embeddings(tmp_path / "x.npz", tmp_path / "t", **WORDS)


def test_what_an_option_would_not_do_is_refused(corpus, matrix, tmp_path):
    np.savez(tmp_path / "x.npz", X=matrix, ids=np.array(IDS))
    np.save(tmp_path / "x.npy", matrix)
    (tmp_path / "i.txt").write_text("\n".join(reversed(IDS)))
    folder = folder_of(tmp_path / "f", [f"{name}.npy" for name in IDS], matrix)
    for source, option in (
        (tmp_path / "x.npz", {"ids": tmp_path / "i.txt"}),
        (tmp_path / "x.npy", {"ids": tmp_path / "i.txt", "array": "X"}),
        (folder, {"ids": tmp_path / "i.txt"}),
        (folder, {"array": "X"}),
    ):
        with pytest.raises(ForeignEmbeddingsError, match=r"ids and array|one array|has ids itself"):
            import_embeddings(source, tmp_path / "s", manifest=corpus.manifest, **WORDS, **option)


def test_files_that_a_table_does_not_name_are_told(corpus, matrix, tmp_path):
    folder = folder_of(tmp_path / "f", [f"{name}.npy" for name in IDS], matrix)
    pd.DataFrame({"clip_id": IDS[:5], "file": [f"{name}.npy" for name in IDS[:5]]}).to_csv(
        folder / "clips.csv", index=False
    )
    with pytest.raises(ForeignEmbeddingsError, match=r"does not name 1 .npy files .*'clip5.npy'"):
        import_embeddings(folder, tmp_path / "s", manifest=corpus.manifest, **WORDS)


class TestOtherProcesses:
    """What others do between the checks and the writing."""

    @pytest.fixture
    def source(self, matrix, tmp_path):
        np.savez(tmp_path / "x.npz", X=matrix, ids=np.array(IDS))
        return tmp_path / "x.npz"

    def meanwhile(self, monkeypatch, act):
        real = StoreWriter.model

        def model_of(self, dataset, model):
            monkeypatch.setattr(StoreWriter, "model", real)
            act()
            return real(self, dataset, model)

        monkeypatch.setattr(StoreWriter, "model", model_of)

    def test_a_dataset_made_anew_with_other_rows(self, corpus, source, tmp_path, monkeypatch):
        build_store(corpus.manifest, tmp_path / "s", "mfcc")

        def make_anew():
            with StoreWriter.open(tmp_path / "s") as writer:
                table = writer.reader.table("small")
                writer.remove_dataset("small")
                writer.put_clips("small", {name: each[::-1] for name, each in table.items()})

        self.meanwhile(monkeypatch, make_anew)
        with pytest.raises(StaleStoreError, match="removed or rebuilt"):
            import_embeddings(source, tmp_path / "s", **WORDS)
        assert StoreReader(tmp_path / "s").models("small") == ()

    def test_other_numbers_under_the_same_name(self, corpus, matrix, source, tmp_path, monkeypatch):
        np.savez(tmp_path / "y.npz", X=matrix[:1] + 1, ids=np.array(IDS[:1]))
        build_store(corpus.manifest, tmp_path / "s", "mfcc")
        self.meanwhile(
            monkeypatch, lambda: import_embeddings(tmp_path / "y.npz", tmp_path / "s", **WORDS)
        )
        with pytest.raises(StaleStoreError, match="other embeddings of 1 clips"):
            import_embeddings(source, tmp_path / "s", **WORDS)

    def test_a_recording_that_is_taken_over(self, corpus, source, tmp_path, monkeypatch):
        build_store(corpus.manifest, tmp_path / "s", "mfcc")

        def take_over():
            with StoreWriter.open(tmp_path / "s") as writer:
                table = writer.reader.table("small")
                table["audio_sha256"][2] = "f" * 64
                writer.put_clips("small", table, refresh={"audio"})

        self.meanwhile(monkeypatch, take_over)
        with pytest.raises(StaleStoreError, match="changed by another process"):
            import_embeddings(source, tmp_path / "s", **WORDS)


def test_a_refused_import_leaves_a_linked_store_and_its_own_error(corpus, matrix, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    np.savez(tmp_path / "x.npz", X=matrix * np.nan, ids=np.array(IDS))
    with pytest.raises(ForeignEmbeddingsError, match="hold NaN"):
        import_embeddings(tmp_path / "x.npz", tmp_path / "link", manifest=corpus.manifest, **WORDS)
    assert list((tmp_path / "real").iterdir()) == []


def test_clips_without_recordings_are_told_when_recordings_are_verified(matrix, tmp_path):
    np.savez(tmp_path / "x.npz", X=matrix, ids=np.array(IDS), labels=np.array(["a", "b"] * 3))
    import_embeddings(tmp_path / "x.npz", tmp_path / "s", **WORDS)
    (finding,) = verify_store(tmp_path / "s", audio_folder=tmp_path).findings
    assert "no paths" in finding.problem


def test_names_that_several_clips_share_match_nothing():
    clips = {"clip_id": ["a", "b"], "path": ["x/1.wav", "y/1.wav"]}
    with pytest.raises(ForeignEmbeddingsError, match="1 of 1 embeddings fit several clips: '1'"):
        match_clips(["1"], clips, allow_unknown=True)


def test_a_name_that_spells_out_another_clip_fits_both():
    with pytest.raises(ForeignEmbeddingsError, match="fit several clips"):
        match_clips(["a%2Fb"], {"clip_id": ["a/b", "a%2Fb"]})


def test_a_way_in_which_all_match_comes_before_a_mixture():
    clips = {"clip_id": ["1", "2"], "path": ["2.wav", "1.wav"]}
    assert match_clips(["1.wav", "2.wav"], clips) == ({0: "2", 1: "1"}, "path")
    assert match_clips(["1", "2"], clips) == ({0: "1", 1: "2"}, "clip id")


def test_the_command_says_what_it_did(corpus, matrix, tmp_path):
    np.savez(tmp_path / "x.npz", X=matrix[:4], ids=np.array([*IDS[:3], "stranger"]))
    words = [
        "import",
        tmp_path / "x.npz",
        "--store",
        tmp_path / "s",
        "--dataset",
        "small",
        "--model",
        "theirs",
        "--provenance",
        "trial",
        "--manifest",
        corpus.manifest,
    ]
    shown = CliRunner().invoke(main, [str(word) for word in [*words, "--allow-unknown"]])
    assert shown.exit_code == 0, shown.output
    assert "small, theirs: 3 new, 0 existing, 3 clips without" in shown.output
    assert "matched by clip id: clip0 is clip clip0, for example" in shown.output
    assert "left out: 1 embeddings of clips that the dataset lacks" in shown.output
    shown = CliRunner().invoke(main, [str(word) for word in words])
    assert shown.exit_code == 1
    assert "belong to no clip" in shown.output


class TestSpeakersThatComeLater:
    """A store whose clips have no speakers, and a manifest or a file that has them."""

    @pytest.fixture
    def anonymous(self, corpus, tmp_path):
        lines = corpus.manifest.read_text().splitlines()
        rows = [[*line.split(",")[:3], ""] for line in lines[1:]]
        manifest = write_manifest_csv(tmp_path / "anonymous.csv", rows)
        options = {"dataset": "small", "audio_folder": corpus.folder}
        build_store(manifest, tmp_path / "s", "mfcc", **options)
        return tmp_path / "s"

    @pytest.fixture
    def theirs(self, matrix, tmp_path):
        np.savez(tmp_path / "x.npz", clip_ids=IDS, X=matrix)
        return tmp_path / "x.npz"

    def test_a_manifest_that_has_them_is_refused_with_what_to_add(self, corpus, anonymous, theirs):
        with pytest.raises(StaleStoreError, match="speakers changed: 6 clips") as caught:
            import_embeddings(theirs, anonymous, manifest=corpus.manifest, **WORDS)
        assert "refresh='labels'" in str(caught.value)
        assert StoreReader(anonymous).models("small") == ("mfcc",)

    def test_they_are_taken_over_when_asked(self, corpus, anonymous, theirs, matrix):
        options = {"manifest": corpus.manifest, "refresh": "labels"}
        import_embeddings(theirs, anonymous, **options, **WORDS)
        assert StoreReader(anonymous).texts("small", "speaker") == [
            "s0",
            "s0",
            "s1",
            "s1",
            "s2",
            "s2",
        ]
        assert stored(anonymous) == expected(matrix)
        # What was there stays: nothing is computed again.
        assert StoreReader(anonymous).done("small", "mfcc").all()

    def test_those_that_the_file_itself_tells_are_taken_over_when_asked(
        self, anonymous, matrix, tmp_path
    ):
        speakers = ["a", "a", "b", "b", "", "c"]
        np.savez(tmp_path / "y.npz", clip_ids=IDS, X=matrix, speakers=speakers)
        with pytest.raises(ForeignEmbeddingsError, match=r"another speaker .* refresh='labels'"):
            import_embeddings(tmp_path / "y.npz", anonymous, **WORDS)
        import_embeddings(tmp_path / "y.npz", anonymous, refresh=["labels"], **WORDS)
        assert StoreReader(anonymous).texts("small", "speaker") == speakers
        assert StoreReader(anonymous).texts("small", "label") == ["cry", "laugh"] * 3

    def test_the_command_has_the_option(self, corpus, anonymous, theirs):
        words = f"import {theirs} --store {anonymous} --manifest {corpus.manifest} --dataset small"
        words = [*words.split(), "--model", "theirs", "--provenance", "p"]
        assert "--refresh labels" in CliRunner().invoke(main, words).output
        result = CliRunner().invoke(main, [*words, "--refresh", "labels"])
        assert result.exit_code == 0, result.output
        assert "6 new" in result.output

    def test_nothing_else_can_be_refreshed(self, anonymous, theirs):
        with pytest.raises(UnknownNameError, match="Choices: labels"):
            import_embeddings(theirs, anonymous, refresh="audio", **WORDS)
