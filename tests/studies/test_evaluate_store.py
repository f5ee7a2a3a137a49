"""`evaluate_store`: which cells it has, what it refuses, and what it shares with studies."""

import json

import numpy as np
import pytest
from factories.study_stores import make_study_store
from sklearn.base import clone

import reno_store
from reno_store.errors import DeviceError, MissingEmbeddingsError, ProtocolError, UnknownNameError
from reno_store.samples import open_store
from reno_store.studies import (
    StudyRequest,
    evaluate_store,
    fold_workers,
    grid_request,
    results_folder,
    run_grid,
    run_study,
    study_json,
)
from reno_store.studies.classifiers import find_estimator, make_estimator
from reno_store.studies.evaluation_requests import evaluation_request

BOTH = ("logmel", "mfcc")
QUICK = {"estimators": ("DummyClassifier",), "n_folds": 2}


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={"models": ("mfcc", "logmel")})


@pytest.fixture
def untrained(monkeypatch):
    """Makes training fail, so that a test shows that nothing was trained."""
    monkeypatch.setattr(fold_workers, "run_fold", None)


def cells_of(study):
    return [(cell.protocol, cell.estimator, cell.models) for cell in study.cells]


def test_cells_come_in_the_order_of_protocols_and_estimators(store):
    study = evaluate_store(
        store,
        "cries",
        models=["mfcc", "logmel"],
        estimators=("DummyClassifier", "logreg"),
        protocols=("speaker", "paper"),
        n_folds=2,
    )
    seen = [("logmel",), ("mfcc",), ("mfcc", "logmel")]
    assert cells_of(study) == [
        (protocol, estimator, models)
        for protocol in ("speaker", "paper")
        for estimator in ("DummyClassifier", "logreg")
        for models in seen
    ]


def test_by_default_all_estimators_that_the_number_of_models_allows():
    assert evaluation_request("cries", ["mfcc"]).estimators == ("fcn", "cnn", "logreg")
    both = evaluation_request("cries", ["mfcc", "logmel"])
    assert both.estimators == ("fcn", "cnn", "concat", "reno", "logreg")
    assert both.pairs == (("mfcc", "logmel"),)
    assert evaluation_request("cries", ["a", "b", "c"]).pairs == (("a", "b", "c"),)


def test_seed_device_blocks_and_settings_reach_the_estimators():
    reno = make_estimator("reno", (6, 4), seed=5, device="cuda", settings={"beta": 3.0})
    chosen = ("block_sizes", "random_state", "device", "beta")
    assert [reno.get_params()[name] for name in chosen] == [(6, 4), 5, "cuda", 3.0]
    assert make_estimator("svm", (6, 4), seed=5).random_state == 5


def test_a_repeat_is_what_its_seed_alone_has(store):
    options = {"models": ["mfcc"], "estimators": ["svm"], "n_folds": 2}
    (both,) = evaluate_store(store, "cries", **options, seed=(1, 2)).cells
    alone = [
        evaluate_store(store, "cries", **options, seed=seed, results=store.parent / str(seed))
        for seed in (1, 2)
    ]
    assert [study.n_trained for study in alone] == [2, 2]
    found = [[fold.predicted for fold in study.cells[0].folds] for study in alone]
    assert [[fold.predicted for fold in folds] for folds in both.outcomes] == found


def test_what_evaluate_trained_is_not_trained_by_tables_or_grid(store, monkeypatch):
    trained = evaluate_store(store, "cries", models=BOTH, estimators=["reno", "svm"], n_folds=2)
    assert trained.n_trained == 8  # reno on both, svm on each and on both
    monkeypatch.setattr(fold_workers, "run_fold", None)
    request = StudyRequest("cries", estimators=("reno", "svm"), protocols="paper", n_folds=2)
    tables = run_study(store, request)
    assert (tables.n_trained, tables.n_served) == (0, 8)
    paper = {"beta": (2,), "delta": (0.2,), "lam": (0.4,)}
    grid = run_grid(store, grid_request("cries", BOTH, **paper, n_folds=2))
    assert (grid.study.n_trained, grid.study.n_served) == (0, 2)
    assert grid.points[0].outcomes == next(tables.select(estimator="reno")).outcomes


