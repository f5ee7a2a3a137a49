"""`reno-store grid` as a user types it."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories.study_stores import make_study_store
from reno_cli.main import main

from reno_store.estimators import RENOClassifier
from reno_store.estimators.base import EmbeddingClassifier
from reno_store.samples import open_store
from reno_store.studies import evaluate, fold_workers

MODELS = ("--model", "mfcc", "--model", "logmel")
SMALL = (*MODELS, "--beta", "2,3", "--delta", "0.2", "--lam", "0.4,0.8", "--folds", "2")


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


def rows_of(path):
    return list(csv.DictReader(Path(path).read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study_store(tmp_path_factory.mktemp("made") / "my.zarr", cries={})


@pytest.fixture
def store(made, tmp_path):
    (tmp_path / "my.zarr").symlink_to(made)
    return tmp_path / "my.zarr"


@pytest.fixture
def results(tmp_path):
    return ("--results", tmp_path / "kept")


@pytest.fixture(scope="module")
def searched(made, tmp_path_factory):
    """What the small grid says when it is searched for the first time, and where that is kept."""
    kept = tmp_path_factory.mktemp("searched") / "kept"
    return run("grid", made, "cries", *SMALL, "--results", kept), kept


@pytest.fixture
def no_training(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("trained")

    monkeypatch.setattr(fold_workers, "run_fold", fail)


def test_points_are_listed_best_first_and_the_papers_is_marked(searched):
    shown, _ = searched
    assert "4 points, 2 folds, seed 0" in shown.stdout
    assert "8 folds trained, 0 kept from before" in shown.stderr
    lines = [line.split() for line in shown.stdout.splitlines()]
    rows = [line for line in lines if line and line[0].isdigit() and line[1] != "of"]
    assert len(rows) == 4
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)
    assert [row[1:4] for row in rows if "paper" in {word.strip(",") for word in row}] == [
        ["2", "0.2", "0.4"]
    ]
    assert "Best: " in shown.stdout
    assert "Spread over the grid" in shown.stdout


@pytest.mark.slow
def test_scores_are_those_of_evaluating_each_point_alone(store, results, tmp_path):
    out = tmp_path / "cv.csv"
    how = ("--protocol", "speaker", "--seed", 3, "--as-stored")
    run("grid", store, "cries", *SMALL, *how, *results, "-o", out)
    samples = open_store(store).load("cries", ["mfcc", "logmel"])
    for row in rows_of(out):
        alone = evaluate(
            samples,
            RENOClassifier(
                block_sizes=samples.block_sizes,
                random_state=3,
                **{name: float(row[f"param_{name}"]) for name in ("beta", "delta", "lam")},
            ),
            protocol="speaker",
            n_folds=2,
            seed=3,
            standardize=False,
        )
        for metric in ("accuracy", "macro_f1"):
            found = [float(row[f"split{fold}_test_{metric}"]) for fold in range(2)]
            assert found == alone.scores(metric)


def test_another_estimator_may_be_searched(store, results, tmp_path):
    words = ("grid", store, "cries", "--model", "mfcc", "--estimator", "fcn", "--folds", 2)
    values = ("--set", "fcn.max_epochs=1,2", "--set", "fcn.class_weight=None,balanced")
    shown = run(*words, *values, *results, "-o", tmp_path / "cv.csv")
    assert "8 folds trained" in shown.stderr
    assert [
        (row["param_max_epochs"], row["param_class_weight"]) for row in rows_of(tmp_path / "cv.csv")
    ] == [("1", ""), ("1", "balanced"), ("2", ""), ("2", "balanced")]
    assert "fcn" in run(*words, "--set", "reno.beta=2", *results, expect=2).output


def test_ctrl_c_keeps_what_is_finished_and_the_next_run_goes_on(
    searched, store, results, monkeypatch
):
    words = ("grid", store, "cries", *SMALL)
    calls = []

    def interrupted(self, *arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, *arguments)

    real = EmbeddingClassifier._fit
    monkeypatch.setattr(EmbeddingClassifier, "_fit", interrupted)
    assert "continue" in run(*words, *results, expect=130).stderr
    again = run(*words, *results)
    assert "5 folds trained, 3 kept from before" in again.stderr
    assert again.stdout == searched[0].stdout


def test_a_point_that_diverges_is_told_and_the_others_go_on(store, results, monkeypatch):
    real = EmbeddingClassifier._fit

    def diverging(self, *arguments):
        if self.beta == 3:
            raise ValueError("training diverged")
        return real(self, *arguments)

    monkeypatch.setattr(EmbeddingClassifier, "_fit", diverging)
    shown = run("grid", store, "cries", *SMALL, *results).stdout
    assert shown.count("training diverged") == 2
    only = (*MODELS, "--beta", "3", "--lam", "0.4", "--delta", "0.2", "--folds", 2)
    failed = run("grid", store, "cries", *only, *results, expect=1).output
    assert "every point of the grid failed" in failed


def test_the_surface_is_drawn(store, results, tmp_path):
    shown = run("grid", store, "cries", *SMALL, *results, "--figure", tmp_path / "s.png")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert shown.stdout.endswith(f"{tmp_path / 's.png'}\n")


@pytest.mark.usefixtures("no_training")
class TestRefused:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--beta", "2,x"), "expected numbers with commas between them"),
            (("--beta", ""), "expected numbers"),
            (("--lam", "0.2,,0.4"), "expected numbers"),
            (("--figure", "s.gif"), "expected an ending of .pdf, .png, .svg"),
            (("--seed", "-1"), "--seed"),
        ],
    )
    def test_words_that_make_no_sense(self, words, told, store):
        assert told in run("grid", store, "cries", *SMALL, *words, expect=2).output

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--beta", "1"), "beta must be a number above 1, got 1.0"),
            (("--beta", "nan"), "beta must be a number above 1, got nan"),
            (("--delta", "-1"), "delta must be a number of at least 0"),
            (("--lam", "0.2,1.2"), "lam must be a number in [0, 1], got 1.2"),
            (("--protocol", "paperr"), "did you mean 'paper'?"),
            (("--seeds", "1,1"), "seed 1 is given twice"),
            (("--device", "gpu"), "device 'gpu' is unknown"),
            (("--model", "mfcc"), "named twice"),
            (("--model", "wavlm"), "wavlm"),
            (("--folds", "1"), "expected at least 2"),
        ],
    )
    def test_values_out_of_range(self, words, told, store, results):
        assert told in run("grid", store, "cries", *SMALL, *words, *results, expect=1).output

    def test_results_that_cannot_be_kept(self, store, tmp_path):
        (tmp_path / "kept").symlink_to(tmp_path / "gone" / "away")
        shown = run("grid", store, "cries", *SMALL, "--results", tmp_path / "kept", expect=1)
        assert (
            "kept: cannot be written to: File exists. Name another folder: --results"
            in shown.output
        )

    def test_a_dataset_that_is_not_there(self, store):
        assert "did you mean 'cries'" in run("grid", store, "crie", *SMALL, expect=1).output

    def test_one_model(self, store):
        shown = run("grid", store, "cries", "--model", "mfcc", expect=1).output
        assert "two models or more" in shown
