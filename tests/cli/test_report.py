"""The command that writes a page: what it hands on, and what it prints."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from corpora import make_corpus
from made_up_pages import draw_svg, make_claims, make_comparisons, make_figures, make_views
from made_up_studies import make_study
from reno_cli.report import report

from reno_store.build import build_store
from reno_store.errors import RenoStoreError


@pytest.fixture
def store(tmp_path):
    corpus = make_corpus(tmp_path, 4, name="jnv")
    build_store(corpus.manifest, tmp_path / "s.zarr", models=["mfcc"], progress=False)
    return tmp_path / "s.zarr"


@pytest.fixture
def asked(store, monkeypatch):
    """Stand in for what knows studies; each entry is what was asked of it."""
    asked = {}
    study = replace(make_study(), store=store)

    def recall(path, *, results=None, datasets=()):
        asked["recall"] = (path, results, datasets)
        if "unknown" in datasets:
            raise RenoStoreError("nothing yet. Run: reno-store tables")
        return study

    def save(figures, folder):
        asked["save"] = (len(figures), folder)

    stand_ins = {
        "reno_store.studies.recall_study": recall,
        "reno_store.tables.views_of": make_views,
        "reno_store.conclusions.compare_study": make_comparisons,
        "reno_store.conclusions.claims_of": lambda study, comparisons: make_claims(study),
        "reno_store.conclusions.summary": lambda study, comparisons: ["Nothing is sure."],
        "reno_store.figures.figures_of": lambda _, load: make_figures(make_study()),
        "reno_store.figures.to_svg": draw_svg,
        "reno_store.figures.save_figures": save,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(name, stand_in, raising=False)
    return asked


def run(*words, expect=0):
    result = CliRunner().invoke(report, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


def test_one_line_says_where_the_page_is(store, asked, tmp_path):
    out = tmp_path / "report.html"
    assert run(store, "-o", out).stdout == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    for words in (
        "Nothing is sure.",
        "Table I: jnv",
        "RENO against",
        "data:image/svg+xml",
        "resampler",
    ):
        assert words in text
    assert asked == {"recall": (store, None, ())}


def test_datasets_results_and_figures_are_handed_on(store, asked, tmp_path):
    options = ("--results", tmp_path / "r", "--figures", tmp_path / "f", "jnv", "vivae")
    run(store, "-o", tmp_path / "a.html", *options)
    assert asked["recall"] == (store, tmp_path / "r", ("jnv", "vivae"))
    assert asked["save"] == (2, tmp_path / "f")


def test_a_wrong_name_for_the_page_is_refused_before_anything_is_done(store, asked, tmp_path):
    result = run(store, "-o", tmp_path, expect=1)
    assert isinstance(result.exception, RenoStoreError)
    assert asked == {}


def test_a_store_without_results_leaves_no_page(store, asked, tmp_path):
    result = run(store, "unknown", "-o", tmp_path / "a.html", expect=1)
    assert "reno-store tables" in str(result.exception)
    assert not (tmp_path / "a.html").exists()
