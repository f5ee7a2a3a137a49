"""Hints: the command they recommend can be typed as it stands."""

import shlex

import pytest
from click.testing import CliRunner
from factories.study_stores import make_study_store
from reno_cli.main import main


def run(*words, expect=1):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result.output


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my store.zarr", cries={}, laughs={"seed": 1})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evaluate", "cries", "--model", "MFCC"), "'MFCC'; did you mean 'mfcc'?"),
        (("evaluate", "Cries", "--model", "mfcc"), "'Cries'; did you mean 'cries'?"),
        (("tables", "cries", "--model", "LogMel"), "'LogMel'; did you mean 'logmel'?"),
        (("evaluate", "cries", "--model", "mfcc", "--estimator", "FCN"), "did you mean 'fcn'?"),
    ],
)
def test_upper_case_is_no_other_name(store, words, told):
    assert told in run(words[0], store, *words[1:])


def test_a_store_that_is_not_there_is_named_as_it_was_given(tmp_path):
    none = tmp_path / "no store.zarr"
    assert f"`reno-store build MANIFEST --model MODEL --store '{none}'`" in run("info", none)


def test_a_manifest_that_is_not_there_is_named_with_its_folder(tmp_path):
    none = tmp_path / "my clips" / "m.csv"
    shown = run("build", none, "--model", "mfcc", "--store", tmp_path / "s.zarr")
    assert f"`reno-store manifest CARD FOLDER --output '{none}'`" in shown


def test_a_report_without_results_repeats_dataset_and_folder(store, tmp_path):
    kept = tmp_path / "else where"
    shown = run("report", store, "laughs", "--results", kept, "-o", tmp_path / "page.html")
    command = shown.split("`")[1]
    expected = ["reno-store", "tables", str(store), "laughs", "--results", str(kept)]
    assert shlex.split(command) == expected


def test_a_report_of_a_mistyped_dataset_says_so(store, tmp_path):
    shown = run("report", store, "laugs", "-o", tmp_path / "page.html")
    assert "did you mean 'laughs'?" in shown
