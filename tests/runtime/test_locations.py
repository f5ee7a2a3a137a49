"""URLs that cannot be used are named, wherever they are given, and become no folders."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from reno_cli.main import main

from reno_store.demo import build_demo_store
from reno_store.errors import LedgerError, RenoStoreError, StoreError
from reno_store.exchange.exporting import export_samples
from reno_store.exchange.importing import import_embeddings
from reno_store.exchange.merging import merge_stores
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.runtime.locations import local_path
from reno_store.samples import EmbeddingLookup, open_store
from reno_store.store import StoreReader, StoreWriter
from reno_store.studies.ledger import Ledger

URL = "s3://bucket/x.zarr"
OTHER = "ftp://host/x.zarr"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "gs://bucket/x.zarr",
        "https://host:8080/x.zarr",
        "memory://x",
        "simplecache::s3://bucket/x.zarr",
        "file:///data/x.zarr",
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_url_is_named_as_it_was_given(url, kind):
    with pytest.raises(RenoStoreError) as caught:
        local_path(kind(url), "store")
    assert str(caught.value).startswith(f"store {url} is a URL; only local paths are supported.")


@pytest.mark.parametrize(
    "path",
    ["x.zarr", "/data/x.zarr", "../x.zarr", "C:/data/x.zarr", "C:\\x.zarr", "a:b", "12:30/x"],
)
def test_a_path_is_a_path(path):
    assert local_path(path, "store") == Path(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    corpus = make_corpus(folder / "corpus")
    build_store(corpus.manifest, folder / "s.zarr", "mfcc")
    np.savez(folder / "x.npz", clip_ids=list(corpus.clip_ids), X=np.ones((6, 2), np.float32))
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    """A folder with a corpus and a store, in which no folder of a URL's name may appear."""
    monkeypatch.chdir(folder)
    yield
    assert not [path.name for path in folder.iterdir() if ":" in path.name]


FOREIGN = {"dataset": "small", "model": "x", "provenance": "p"}


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize(
    "take",
    [
        lambda url: build_store("corpus/small.csv", url, "mfcc"),
        lambda url: import_embeddings("x.npz", url, **FOREIGN),
        lambda url: merge_stores("s.zarr", url),
        lambda url: merge_stores(url, "s.zarr"),
        lambda url: StoreWriter.open(url).__enter__(),
        StoreReader,
        open_store,
        verify_store,
        lambda url: export_samples(url, "small", "mfcc", "y.npz"),
        lambda url: EmbeddingLookup(url, "small", "mfcc").fit(["clip0"]),
    ],
)
def test_no_function_takes_a_url_of_another_kind(here, take, kind):
    with pytest.raises(StoreError, match=f"store {OTHER}: URLs of the kind ftp"):
        take(kind(OTHER))


def test_no_url_is_taken_for_other_folders(here):
    with pytest.raises(LedgerError, match=r"results gs://b/r is a URL"):
        Ledger("gs://b/r")
    with pytest.raises(RenoStoreError, match=r"output s3://b/x\.npz is a URL"):
        export_samples("s.zarr", "small", "mfcc", "s3://b/x.npz")
    with pytest.raises(RenoStoreError, match=r"folder s3://b/demo is a URL"):
        build_demo_store("s3://b/demo")


@pytest.mark.parametrize(
    "words",
    [
        f"build corpus/small.csv --model mfcc --store {OTHER}",
        f"import x.npz --store {OTHER} --dataset small --model x --provenance p",
        f"merge s.zarr --store {OTHER}",
        f"merge {OTHER} --store s.zarr",
        f"info {OTHER}",
        f"verify {OTHER} --repair",
        f"remove {OTHER} small --yes",
        f"export {OTHER} small --model mfcc -o y.npz",
        f"evaluate {OTHER} small --model mfcc",
        f"tables {OTHER}",
        f"report {OTHER} -o report.html",
        f"grid {OTHER} small --model mfcc --model logmel",
    ],
)
def test_no_command_takes_a_url_of_another_kind(here, words):
    result = CliRunner().invoke(main, words.split())
    assert result.exit_code == 1
    assert f"store {OTHER}: URLs of the kind ftp:// are not supported" in result.output


@pytest.mark.parametrize(
    "words",
    [
        f"tables s.zarr --results {URL}",
        f"tables s.zarr -o {URL}/t.md",
        f"report s.zarr -o {URL}/t.html",
    ],
)
def test_no_command_takes_a_url_for_its_output(here, words):
    result = CliRunner().invoke(main, words.split())
    assert result.exit_code == 1
    assert f"{URL}" in result.output
    assert "is a URL; only local paths are supported" in result.output
