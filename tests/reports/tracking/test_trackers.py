"""Trackers by name, and the option of the commands."""

import sys

import pytest
from click.testing import CliRunner
from factories import mlflow_stand_in
from factories.study_stores import make_study_store
from reno_cli.main import main

from reno_store.errors import RenoStoreError, UnknownNameError
from reno_store.reports.tracking import TRACKERS, check_tracker, open_tracker


def test_an_unknown_tracker_is_an_error():
    with pytest.raises(UnknownNameError, match="did you mean 'mlflow'"):
        check_tracker("mlfow")


@pytest.mark.parametrize("name", TRACKERS)
def test_a_package_that_is_not_installed_is_named_with_its_extra(name, monkeypatch):
    monkeypatch.setattr("reno_store.reports.tracking.trackers.find_spec", lambda package: None)
    with pytest.raises(
        RenoStoreError, match=rf"pip install 'reno-store\[{TRACKERS[name].extra}\]'"
    ):
        check_tracker(name)


def test_a_package_that_cannot_be_loaded_is_no_crash(monkeypatch):
    monkeypatch.setattr("reno_store.reports.tracking.trackers.find_spec", lambda package: True)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delitem(sys.modules, "reno_store.reports.tracking.mlflow_tracker", raising=False)
    with pytest.raises(RenoStoreError, match="cannot be loaded"):
        open_tracker("mlflow")


def run_in(folder, monkeypatch, words):
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.chdir(folder)
    make_study_store(folder / "my.zarr", cries={})
    done = CliRunner().invoke(main, words.split())
    sys.modules.pop("reno_store.reports.tracking.mlflow_tracker", None)
    return done


@pytest.mark.parametrize(
    ("words", "n_cells"),
    [
        ("evaluate my.zarr cries --model mfcc --folds 2 --estimator svm", 1),
        ("grid my.zarr cries --model mfcc --folds 2 --estimator svm --set svm.C=1,2", 2),
    ],
)
def test_commands_track_their_cells(words, n_cells, tmp_path, monkeypatch):
    client = mlflow_stand_in.install(monkeypatch, draws=False)("memory:")
    done = run_in(tmp_path, monkeypatch, f"{words} --track mlflow")
    assert done.exit_code == 0, done.output
    assert "tracked: experiment 'my' of memory:" in done.stderr
    kinds = [run.tags["reno_store.kind"] for run in client.search_runs(["my"])]
    assert (kinds.count("cell"), kinds.count("study")) == (n_cells, 1)


def test_tables_has_the_option_too():
    options = {option for each in main.commands["tables"].params for option in each.opts}
    assert "--track" in options


def test_a_tracker_that_cannot_be_reached_stops_before_anything_is_trained(tmp_path, monkeypatch):
    client = mlflow_stand_in.install(monkeypatch)

    def refuse(self, max_results):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(client, "search_experiments", refuse)
    words = "evaluate my.zarr cries --model mfcc --estimator svm --track mlflow"
    done = run_in(tmp_path, monkeypatch, words)
    assert done.exit_code == 1
    assert "no route to host" in done.output
    assert "MLFLOW_TRACKING_URI" in done.output
    assert not list(tmp_path.glob("my.results/**/*.json"))
