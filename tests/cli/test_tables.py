"""`reno-store tables` as a user types it."""

import json
import shlex

import pytest
from click.testing import CliRunner
from reno_cli.main import main
from study_stores import make_study_store

import reno_store.studies
from reno_store.studies import StudyRequest, running

FEW = ("--without", "cnn", "--without", "reno", "--without", "concat", "--without", "fcn")
QUICK = (*FEW, "--estimator", "svm", "--folds", "3")


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={}, laughs={"seed": 1})


@pytest.mark.parametrize(
    "request_",
    [
        StudyRequest(("cries",)),
        StudyRequest(("laughs", "cries"), protocols=("loso",), n_folds=7, seeds=(3, 4)),
        StudyRequest(
            ("cries",),
            models=("mfcc", "logmel"),
            pairs=(("mfcc", "logmel"), ("logmel", "mfcc")),
            estimators=("fcn", "reno", "svm", "KNeighborsClassifier"),
            standardize=False,
            allow_missing=True,
            paper_names={"cries": "jnv"},
        ),
        StudyRequest(("cries",), estimators=("cnn",), device="cuda:1"),
    ],
)
def test_the_command_of_a_study_asks_for_that_study(request_, store, monkeypatch):
    asked = []

    def catch(path, request, **_):
        asked.append((path, request))
        raise KeyboardInterrupt

    monkeypatch.setattr(reno_store.studies, "run_study", catch)
    words = shlex.split(request_.command(store))
    assert words[0] == "reno-store"
    run(*words[1:], expect=130)
    assert asked == [(store, request_)]


def test_all_datasets_are_taken_unless_named(store):
    told = json.loads(run("tables", store, *QUICK, "--format", "json").stdout)
    assert [each["name"] for each in told["datasets"]] == ["cries", "laughs"]


def test_the_second_time_says_the_same_and_trains_nothing(store, monkeypatch):
    first = run("tables", store, "cries", *QUICK)
    assert "18 folds trained, 0 kept from before" in first.stderr
    monkeypatch.setattr(running, "run_fold", None)
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


def test_a_file_that_cannot_be_written_is_named(store, tmp_path):
    out = tmp_path / "nowhere" / "t.md"
    assert str(out) in run("tables", store, "cries", *QUICK, "-o", out, expect=1).output


def test_where_nothing_can_be_computed_the_exit_code_says_so(store):
    shown = run("tables", store, "cries", *QUICK, "--model", "wavlm-base", expect=1).stdout
    assert "cries has no embeddings of wavlm-base" in shown
    assert "reno-store build" in shown


@pytest.mark.parametrize(
    "words",
    [("--pair", "mfcc"), ("--pair", "a,b,c"), ("--as-in-paper", "jnv"), ("--seeds", "0,x")],
)
def test_options_that_make_no_sense_are_refused(store, words):
    run("tables", store, "cries", *words, expect=2)
