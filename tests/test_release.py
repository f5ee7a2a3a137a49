"""What a release consists of: its citation, its archives, the versions that it prints."""

import importlib.metadata
import platform
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml
from reno_cli.version import versions

import reno_store

CHECKOUT = Path(__file__).resolve().parents[1]
# Of the Citation File Format 1.2.0.
REQUIRED = {"cff-version", "message", "title", "authors"}
TOP_LEVEL = REQUIRED | {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
    *("license", "license-url", "preferred-citation", "references", "repository"),
    *("repository-artifact", "repository-code", "type", "url", "version"),
}
PERSON = {"family-names", "given-names", "name-particle", "name-suffix", "affiliation", "orcid"}


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_has_the_format_and_the_version(citation):
    assert citation.keys() >= REQUIRED
    assert citation.keys() <= TOP_LEVEL
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["version"] == reno_store.__version__
    assert citation["license"] == "MIT"


def test_the_citation_names_the_paper_and_its_authors(citation):
    (paper,) = citation["references"]
    assert paper.keys() >= {"type", "title", "authors"}
    assert all(author.keys() <= PERSON for author in paper["authors"])
    names = [author.get("family-names", author["given-names"]) for author in paper["authors"]]
    faq = (CHECKOUT / "docs" / "faq.md").read_text(encoding="utf-8")
    assert f"*{paper['title']}*" in faq
    assert all(re.search(rf"\b{name}\b", faq) for name in names)
    assert len(names) == 8


def test_the_version_is_printed_with_those_that_numbers_depend_on():
    text = versions()
    assert text.startswith(f"reno-store, version {reno_store.__version__} (")
    assert platform.python_version() in text
    for package in ("torch", "transformers", "zarr"):
        assert f"{package} {importlib.metadata.version(package)}" in text


def test_a_package_that_is_missing_is_shown_as_such(monkeypatch):
    def find(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("reno_cli.version.version", find)
    assert "torch not installed" in versions()


def test_the_source_archive_has_what_its_tests_and_docs_need(tmp_path):
    # Into another folder, so that nothing is written here.
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"CITATION.cff", "CHANGELOG.md", "LICENSE", "PKG-INFO", "pyproject.toml"} <= names
    assert {"benchmarks/RESULTS.md", "docs/python.md", "tests/test_release.py"} <= names
    assert {"reno_store/py.typed", "cli/reno_cli/py.typed"} <= names
    assert not any(name.startswith(("shared/", ".git/", ".venv/")) for name in names)


@pytest.mark.slow
def test_both_archives_pass_the_checks_of_the_package_index(tmp_path):
    pytest.importorskip("twine")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    paths = [str(path) for path in tmp_path.iterdir()]
    assert len(paths) == 2
    twine = [sys.executable, "-m", "twine", "check", "--strict", *paths]
    done = subprocess.run(twine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_package_that_is_imported_is_a_dependency():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [line for each in (project["dependencies"], *extras) for line in each]
    declared = {re.split(r"[\[<>=;]", line)[0].lower() for line in lines}
    paths = [*CHECKOUT.glob("reno_store/**/*.py"), *CHECKOUT.glob("cli/**/*.py")]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", text, re.MULTILINE))
    known = importlib.metadata.packages_distributions()
    for package in imported & known.keys() - {"reno_store", "reno_cli", "google"}:
        names = {name.lower().replace("_", "-") for name in known[package]}
        assert names & declared, package


def test_the_oldest_python_that_is_stated_is_the_oldest_allowed():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    stated = re.findall(r"Python :: (3\.\d+)", " ".join(project["project"]["classifiers"]))
    assert project["project"]["requires-python"] == f">={stated[0]}"
    assert project["tool"]["mypy"]["python_version"] == stated[0]
