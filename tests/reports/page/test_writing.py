"""The page on the disk."""

from dataclasses import replace

import pytest
from factories.corpora import make_corpus
from factories.odd_studies import make_study

from reno_store.errors import RenoStoreError, StoreError
from reno_store.extraction.build import build_store
from reno_store.reports.page import read_fingerprints, render_page, write_page
from reno_store.store import StoreReader
from reno_store.studies import DatasetFacts


def test_the_file_holds_the_page_and_nothing_lies_beside_it(tmp_path):
    study = make_study()
    written = write_page(study, tmp_path / "new" / "report.html")
    assert written == tmp_path / "new" / "report.html"
    assert written.read_bytes().decode() == render_page(study)
    assert list(written.parent.iterdir()) == [written]


def test_a_page_that_is_there_is_replaced(tmp_path):
    path = tmp_path / "report.HTM"
    path.write_text("old")
    write_page(make_study(), path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(RenoStoreError, match=r"report.html is a folder"):
        write_page(make_study(), tmp_path / "report.html")


@pytest.mark.parametrize("name", ["report", "mine.csv", "report.html.gz"])
def test_another_ending_is_refused_and_the_file_kept(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RenoStoreError, match=r"expected a name that ends in \.html"):
        write_page(make_study(), tmp_path / name)
    assert (tmp_path / name).read_text() == "precious"


def test_a_page_that_cannot_be_put_in_place_leaves_the_old_one_whole(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(RenoStoreError, match=r"report.html cannot be written: No space left"):
        write_page(make_study(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RenoStoreError, match="cannot be written"):
        write_page(make_study(), tmp_path / "file" / "report.html")


def test_fingerprints_are_those_of_the_store(tmp_path):
    corpus = make_corpus(tmp_path, 8)
    build_store(corpus.manifest, tmp_path / "s.zarr", models=["mfcc"], progress=False)
    (name,) = StoreReader(tmp_path / "s.zarr").datasets
    facts = DatasetFacts(name, 8, 0, 2, {"joy": 8})
    study = replace(make_study(), store=tmp_path / "s.zarr", datasets=(facts,))
    found = read_fingerprints(study)
    assert list(found) == ["mfcc"]
    assert found["mfcc"]["layer"] == "none"
    with pytest.raises(StoreError, match="nowhere"):
        read_fingerprints(replace(study, store=tmp_path / "nowhere"))
