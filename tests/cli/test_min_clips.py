"""`--min-clips`: labels with few clips are left out of what is evaluated, and named."""

import json
import shlex

import pytest
from click.testing import CliRunner
from factories.study_stores import make_study_store
from reno_cli.main import main

from reno_store.studies import grid_request, recall_study

Y = [*(("anger", "fear", "joy") * 7), "gasp", "sigh", "sigh"]
NOTE = "Labels with fewer than 3 clips are left out (3 clips): gasp (1), sigh (2)."
ONE = ("--model", "mfcc", "--estimator", "logreg", "--folds", 3)
ALONE = [word for name in ("fcn", "cnn", "concat", "reno") for word in ("--without", name)]


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


def flat(text):
    """Without line breaks, which depend on the width."""
    return " ".join(text.split())


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={"y": Y, "n_clips": len(Y)})


def test_without_it_the_error_says_so(store):
    shown = run("evaluate", store, "cries", *ONE, expect=1).output
    assert "gasp (1), sigh (2)" in shown
    assert "--min-clips 3" in shown


def test_evaluate_names_what_it_leaves_out(store):
    shown = run("evaluate", store, "cries", *ONE, "--min-clips", 3).output
    assert "cries: 21 clips, 3 labels" in shown
    assert NOTE in shown
    told = json.loads(run("evaluate", store, "cries", *ONE, "--min-clips", 3, "--json").stdout)
    assert (told["min_clips"], told["rare_labels"]) == (3, {"gasp": 1, "sigh": 2})
    assert (told["n_clips"], told["n_left_out"]) == (21, 0)


def test_tables_keep_it_in_the_command_the_json_and_the_last_request(store):
    words = ("tables", store, "--model", "mfcc", *ALONE, "--protocol", "paper", "--folds", 3)
    told = json.loads(run(*words, "--min-clips", 3, "--format", "json").stdout)
    assert told["request"]["min_clips"] == 3
    (facts,) = told["datasets"]
    assert (facts["n_clips"], facts["n_left_out"]) == (21, 0)
    assert facts["rare_labels"] == {"gasp": 1, "sigh": 2}
    assert "--min-clips 3" in told["command"]
    (cell,) = told["cells"]
    assert "--min-clips 3" in cell["command"]
    shown = run(*shlex.split(cell["command"])[1:], "--json").stdout
    (evaluation,) = json.loads(shown)["evaluations"]
    assert 100 * evaluation["mean"]["accuracy"] == pytest.approx(cell["scores"]["accuracy"]["mean"])
    assert recall_study(store).request.min_clips == 3
    assert NOTE in flat(run(*words, "--min-clips", 3).stdout)


def test_tables_say_where_no_label_has_that_many(store):
    words = ("tables", store, "--model", "mfcc", *ALONE, "--min-clips", 30)
    assert "no label has 30 clips" in flat(run(*words, expect=1).stdout)


def test_grid_names_what_it_leaves_out(store, monkeypatch):
    asked = []

    def catch(path, request, **_):
        asked.append(request)
        raise KeyboardInterrupt

    words = ("grid", store, "cries", "--model", "mfcc", "--model", "logmel")
    with monkeypatch.context() as patch:
        patch.setattr("reno_store.studies.run_grid", catch)
        run(*words, "--min-clips", 3, expect=130)
    assert asked == [grid_request("cries", ("mfcc", "logmel"), min_clips=3)]
    small = ("--beta", 2, "--delta", 0.2, "--lam", 0.4, "--folds", 2, "--min-clips", 3)
    assert NOTE in flat(run(*words, *small).stdout)


@pytest.mark.parametrize("command", ["evaluate", "tables", "grid"])
def test_less_than_one_clip_is_refused(store, command):
    words = (command, store, "cries", "--model", "mfcc", "--min-clips", 0)
    assert "--min-clips" in run(*words, expect=2).output
