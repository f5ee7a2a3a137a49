"""Studies in MLflow: on a stand-in for its client and, where it is installed, on a database."""

import importlib
import sys

import pytest
from factories import mlflow_stand_in
from factories.made_up_studies import make_cell
from factories.scored_studies import study_of

from reno_store.errors import RenoStoreError
from reno_store.reports.tracking import track_study

# mlflow and what it imports warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(params=["stand-in", "mlflow"])
def client(request, monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    if request.param == "stand-in":
        yield mlflow_stand_in.install(monkeypatch)("memory:")
        sys.modules.pop("reno_store.reports.tracking.mlflow_tracker", None)
        return
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    place = f"sqlite:///{tmp_path}/runs.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", place)
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module("mlflow.tracking").MlflowClient(place)


@pytest.fixture
def cells():
    reno = make_cell(["mfcc", "wav2vec2-base"], "reno", seeds=(0, 1), parameters={"beta": 2.0})
    return make_cell(["mfcc"], "svm", "speaker", seeds=(0, 1)), reno


def runs_of(client, experiment="s"):
    number = client.get_experiment_by_name(experiment).experiment_id
    return {run.info.run_name: run for run in client.search_runs([number])}


def files_of(client, run, folder):
    return {each.path for each in client.list_artifacts(run.info.run_id, folder)}


def test_each_cell_is_a_run_and_one_more_has_what_they_share(client, cells):
    study = study_of(*cells)
    assert "experiment 'mine'" in track_study(study, experiment="mine")
    runs = runs_of(client, "mine")
    assert set(runs) == {
        "SVM (RBF) on mfcc, speaker",
        "RENO on mfcc + wav2vec2-base, paper",
        "study of s",
    }
    run, cell = runs["RENO on mfcc + wav2vec2-base, paper"], cells[1]
    assert run.info.status == "FINISHED"
    expected = {"estimator": "reno", "models": "mfcc+wav2vec2-base", "protocol": "paper"}
    expected |= {"estimator.beta": "2.0", "fingerprints": "cccccccccccc+bbbbbbbbbbbb"}
    assert run.data.params | expected == run.data.params
    metrics = run.data.metrics
    board = study.leaderboard(metric="macro_f1", protocol="paper")
    low, high = board.loc[0, ["low", "high"]]
    assert metrics["accuracy"] == pytest.approx(cell.mean("accuracy"))
    assert metrics["accuracy_sd"] == pytest.approx(cell.sd("accuracy"))
    assert (metrics["macro_f1_low"], metrics["macro_f1_high"]) == pytest.approx((low, high))
    assert (metrics["majority"], metrics["n_scores"]) == (0.1, 10)
    folds = client.get_metric_history(run.info.run_id, "fold_accuracy")
    by_step = {each.step: each.value for each in folds}
    assert [by_step[step] for step in range(10)] == pytest.approx(cell.scores("accuracy"))
    (figure,) = files_of(client, run, "figures")
    assert figure.startswith("figures/confusion-jnv-paper-reno")

    shared = runs["study of s"]
    assert "SVM (RBF) on mfcc, " in shared.data.tags["mlflow.note.content"]
    tables = {"tables/leaderboard.csv", "tables/cells.csv", "tables/folds.csv"}
    assert files_of(client, shared, "tables") == tables
    figures = files_of(client, shared, "figures")
    assert "figures/class-f1-jnv-paper.png" in figures
    assert figure not in figures


def test_what_the_experiment_has_is_not_logged_again(client, cells, monkeypatch):
    mlflow_stand_in.without_drawing(monkeypatch)
    track_study(study_of(cells[0]))
    assert "0 new runs" in track_study(study_of(cells[0]))
    assert len(runs_of(client)) == 2
    assert "1 new runs" in track_study(study_of(*cells))
    number = client.get_experiment_by_name("s").experiment_id
    names = sorted(run.info.run_name for run in client.search_runs([number]))
    assert len(names) == 4
    assert names.count("study of s") == 2


def test_a_run_that_failed_is_marked_and_logged_again(client, cells, monkeypatch):
    mlflow_stand_in.without_drawing(monkeypatch)
    study = study_of(cells[0])
    with monkeypatch.context() as broken:

        def fail(*args, **kwargs):
            raise OSError("the disk is full")

        broken.setattr(type(client), "log_artifacts", fail)
        with pytest.raises(RenoStoreError, match="disk is full"):
            track_study(study)
    assert [run.info.status for run in runs_of(client).values()] == ["FAILED"]
    assert "1 new runs" in track_study(study)
    number = client.get_experiment_by_name("s").experiment_id
    statuses = sorted(run.info.status for run in client.search_runs([number]))
    assert statuses == ["FAILED", "FINISHED", "FINISHED"]
