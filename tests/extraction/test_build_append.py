"""Adding clips by a manifest that lists only them."""

import pytest
from factories.corpora import make_corpus
from factories.stores import assert_stores_equal

from reno_store.errors import StaleStoreError
from reno_store.extraction.build import build_store


@pytest.fixture
def parts(tmp_path):
    """A corpus, and the manifests of its first four clips and of its last three."""
    corpus = make_corpus(tmp_path)
    header, *lines = corpus.manifest.read_text().splitlines()
    manifests = []
    for name, some in {"first": lines[:4], "last": lines[3:]}.items():
        manifests.append(tmp_path / f"{name}.csv")
        manifests[-1].write_text("\n".join([header, *some]) + "\n")
    return corpus, *manifests


def test_a_store_built_in_parts_equals_one_built_at_once(parts, tmp_path):
    corpus, first, last = parts
    build_store(first, tmp_path / "s", "mfcc", dataset="small")
    report = build_store(last, tmp_path / "s", "mfcc", dataset="small", append=True)
    assert [(model.n_new, model.n_reused) for model in report.models] == [(2, 1)]
    build_store(corpus.manifest, tmp_path / "whole", "mfcc")
    assert_stores_equal(tmp_path / "s", tmp_path / "whole")


def test_without_append_clips_that_are_missing_are_an_error_that_names_it(parts, tmp_path):
    _, first, last = parts
    build_store(first, tmp_path / "s", "mfcc", dataset="small")
    with pytest.raises(StaleStoreError, match="in the store but not in the manifest") as caught:
        build_store(last, tmp_path / "s", "mfcc", dataset="small")
    assert {"append": True} in [dict(remedy.arguments) for remedy in caught.value.remedies]


def test_a_part_with_a_changed_label_is_an_error_with_append_too(parts, tmp_path):
    _, first, last = parts
    build_store(first, tmp_path / "s", "mfcc", dataset="small")
    last.write_text(last.read_text().replace("clip3.wav,laugh", "clip3.wav,sob"))
    with pytest.raises(StaleStoreError, match="labels changed: 1 clip"):
        build_store(last, tmp_path / "s", "mfcc", dataset="small", append=True)
