"""Damage is seen, named by dataset, model and rows, and what can be made again is marked."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from factories.corpora import make_corpus
from factories.recordings import write_wav
from factories.stores import assert_stores_equal

from reno_store.errors import ManifestError, StoreError, UnknownNameError
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store

N_CLIPS = 300  # two chunks of 256 rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    corpus = make_corpus(folder, N_CLIPS)
    build_store(corpus.manifest, folder / "s.zarr", ["mfcc", "logmel"])
    return corpus, folder / "s.zarr"


@pytest.fixture
def store(whole, tmp_path):
    import shutil

    return shutil.copytree(whole[1], tmp_path / "s.zarr")


def chunk(store, index=0, model="mfcc"):
    return store / "small" / model / "embedding" / "c" / str(index) / "0"


def flip(path, byte=100):
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-50])


def empty(path):
    path.write_bytes(b"")


def test_a_sound_store_has_no_findings(whole):
    corpus, store = whole
    found = verify_store(store, audio_folder=corpus.folder)
    assert found.is_sound
    assert found.findings == ()
    assert (found.n_embeddings, found.n_missing) == (2 * N_CLIPS, 0)
    assert found.n_recordings == N_CLIPS


@pytest.mark.parametrize("spoil", [flip, truncate, empty])
@pytest.mark.parametrize(("index", "rows"), [(0, "rows 0 to 255"), (1, "rows 256 to 299")])
def test_a_damaged_chunk_is_named_by_its_rows_and_never_read(store, spoil, index, rows):
    spoil(chunk(store, index))
    (finding,) = verify_store(store).findings
    assert (finding.dataset, finding.model, finding.repaired) == ("small", "mfcc", False)
    assert finding.problem.startswith(rows)
    with pytest.raises(StoreError, match=f"dataset 'small', model 'mfcc': damaged: {rows}"):
        open_store(store).load("small", "mfcc")
    assert open_store(store).load("small", "logmel").X.shape == (N_CLIPS, 240)


def test_every_single_bit_of_a_chunks_first_and_last_bytes_counts(store):
    path = chunk(store, 1)
    content = path.read_bytes()
    for byte in (0, 3, len(content) - 5, len(content) - 1):
        for bit in range(8):
            spoilt = bytearray(content)
            spoilt[byte] ^= 1 << bit
            path.write_bytes(spoilt)
            assert len(verify_store(store).findings) == 1, (byte, bit)


def test_a_lost_chunk_is_named_by_its_rows(store):
    chunk(store, 0).unlink()
    (finding,) = verify_store(store).findings
    assert finding.problem.startswith("rows 0 to 255 (no finite numbers: lost")


def test_numbers_that_are_not_finite_are_named_by_their_rows(store):
    array = zarr.open_group(store, mode="r+")["small/mfcc/embedding"]
    array[7, 3] = np.inf
    array[8, 119] = np.nan
    (finding,) = verify_store(store).findings
    assert finding.problem.startswith("rows 7 to 8 (no finite numbers")


@pytest.mark.parametrize("spoil", [flip, truncate, empty, Path.unlink])
def test_a_repaired_store_is_built_to_what_it_was(whole, store, spoil):
    corpus, before = whole
    spoil(chunk(store, 1))
    spoil(chunk(store, 0, "logmel"))
    found = verify_store(store, repair=True)
    assert found.is_sound
    assert {finding.model for finding in found.findings} == {"mfcc", "logmel"}
    assert all(finding.repaired for finding in found.findings)
    after = verify_store(store)
    assert after.findings == ()
    assert after.n_missing == 44 + 256
    report = build_store(corpus.manifest, store, ["mfcc", "logmel"])
    assert [model.n_new for model in report.models] == [44, 256]
    assert_stores_equal(store, before)


def test_a_store_whose_only_chunk_is_lost_is_repaired_whole(tmp_path):
    corpus = make_corpus(tmp_path)
    for name in ("s.zarr", "before.zarr"):
        build_store(corpus.manifest, tmp_path / name, ["mfcc"])
    chunk(tmp_path / "s.zarr").unlink()
    (finding,) = verify_store(tmp_path / "s.zarr", repair=True).findings
    assert finding.problem.startswith("rows 0 to 5 ")
    after = verify_store(tmp_path / "s.zarr")
    assert (after.findings, after.n_missing) == ((), 6)
    assert build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"]).models[0].n_new == 6
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "before.zarr")


def test_damaged_marks_are_repaired_by_computing_the_model_again(whole, store):
    corpus, before = whole
    flip(store / "small" / "mfcc" / "done" / "c" / "0", 3)
    found = verify_store(store)
    assert not found.is_sound
    assert verify_store(store, repair=True).is_sound
    after = verify_store(store)
    assert (after.findings, after.n_missing) == ((), N_CLIPS)
    build_store(corpus.manifest, store, ["mfcc", "logmel"])
    assert_stores_equal(store, before)


def test_damage_in_a_chunk_of_which_nothing_counts_is_mended_too(whole, store):
    """A kill between the marks and the chunk leaves it; no build could write into it."""
    corpus, before = whole
    flip(chunk(store, 1))
    zarr.open_group(store, mode="r+")["small/mfcc/done"][256:] = False
    assert len(verify_store(store, repair=True).findings) == 1
    build_store(corpus.manifest, store, ["mfcc", "logmel"])
    assert_stores_equal(store, before)


def test_missing_embeddings_are_counted_and_are_no_damage(tmp_path):
    corpus = make_corpus(tmp_path)
    corpus.recording("clip2").write_text("no sound")
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    found = verify_store(tmp_path / "s.zarr")
    assert found.is_sound
    assert (found.n_embeddings, found.n_missing) == (5, 1)


def test_a_damaged_column_is_named_and_cannot_be_repaired(store):
    flip(store / "small" / "label" / "c" / "0", 10)
    found = verify_store(store, repair=True)
    assert not found.is_sound
    (finding,) = found.findings
    assert finding.model == ""
    assert "column 'label': damaged" in finding.problem


def test_a_fingerprint_that_is_lost_is_named(store):
    group = zarr.open_group(store, mode="r+")["small/mfcc"]
    del group.attrs["fingerprint"]
    (finding,) = verify_store(store).findings
    assert (finding.model, "has no fingerprint" in finding.problem) == ("mfcc", True)


def test_changed_and_lost_recordings_are_named(tmp_path):
    corpus = make_corpus(tmp_path)
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    write_wav(corpus.recording("clip1"), seed=77)
    corpus.recording("clip4").unlink()
    problems = [
        each.problem
        for each in verify_store(tmp_path / "s.zarr", audio_folder=corpus.folder).findings
    ]
    assert len(problems) == 2
    assert problems[0].startswith("clip 'clip1': ")
    assert problems[0].endswith("has changed since")
    assert "clip 'clip4': " in problems[1]
    assert "no such file" in problems[1]


def test_paths_of_a_hostile_store_do_not_lead_out_of_the_folder(tmp_path):
    corpus = make_corpus(tmp_path)
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    (tmp_path / "secret").write_text("secret")
    zarr.open_group(tmp_path / "s.zarr", mode="r+")["small/path"][2] = "../secret"
    (finding,) = verify_store(tmp_path / "s.zarr", audio_folder=corpus.folder).findings
    assert "leaves the folder" in finding.problem


def test_one_dataset_alone(store):
    flip(chunk(store))
    assert len(verify_store(store, dataset="small").findings) == 1
    with pytest.raises(UnknownNameError, match="'smal'; did you mean 'small'"):
        verify_store(store, dataset="smal")


def test_what_is_not_there_is_refused(store, tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        verify_store(tmp_path / "nothing")
    with pytest.raises(ManifestError, match=r"audio folder .* does not exist"):
        verify_store(store, audio_folder=tmp_path / "nowhere")
