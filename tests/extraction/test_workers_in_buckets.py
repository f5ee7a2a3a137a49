"""Worker processes and a Dask cluster with a store, recordings and studies in a bucket."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal
from reno_cli.main import main

from reno_store.extraction.build import build_store
from reno_store.runtime.places import open_place


def run(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout


@pytest.mark.slow
def test_workers_read_and_write_the_bucket_with_the_same_credentials(s3_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus = make_corpus(tmp_path / "corpus", 12)
    for path in (corpus.folder / "audio").iterdir():
        place = open_place(s3_url, "folder") / f"corpus/audio/{path.name}"
        place.write_bytes(path.read_bytes())
    build_store(corpus.manifest, tmp_path / "a.zarr", "mfcc")
    audio = ("--audio-folder", f"{s3_url}/corpus", "--model", "mfcc")
    for store, options in (("a", ("--workers", 2)), ("b", ("--dask", "local:2"))):
        url = f"{s3_url}/{store}.zarr"
        run("build", corpus.manifest, "--store", url, *audio, *options)
        assert_stores_equal(tmp_path / "a.zarr", url)
    study = ("small", "--model", "mfcc", "--estimator", "logreg", "--folds", 2, "--json")
    here = run("evaluate", tmp_path / "a.zarr", *study, "--results", "here")
    there = run("evaluate", url, *study, "--results", "there", "--dask", "local:2")
    assert json.loads(here)["repeats"] == json.loads(there)["repeats"]
    run("grid", url, *study[:-1], "--set", "logreg.C=0.1,1", "--results", "there")
    run("train", url, *study[:5], "-o", "recognizer", "--folds", 2, "--results", "there")
    predict = ("predict", "recognizer", f"{s3_url}/corpus", "--format", "json")
    alone, shared = (json.loads(run(*predict, *more)) for more in ((), ("--dask", "local:2")))
    assert alone == shared
    files = json.loads(run("predict", "recognizer", corpus.folder, "--format", "json"))
    assert len(files) == len(alone) == 12
    for one, other in zip(files, alone, strict=True):
        assert np.allclose(
            list(one["probabilities"].values()), list(other["probabilities"].values())
        )
