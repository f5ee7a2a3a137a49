"""`reno-store report` as a user types it, from a store to a page and figures."""

import pytest
from click.testing import CliRunner
from factories.parsed_pages import Page
from factories.study_stores import make_study_store
from reno_cli.main import main

from reno_store.studies import StudyRequest, fold_workers, recall_study, run_study

REQUEST = StudyRequest(("cries", "laughs"), estimators=("fcn", "reno", "svm"), n_folds=3)


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported")
    store = make_study_store(folder / "my.zarr", cries={}, laughs={"seed": 1})
    run_study(store, REQUEST, progress=False)
    return store


def test_one_line_says_where_the_page_is(store, tmp_path):
    out = tmp_path / "report.html"
    assert run("report", store, "-o", out, "--no-maps").stdout == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    study = recall_study(store)
    for cell in study.cells:
        assert f"{100 * cell.mean('accuracy'):.1f}" in text
    assert f"reno-store tables {study.store}" in " ".join(Page(text).words("code"))


@pytest.mark.slow
def test_nothing_is_trained(store, tmp_path, monkeypatch):
    monkeypatch.setattr(fold_workers, "run_fold", None)
    run("report", store, "-o", tmp_path / "report.html", "--no-maps")


@pytest.mark.slow
def test_the_page_can_be_of_some_datasets(store, tmp_path):
    out = tmp_path / "report.html"
    run("report", store, "laughs", "-o", out, "--no-maps")
    page = Page(out.read_text(encoding="utf-8"))
    assert "laughs" in page.words("title")[0]
    assert "cries" not in page.words("title")[0]
    assert not any(caption.startswith("cries") for caption in page.words("caption"))


def test_a_store_that_was_asked_nothing_says_what_to_type(tmp_path):
    store = make_study_store(tmp_path / "my.zarr", cries={})
    shown = run("report", store, "-o", tmp_path / "r.html", expect=1).output
    assert f"reno-store tables {store} cries" in shown


def test_a_dataset_that_was_not_asked_for_is_named(store, tmp_path):
    shown = run("report", store, "screams", "-o", tmp_path / "r.html", expect=1).output
    assert "screams" in shown
    assert "cries" in shown
