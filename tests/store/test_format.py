"""The store on disk, read without this package."""

import warnings

import numpy as np
import pytest
import xarray
import zarr
from factories.corpora import make_corpus

from reno_store.extraction.build import build_store
from reno_store.samples import open_store


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("format")
    build_store(make_corpus(folder).manifest, folder / "s.zarr", ["mfcc", "logmel"])
    return folder / "s.zarr"


def test_the_layout_is_the_one_that_is_promised(path):
    root = zarr.open_group(path, mode="r")
    assert root.metadata.zarr_format == 3
    assert dict(root.attrs) == {"reno_store": {"format_version": 3}}
    assert sorted(name for name, _ in root.members(max_depth=None)) == [
        "small",
        "small/audio_sha256",
        "small/audio_sha256_bytes",
        "small/clip_id",
        "small/clip_id_hash",
        "small/label",
        "small/logmel",
        "small/logmel/done",
        "small/logmel/embedding",
        "small/mfcc",
        "small/mfcc/done",
        "small/mfcc/embedding",
        "small/path",
        "small/speaker",
    ]
    assert dict(root["small"].attrs) == {"n_clips": 6}
    assert root["small/mfcc/embedding"].metadata.dimension_names == ("clip", "feature")
    assert root["small/mfcc/embedding"].dtype == np.float32
    for column in ("clip_id", "label", "speaker", "mfcc/done"):
        assert root[f"small/{column}"].metadata.dimension_names == ("clip",)


def test_the_fingerprint_is_readable_in_parts(path):
    fingerprint = zarr.open_group(path, mode="r")["small/mfcc"].attrs["fingerprint"]
    assert sorted(fingerprint) == [
        "code",
        "kind",
        "layer",
        "pooling",
        "precision",
        "preprocessing",
        "weights",
    ]


def test_plain_zarr_reads_what_load_gives(path):
    samples = open_store(path).load("small", ["mfcc", "logmel"])
    root = zarr.open_group(path, mode="r")
    both = [root[f"small/{model}/embedding"][:] for model in ("mfcc", "logmel")]
    np.testing.assert_array_equal(np.concatenate(both, axis=1), samples.X)
    assert root["small/clip_id"][:].tolist() == samples.clip_ids.tolist()
    assert root["small/label"][:].tolist() == samples.y.tolist()


def test_plain_zarr_opens_every_group_without_a_warning(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(zarr.open_group(path, mode="r").members(max_depth=None))


def test_xarray_reads_models_and_clip_table(path):
    with xarray.open_zarr(path, group="small/mfcc", consolidated=False) as model:
        assert model["embedding"].dims == ("clip", "feature")
        assert model["embedding"].shape == (6, 120)
        assert bool(model["done"].all())
    with xarray.open_zarr(path, group="small", consolidated=False) as clips:
        assert clips["clip_id"].dims == ("clip",)
        assert clips["label"].values.tolist()[:2] == ["cry", "laugh"]
