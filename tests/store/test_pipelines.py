"""Checksums are checked by whatever codec pipeline the environment or zarr.config names."""

import shutil

import numpy as np
import pytest
import zarr
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.registry import register_pipeline

from reno_store.errors import StoreError
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.samples import open_store


class Blind(BatchedCodecPipeline):
    """Reads fill values and writes nothing: what it is let near is wrong."""

    async def read(self, batch_info, out, drop_axes=()):
        out[...] = np.zeros((), out.dtype)

    async def write(self, batch_info, value, drop_axes=()):
        pass


register_pipeline(Blind)
BLIND = f"{Blind.__module__}.{Blind.__qualname__}"


@pytest.fixture(params=["environment", "zarr.config", "not there"])
def foreign_pipeline(request, monkeypatch):
    """Another pipeline is configured in one of the ways that zarr has."""
    path = "a_package.that_is_not_there" if request.param == "not there" else BLIND
    if request.param == "environment":
        monkeypatch.setenv("ZARR_CODEC_PIPELINE__PATH", path)
        zarr.config.refresh()
        yield path
        monkeypatch.undo()
        zarr.config.refresh()
    else:
        with zarr.config.set({"codec_pipeline.path": path}):
            yield path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "s.zarr"
    build_store(corpus.manifest, path, ["mfcc", "logmel"])
    return path


@pytest.fixture
def store(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "s.zarr")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_sound_store_reads_the_same(foreign_pipeline, whole, store):
    found = verify_store(store)
    assert (found.findings, found.n_embeddings, found.n_missing) == ((), 12, 0)
    samples = open_store(store).load("small", ["mfcc", "logmel"])
    assert samples.clip_ids.tolist() == [f"clip{i}" for i in range(6)]
    # And leaves what is configured as it is.
    assert zarr.config.get("codec_pipeline.path") == foreign_pipeline


@pytest.mark.parametrize("array", ["mfcc/done", "mfcc/embedding", "label", "clip_id"])
def test_a_flipped_bit_is_found(foreign_pipeline, store, array):
    (chunk,) = (path for path in (store / "small" / array / "c").rglob("*") if path.is_file())
    flip(chunk)
    found = verify_store(store)
    assert not found.is_sound
    with pytest.raises(StoreError, match="damaged"):
        open_store(store).load("small", "mfcc")


def test_what_is_written_is_the_same(foreign_pipeline, corpus, whole, tmp_path):
    with zarr.config.set({"codec_pipeline.path": foreign_pipeline}):
        build_store(corpus.manifest, tmp_path / "new.zarr", ["mfcc", "logmel"])
    with zarr.config.set({"codec_pipeline.path": _own()}):
        assert_stores_equal(tmp_path / "new.zarr", whole)


def test_a_sharded_array_is_read_by_the_own_pipeline_too(foreign_pipeline, store):
    """Zarr asks for the pipeline of what lies inside a shard only when that is read."""
    with zarr.config.set({"codec_pipeline.path": _own()}):
        group = zarr.open_group(store, mode="r+", use_consolidated=False)["small/mfcc"]
        for name in ("done", "embedding"):
            array = group[name]
            values, shape = array[...], array.shape
            attributes, names = dict(array.attrs), array.metadata.dimension_names
            group.create_array(
                name,
                data=values,
                chunks=(3, *shape[1:]),
                shards=(6, *shape[1:]),
                attributes=attributes,
                dimension_names=names,
                overwrite=True,
            )
    assert verify_store(store).n_embeddings == 12
    assert open_store(store).load("small", "mfcc").X.any(axis=1).all()


def _own():
    return f"{BatchedCodecPipeline.__module__}.{BatchedCodecPipeline.__qualname__}"


def test_zarrs_is_not_used(store, monkeypatch):
    zarrs = pytest.importorskip("zarrs")
    with zarr.config.set({"codec_pipeline.path": f"{zarrs.__name__}.ZarrsCodecPipeline"}):
        flip(store / "small/mfcc/done/c/0")
        assert not verify_store(store).is_sound
