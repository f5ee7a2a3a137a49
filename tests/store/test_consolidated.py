"""Consolidated metadata, which zarr believes and this package does not."""

import json

import numpy as np
import pytest
import zarr
from factories.checkpoints import write_checkpoint
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal

from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter

pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata:UserWarning")

GROUPS = ["", "small", "small/tiny"]


def consolidate(store, group=""):
    zarr.consolidate_metadata(store, path=group or None)
    assert "consolidated_metadata" in metadata(store, group)


def metadata(store, group=""):
    return json.loads((store / group / "zarr.json").read_bytes())


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path)


class TestAModelThatChangesThereAndBack:
    """The copy of the first model's fingerprint must not pass for the second's."""

    def build(self, corpus, folder, seed, **options):
        checkpoint = write_checkpoint(folder / "tiny", "hubert", seed=seed)
        return build_store(corpus.manifest, folder / "s.zarr", [f"tiny=hf:{checkpoint}"], **options)

    @pytest.mark.parametrize("group", GROUPS)
    def test_rows_are_always_those_of_the_fingerprint(self, corpus, tmp_path, group):
        self.build(corpus, tmp_path, 1)
        first = open_store(tmp_path / "s.zarr").load("small", "tiny").X
        consolidate(tmp_path / "s.zarr", group)
        self.build(corpus, tmp_path, 2, refresh="model")
        second = open_store(tmp_path / "s.zarr").load("small", "tiny").X
        assert not np.allclose(first, second)
        report = self.build(corpus, tmp_path, 1, refresh="model")
        assert [model.n_new for model in report.models] == [6]
        np.testing.assert_array_equal(
            open_store(tmp_path / "s.zarr").load("small", "tiny").X, first
        )


@pytest.mark.parametrize("group", ["", "small", "small/mfcc"])
def test_what_is_built_after_it_is_the_same_as_without_it(corpus, tmp_path, group):
    store, whole = tmp_path / "s.zarr", tmp_path / "whole.zarr"
    build_store(corpus.manifest, store, "mfcc")
    consolidate(store, group)
    build_store(corpus.manifest, store, ["mfcc", "logmel"])
    build_store(corpus.manifest, whole, ["mfcc", "logmel"])
    assert StoreReader(store).models("small") == ("logmel", "mfcc")
    assert verify_store(store).is_sound
    # Plain zarr reads everything too: the copies are gone.
    assert_stores_equal(store, whole)
    for each in ("", "small", "small/mfcc"):
        assert metadata(store, each) == metadata(whole, each)


@pytest.mark.parametrize("group", ["", "small", "small/mfcc"])
def test_a_copy_that_is_out_of_date_is_not_read(corpus, tmp_path, group):
    store = tmp_path / "s.zarr"
    build_store(corpus.manifest, store, "mfcc")
    consolidate(store, group)
    whole = StoreReader(store).embeddings("small", "mfcc", np.arange(6))
    stale = metadata(store, group)
    _edit(stale["consolidated_metadata"]["metadata"])
    (store / group / "zarr.json").write_text(json.dumps(stale))
    reader = StoreReader(store)
    assert reader.n_clips("small") == 6
    assert reader.fingerprint("small", "mfcc")["kind"] == "mfcc"
    np.testing.assert_array_equal(reader.embeddings("small", "mfcc", np.arange(6)), whole)


def _edit(copies):
    """Make a copy say other numbers of rows, other fingerprints."""
    for node in copies.values():
        node["attributes"] = {"n_clips": 2, "fingerprint": {"kind": "stale"}}
        if node["node_type"] == "array":
            node["shape"] = [2, *node["shape"][1:]]


def test_one_that_is_made_during_a_build_does_not_stay(corpus, tmp_path):
    store = tmp_path / "s.zarr"
    build_store(corpus.manifest, store, "mfcc")
    with StoreWriter.open(store):
        consolidate(store)
    assert "consolidated_metadata" not in metadata(store)


def test_a_removed_model_is_removed_from_the_copies_too(corpus, tmp_path):
    store = tmp_path / "s.zarr"
    build_store(corpus.manifest, store, ["mfcc", "logmel"])
    consolidate(store)
    consolidate(store, "small")
    with StoreWriter.open(store) as writer:
        writer.remove_model("small", "mfcc")
    members = dict(zarr.open_group(store, mode="r")["small"].members())
    assert "mfcc" not in members
    assert "logmel" in members