def test_missing_embeddings_are_refused_before_anything_is_trained(tmp_path, untrained):
    store = make_study_store(tmp_path / "my.zarr", cries={"lacking": {"mfcc": [3, 7]}})
    with pytest.raises(MissingEmbeddingsError) as caught:
        evaluate_store(store, "cries", models=BOTH, **QUICK)
    for part in ("2 of 48 clips", "'clip003', 'clip007'"):
        assert part in str(caught.value)
    study = evaluate_store(
        store, "cries", models=BOTH, estimators=["svm"], n_folds=2, missing="drop"
    )
    (facts,) = study.datasets
    assert (facts.n_clips, facts.n_left_out) == (46, 2)
    assert {cell.reason.partition(":")[0] for cell in study.cells} == {"training failed"}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"estimators": ["rono"]}, UnknownNameError, "'reno'"),
        ({"protocols": ["papr"]}, UnknownNameError, "'paper'"),
        ({"models": ["mfc"]}, UnknownNameError, "'mfcc'"),
        ({"dataset": "crys"}, UnknownNameError, "'cries'"),
        ({"seed": [1, 1]}, ProtocolError, "seed 1"),
        ({"models": ["mfcc"], "estimators": ["fcn", "reno"]}, ProtocolError, "reno"),
        ({"models": ["mfcc", "mfcc"]}, ProtocolError, "'mfcc'"),
        ({"models": []}, ProtocolError, "model"),
        ({"protocols": ["paper", "speaker"], "n_folds": 9}, ProtocolError, "8 speakers"),
        ({"device": "gpu"}, DeviceError, "'gpu'"),
        ({"min_clips": 99}, ProtocolError, "99"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anything_is_trained(
    store, untrained, change, error, words
):
    request = {"dataset": "cries", "models": ["mfcc", "logmel"], **change}
    with pytest.raises(error, match=words):
        evaluate_store(store, **request)
    assert not list(results_folder(store).rglob("outcomes-*"))


def test_an_evaluation_does_not_replace_the_study_that_is_recalled(store):
    request = StudyRequest("cries", estimators="DummyClassifier", protocols="paper", n_folds=2)
    run_study(store, request)
    evaluate_store(store, "cries", models=["mfcc"], **QUICK)
    assert reno_store.recall_study(store).request == request


def test_the_json_form_has_everything(store):
    study = evaluate_store(
        store,
        "cries",
        models=["mfcc"],
        estimators=["svm"],
        settings={"svm": {"C": (1, 2)}},
        n_folds=2,
        seed=(0, 3),
    )
    document = json.loads(json.dumps(study_json(study)))
    assert document["reno_store_version"] == reno_store.__version__
    (row,) = [row for row in open_store(store).summary() if row.model == "mfcc"]
    assert document["fingerprints"] == {"mfcc": row.fingerprint}
    counts = ("dataset", "n_clips", "n_labels", "n_speakers", "n_left_out", "min_clips")
    assert [document[name] for name in counts] == ["cries", 48, 3, 8, 0, 1]
    assert [each["settings"] for each in document["repeats"]] == [{"C": 1.0}, {"C": 2.0}]
    assert [each["seed"] for each in document["evaluations"]] == [0, 3, 0, 3]
    first = document["evaluations"][0]
    assert first["folds"][0]["accuracy"] == study.cells[0].folds[0].score.accuracy
    assert first["parameters"]["random_state"] == 0
    assert document["repeats"][0]["mean"]["accuracy"] == study.cells[0].mean("accuracy")
    assert document["failed"] == []


def test_parameters_are_read_from_the_source_as_they_are():
    for name in ("fcn", "cnn", "concat", "reno"):
        choice = find_estimator(name)
        made = choice.make()
        assert dict(choice.parameters) == made.get_params(deep=False)
        assert clone(made) is not made
    assert np.isclose(find_estimator("reno").parameters["beta"], 2.0)
