"""What others put into a dataset's group stays there and is no damage."""

import numpy as np
import pytest
import zarr
from factories.corpora import make_corpus
from factories.stores import contents

from reno_store.errors import StoreError
from reno_store.exchange.merging import merge_stores
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter, check_names

CLIP = {"dimension_names": ("clip",)}
FOREIGN = {
    "tsne": (np.arange(12, dtype=np.float32).reshape(6, 2), {}),
    "age": (np.arange(6), CLIP),
    "is_loud": (np.ones(6, bool), CLIP),
    "code": (np.array(["a"] * 6, "U3"), CLIP),
    "words": (np.array([["a", "b"]] * 6, np.dtypes.StringDType()), {}),
    "vocabulary": (np.array(["x", "y"], np.dtypes.StringDType()), {"dimension_names": ("word",)}),
}


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path)


@pytest.fixture
def store(corpus, tmp_path):
    path = tmp_path / "s.zarr"
    build_store(corpus.manifest, path, "mfcc")
    group = zarr.open_group(path, mode="r+")["small"]
    for name, (values, options) in FOREIGN.items():
        group.create_array(name, data=values, **options)
    return path


def foreign(path):
    return {name: contents(path)[f"small/{name}"].tolist() for name in FOREIGN}


@pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::zarr.errors.UnstableSpecificationWarning"
)
class TestWithArraysOfOthers:
    def test_verify_finds_nothing_and_repairs_nothing(self, store):
        before = foreign(store)
        assert verify_store(store, repair=True).findings == ()
        assert foreign(store) == before

    def test_a_build_goes_on_and_leaves_them_as_they_are(self, corpus, store):
        before = foreign(store)
        build_store(corpus.manifest, store, ["mfcc", "logmel"], refresh="all")
        assert StoreReader(store).models("small") == ("logmel", "mfcc")
        assert foreign(store) == before

    def test_they_are_no_columns(self, store):
        assert set(StoreReader(store).columns("small")).isdisjoint(FOREIGN)
        assert open_store(store).load("small", "mfcc").X.shape == (6, 120)

    def test_a_merge_does_not_bring_them(self, store, tmp_path):
        merge_stores(store, tmp_path / "other.zarr")
        assert verify_store(tmp_path / "other.zarr").findings == ()
        assert set(StoreReader(tmp_path / "other.zarr").columns("small")).isdisjoint(FOREIGN)

    def test_a_model_or_column_of_the_same_name_is_refused(self, store):
        with StoreWriter.open(store) as writer:
            for columns, models in [(["tsne"], []), ([], ["tsne"])]:
                with pytest.raises(StoreError, match="an array 'tsne' that is not reno-store's"):
                    check_names(writer.reader, "small", columns, models)


@pytest.mark.parametrize("column", ["label", "path"])
def test_a_column_with_damaged_metadata_is_still_damage(corpus, tmp_path, column):
    path = tmp_path / "s.zarr"
    build_store(corpus.manifest, path, "mfcc")
    (path / "small" / column / "zarr.json").write_text("{")
    assert not verify_store(path).is_sound


def test_an_identity_column_of_numbers_is_damage(corpus, tmp_path):
    path = tmp_path / "s.zarr"
    build_store(corpus.manifest, path, "mfcc")
    group = zarr.open_group(path, mode="r+")["small"]
    group.create_array("label", data=np.arange(6), overwrite=True, **CLIP)
    assert "label" in StoreReader(path).columns("small")
