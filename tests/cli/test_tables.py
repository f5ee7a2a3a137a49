"""`reno-store tables` as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories.study_stores import make_study_store
from reno_cli.main import main

import reno_store.studies
from reno_store.studies import fold_workers

FEW = tuple(
    word for name in ("cnn", "reno", "concat", "fcn", "logreg") for word in ("--without", name)
)
QUICK = (*FEW, "--estimator", "svm", "--folds", "3")


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={}, laughs={"seed": 1})


def test_all_datasets_are_taken_unless_named(store):
    told = json.loads(run("tables", store, *QUICK, "--format", "json").stdout)
    assert [each["name"] for each in told["datasets"]] == ["cries", "laughs"]


def test_the_second_time_says_the_same_and_trains_nothing(store, monkeypatch):
    first = run("tables", store, "cries", *QUICK)
    assert "18 folds trained, 0 kept from before" in first.stderr
    monkeypatch.setattr(fold_workers, "run_fold", None)
    second = run("tables", store, "cries", *QUICK)
    assert "0 folds trained, 18 kept from before" in second.stderr
    assert second.stdout == first.stdout
    assert "SVM (RBF)" in first.stdout


def test_results_can_lie_elsewhere(store, tmp_path):
    run("tables", store, "cries", *QUICK, "--results", tmp_path / "else where")
    assert (tmp_path / "else where").is_dir()
    assert not (tmp_path / "my.results").exists()


@pytest.mark.parametrize(
    ("ending", "beginning"), [(".md", "#"), (".csv", "table,"), (".tex", "%"), (".json", "{")]
)
def test_the_ending_of_a_file_says_what_it_becomes(store, tmp_path, ending, beginning):
    out = tmp_path / f"table{ending}"
    assert run("tables", store, "cries", *QUICK, "-o", out).stdout == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    assert text.startswith(beginning)
    form = {".md": "markdown", ".csv": "csv", ".tex": "latex", ".json": "json"}[ending]
    assert run("tables", store, "cries", *QUICK, "--format", form).stdout == text


def test_an_ending_that_says_nothing_is_refused_before_anything_is_trained(store, tmp_path):
    shown = run("tables", store, "cries", "-o", tmp_path / "table.doc", expect=2).output
    assert ".tex" in shown
    assert not (tmp_path / "my.results").exists()


def test_where_nothing_can_be_computed_the_exit_code_says_so(store):
    shown = run("tables", store, "cries", *QUICK, "--model", "wavlm-base", expect=1).stdout
    assert "cries has no embeddings of wavlm-base" in shown
    assert "wavlm-base" in shown


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--pair", "mfcc"), 1), (("--pair", "a,"), 1), (("--as-in-paper", "jnv"), 2)],
)
def test_options_that_make_no_sense_are_refused(store, words, code):
    assert "expected" in run("tables", store, "cries", *words, expect=code).output


@pytest.mark.parametrize("form", ["terminal", "markdown", "csv", "latex", "json"])
def test_any_classifier_of_scikit_learn_stands_in_every_form(store, form):
    words = ("--estimator", "KNeighborsClassifier", "--folds", 2, "--format", form)
    shown = run("tables", store, "cries", *FEW, *words).stdout
    assert "KNeighborsClassifier" in shown


def test_the_folder_of_a_file_is_made_before_anything_is_trained(store, tmp_path, monkeypatch):
    out = tmp_path / "new" / "t.md"
    run("tables", store, "cries", *QUICK, "-o", out)
    assert out.exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(reno_store.studies, "run_study", None)
    for bad in (tmp_path / "file" / "t.md", tmp_path / "new"):
        shown = run("tables", store, "cries", "-o", bad, "--format", "markdown", expect=1).output
        assert str(bad) in shown


def test_a_terminal_that_knows_ascii_alone_gets_no_traceback(store):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", "from reno_cli.main import main; main()", "tables", str(store)]
    done = subprocess.run(
        [*command, "cries", *QUICK], env=environment, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "±".encode() in done.stdout or rb"\xb1" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_named_without_a_traceback(store):
    command = [sys.executable, "-c", "from reno_cli.main import main; main()", "tables", str(store)]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [*command, "cries", *QUICK, "--format", "csv"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
