"""The site: mkdocs builds it without a warning, every link leads somewhere, nothing is foreign."""

import importlib.util
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import reno_store as rs

pytest.importorskip("mkdocs", reason="mkdocs is not installed")

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """The anchors of a page, its links, and what a browser loads with it."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors.update(given[name] for name in ("id", "name") if given.get(name))
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        elif given.get("src") or (tag == "link" and given.get("rel") != "canonical"):
            self.loaded.add(given.get("src") or given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_link_leads_to_a_page_and_a_heading(site, pages):
    checked = 0
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of the host
            continue
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            goal = goal / "index.html" if goal.is_dir() else goal
            assert goal.is_relative_to(site.resolve()), f"{path.name}: {link}"
            assert goal.is_file(), f"{path.name}: {link}"
            if parts.fragment and goal in pages:
                assert unquote(parts.fragment) in pages[goal].anchors, f"{path.name}: {link}"
            checked += 1
    assert checked > 500


def test_nothing_is_loaded_from_another_host(pages, site):
    for path, page in pages.items():
        for link in page.loaded:
            assert urlsplit(link).scheme in {"", "data"}, f"{path.name}: {link}"
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\([\"']?https?:", styles)


def test_every_page_of_docs_is_in_the_navigation(site):
    home = Page((site / "index.html").read_text("utf-8"))
    docs = ROOT / "docs"
    made = {path.relative_to(docs).with_suffix(".html") for path in docs.rglob("*.md")}
    assert {str(page) for page in made} - {"README.html"} <= home.links


def test_the_reference_has_every_public_name(site):
    api = "".join(path.read_text("utf-8") for path in (site / "api").glob("*.html"))
    shown = re.findall(r'<h2 id="reno_store\.(?:errors\.)?(\w+)"', api)
    assert set(rs.__all__) <= set(shown)
    assert len(shown) == len(set(shown))


def test_parameters_that_share_an_entry_keep_their_own_defaults(site):
    text = re.sub(r"<[^>]+>", "", (site / "api" / "studies.html").read_text("utf-8"))
    of_evaluate_store = " ".join(text[text.index("Cross-validate classifiers on") :].split())
    assert "n_folds (int, default: 5 )" in of_evaluate_store
    assert "standardize (bool, default: True )" in of_evaluate_store


def test_types_are_shown_as_the_docstrings_have_them(site):
    text = re.sub(r"<[^>]+>", "", (site / "api" / "classifiers.html").read_text("utf-8"))
    assert "array-like, shape (n_clips, n_features)" in text
    assert "numpy.ndarray, shape (n_classes,)" in text
    assert 'dict, "balanced" or None' in unescape(text)
    assert "array - like" not in text


def test_errors_are_links(site):
    text = (site / "api" / "studies.html").read_text("utf-8")
    for name in ("UnknownNameError", "LedgerError", "TrainingError"):
        assert re.search(rf'href="errors.html#reno_store.errors.{name}"[^>]*>{name}<', text)


def test_colours_follow_the_system(site):
    assert 'data-md-color-media="(prefers-color-scheme)"' in (site / "index.html").read_text()


@pytest.fixture(scope="module")
def repository():
    spec = importlib.util.spec_from_file_location("repository", ROOT / "publishing/repository.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestFilesOfTheRepository:
    def test_links_out_of_docs_lead_to_pages_of_the_site(self, repository):
        text = "[a](../examples/own_model.py) [b](faq.md#x) [c](https://host/a.md)\n"
        assert repository.linked_files(text, "docs/models.md") == ["examples/own_model.py"]
        assert repository.relinked(text, "docs/models.md") == text.replace(
            "../examples/own_model.py", "source/examples/own_model.py.md"
        )

    def test_links_of_a_page_elsewhere_are_relative_to_it(self, repository):
        text = "[a](../docs/readings.md#b)"
        assert repository.relinked(text, "benchmarks/RESULTS.md") == "[a](../../readings.md#b)"

    def test_code_is_left_alone(self, repository):
        text = "```python\nx[0](../examples)\n```\n"
        assert repository.linked_files(text, "docs/a.md") == []
        assert repository.relinked(text, "docs/a.md") == text

    def test_a_notebook_becomes_a_page_with_its_outputs(self, repository):
        page = repository.as_page("notebooks/quick-start.ipynb")
        assert page.startswith("# Quick start\n")
        assert "import reno_store as rs" in page
        assert '<img alt="" src="data:image/png;base64,' in page
        assert "<table>" in page

    def test_a_folder_becomes_a_list_of_links(self, repository):
        page = repository.as_page("data_manifests")
        assert "- [emogator.toml](data_manifests/emogator.toml)" in page
        listed = repository.linked_files(page, "data_manifests")
        assert "data_manifests/emogator.toml" in listed
