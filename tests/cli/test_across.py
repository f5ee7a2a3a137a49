"""Training on some datasets and testing on another, as a user types it."""

import json
import shlex

import pytest
from click.testing import CliRunner
from factories.study_stores import make_study_store
from reno_cli.main import main
from reno_cli.study_commands import cell_command, study_command

from reno_store.studies import StudyRequest, read_label_map, run_study

JNV = {"labels": ("angry", "fear", "happy")}
VIVAE = {"labels": ("anger", "fear", "pain"), "recordings": 1000, "seed": 1}
EXTRA = {"labels": ("anger", "fear"), "recordings": 2000, "seed": 2}
OWN = ("--model", "mfcc", "--estimator", "logreg")


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("across") / "my.zarr"
    return make_study_store(path, jnv=JNV, vivae=VIVAE, extra=EXTRA)


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "my map.toml"
    path.write_text('[labels.jnv]\nangry = "anger"\n')
    return path


def test_evaluate_trains_on_one_dataset_and_tests_on_another(store, labels):
    told = run(
        "evaluate", store, "--train-on", "vivae", "--test-on", "jnv", *OWN, "--labels", labels
    )
    for words in (
        "vivae → jnv",
        "32 clips trained on, 32 tested, 2 labels",
        "jnv happy (16)",
        "vivae pain (16)",
        "my map.toml",
        "labels gives 50.0 %",
        "taken as different people",
    ):
        assert words in " ".join(told.stdout.split())


def test_several_datasets_are_trained_on_together(store, labels):
    words = ("--train-on", "vivae", "--train-on", "extra", "--test-on", "jnv", "--labels", labels)
    document = json.loads(run("evaluate", store, *words, *OWN, "--json").stdout)
    assert document["dataset"] == "extra + vivae → jnv"
    assert document["n_train"] == 32 + 48
    assert document["train_on"] == ["extra", "vivae"]


def test_the_shipped_map_is_known_by_name(store):
    words = ("--train-on", "vivae", "--test-on", "jnv", "--labels", "common-emotions")
    document = json.loads(run("evaluate", store, *words, *OWN, "--json").stdout)
    assert document["labels"] == {"anger": 16, "fear": 16}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("jnv", "--test-on", "vivae"),
        ("--train-on", "jnv"),
        ("--train-on", "jnv", "--test-on", "vivae", "--test-on", "extra"),
        ("--train-on", "jnv", "--test-on", "vivae", "--protocol", "paper"),
        ("jnv", "--labels", "common-emotions"),
    ],
)
def test_datasets_that_make_no_fold_are_a_wrong_usage(store, words):
    assert "--train-on" in run("evaluate", store, *words, *OWN, expect=2).stderr


def test_errors_name_the_option(store, tmp_path):
    told = run("evaluate", store, "--train-on", "jnv", "--test-on", "vivae", *OWN, expect=1)
    assert "--labels" in told.output
    told = run("evaluate", store, "--train-on", "jnv", "--test-on", "jnv", *OWN, expect=1)
    assert "jnv" in told.output
    told = run("tables", store, "jnv", "--protocol", "cross-corpus", expect=1)
    assert "two datasets" in told.output
    gone = ("--train-on", "jnv", "--test-on", "vivae", "--labels", tmp_path / "gone.toml")
    assert "gone.toml" in run("evaluate", store, *gone, *OWN, expect=1).output
    shared = ("--train-on", "vivae", "--test-on", "extra", "--shared-speaker-ids")
    assert "--separate-speaker-ids" in run("evaluate", store, *shared, *OWN, expect=1).output


def test_commands_of_a_study_and_of_its_cells_make_the_same_folds(store, labels):
    request = StudyRequest(
        ("jnv", "vivae", "extra"),
        "mfcc",
        estimators="logreg",
        protocols=("cross-corpus", "leave-one-corpus-out"),
        test_on=("jnv", "vivae"),
        label_map=read_label_map(labels),
    )
    study = run_study(store, request)
    assert study.n_trained + study.n_served == 6
    commands = [study_command(request, store), *(cell_command(study, c) for c in study.cells)]
    for command in commands:
        told = run(*shlex.split(command)[1:])
        assert "0 folds trained" in told.stderr
        assert len(shlex.split(command)) > 8
    assert len(set(commands)) == 7
