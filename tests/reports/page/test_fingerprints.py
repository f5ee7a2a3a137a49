"""Whole fingerprints, read from the store that a study is of."""

from dataclasses import replace

import pytest
from factories.corpora import make_corpus
from factories.made_up_studies import make_study

from reno_store.errors import StoreError
from reno_store.extraction.build import build_store
from reno_store.reports.page import read_fingerprints
from reno_store.store import StoreReader
from reno_store.store.fingerprints import short_fingerprint
from reno_store.studies import DatasetFacts


def test_each_model_of_the_study_has_what_the_store_says_of_it(tmp_path):
    corpus = make_corpus(tmp_path, 8)
    build_store(corpus.manifest, tmp_path / "s.zarr", models=["mfcc"], progress=False)
    (name,) = StoreReader(tmp_path / "s.zarr").datasets
    study = replace(
        make_study(),
        store=tmp_path / "s.zarr",
        datasets=(DatasetFacts(name, 8, 0, 2, {"joy": 8}),),
    )
    found = read_fingerprints(study)
    assert list(found) == ["mfcc"]
    assert found["mfcc"]["layer"] == "none"
    assert len(short_fingerprint(found["mfcc"])) == 12


def test_a_store_that_is_gone_is_named(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        read_fingerprints(replace(make_study(), store=tmp_path / "nowhere"))
