"""Studies: what is trained, what is kept, what is taken up again."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from factories.study_stores import make_study_store
from sklearn.dummy import DummyClassifier

from reno_store.errors import LedgerError, TrainingError, UnknownNameError
from reno_store.samples import open_store
from reno_store.studies import (
    FoldOutcome,
    FoldScore,
    StudyRequest,
    evaluate,
    fold_workers,
    recall_study,
    results_folder,
    run_study,
    running,
    training,
)
from reno_store.studies import recipes as recipes_module
from reno_store.studies.classifiers import make_estimator
from reno_store.studies.ledger import Ledger, hash_json
from reno_store.studies.models import facts_of_models
from reno_store.studies.outcome_json import outcome_from_json, outcome_to_json
from reno_store.studies.planning import plan_cells, plan_folds
from reno_store.studies.preparation import prepare

QUICK = ("svm", "DummyClassifier")
REQUEST = StudyRequest(("cries",), estimators=QUICK, n_folds=3)
SHORT = {"max_epochs": 3}
N_FOLDS = 2 * 2 * 3 * 3  # protocols x estimators x (two models and their pair) x folds


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={})


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A store that was asked REQUEST, with its results beside it; to copy, not to change."""
    store = make_study_store(tmp_path_factory.mktemp("asked") / "my.zarr", cries={})
    run_study(store, REQUEST)
    return store


@pytest.fixture
def results(asked, tmp_path):
    """A copy of the results of REQUEST."""
    return Path(shutil.copytree(results_folder(asked), tmp_path / "my.results"))


@pytest.fixture
def asked_store(asked, results):
    """A copy of the store that was asked REQUEST, beside its results."""
    return Path(shutil.copytree(asked, results.with_suffix(".zarr")))


def outcomes_of(study):
    """Everything of the cells but how long they took."""
    return [
        dataclasses.replace(
            cell, outcomes=tuple(tuple(map(timeless, outcomes)) for outcomes in cell.outcomes)
        )
        for cell in study.cells
    ]


def timeless(outcome):
    history = tuple({**epoch, "seconds": 0.0} for epoch in outcome.history)
    return dataclasses.replace(outcome, seconds=0.0, history=history)


def kept_files(store):
    return sorted((results_folder(store) / "outcomes-1").rglob("*.json"))


def test_results_lie_beside_the_store(tmp_path):
    assert results_folder(tmp_path / "my.zarr") == tmp_path / "my.results"
    assert results_folder(tmp_path / "mine") == tmp_path / "mine.results"


def test_numbers_are_those_of_evaluate(store):
    request = StudyRequest(
        ("cries",),
        estimators=("reno", "svm"),
        n_folds=2,
        seeds=(0, 3),
        protocols=("speaker",),
        settings={"reno": SHORT},
    )
    study = run_study(store, request)
    assert len(study.cells) == 4
    for cell in study.cells:
        samples = open_store(store).load("cries", cell.models)
        for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=True):
            settings = cell.settings
            estimator = make_estimator(
                cell.estimator, samples.block_sizes, seed=seed, settings=settings
            )
            options = {"protocol": "speaker", "n_folds": 2, "seed": seed}
            expected = evaluate(samples, estimator, **options)
            assert tuple(each.score for each in outcomes) == expected.folds


def test_the_second_time_nothing_is_trained(store, monkeypatch):
    first = run_study(store, REQUEST)
    assert (first.n_trained, first.n_served) == (N_FOLDS, 0)
    monkeypatch.setattr(fold_workers, "run_fold", None)
    second = run_study(store, REQUEST)
    assert (second.n_trained, second.n_served) == (0, N_FOLDS)
    assert second.cells == first.cells


def test_what_is_asked_besides_is_trained_besides(asked_store):
    more = dataclasses.replace(REQUEST, seeds=(0, 1), protocols=("paper",))
    study = run_study(asked_store, more)
    assert (study.n_served, study.n_trained) == (N_FOLDS // 2, N_FOLDS // 2)


def test_processes_do_not_change_the_scores(store):
    request = dataclasses.replace(
        REQUEST, estimators=("fcn", "logreg"), protocols=("paper",), settings={"fcn": SHORT}
    )
    one = run_study(store, request, results=store.parent / "one")
    two = run_study(store, request, results=store.parent / "two", n_jobs=2)
    assert two.n_trained == one.n_trained > 0
    assert outcomes_of(one) == outcomes_of(two)


def test_an_interrupted_study_keeps_what_was_finished(store, monkeypatch):
    whole = run_study(store, REQUEST, results=store.parent / "whole")
    real, done = fold_workers.run_fold, []

    def interrupt(*args, **kwargs):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(fold_workers, "run_fold", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_study(store, REQUEST)
    assert len(kept_files(store)) == 5
    monkeypatch.setattr(fold_workers, "run_fold", real)
    rest = run_study(store, REQUEST)
    assert (rest.n_served, rest.n_trained) == (5, N_FOLDS - 5)
    assert outcomes_of(rest) == outcomes_of(whole)


SCRIPT = """
from reno_store.studies import StudyRequest, run_study
if __name__ == "__main__":
    settings = {{"fcn": {{"max_epochs": 6}}, "concat": {{"max_epochs": 6}}}}
    request = StudyRequest("cries", estimators=("fcn", "concat"), n_folds=3, settings=settings)
    run_study({store!r}, request, n_jobs=2)
"""


@pytest.mark.slow
def test_a_killed_study_goes_on_where_it_was(store):
    settings = {"fcn": {"max_epochs": 6}, "concat": {"max_epochs": 6}}
    request = StudyRequest("cries", estimators=("fcn", "concat"), n_folds=3, settings=settings)
    script = SCRIPT.format(store=str(store))
    process = subprocess.Popen([sys.executable, "-c", script])
    while len(kept_files(store)) < 4 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_kept = len(kept_files(store))
    assert 4 <= n_kept < 18
    rest = run_study(store, request)
    assert (rest.n_served, rest.n_trained) == (n_kept, 18 - n_kept)
    whole = run_study(store, request, results=store.parent / "whole")
    assert whole.n_trained == 18
    assert outcomes_of(rest) == outcomes_of(whole)


def test_a_changed_embedding_is_not_served_from_before(results, tmp_path):
    other = make_study_store(tmp_path / "b.zarr", cries={"seed": 1})
    study = run_study(other, REQUEST, results=results)
    assert study.n_served == 0


def test_a_model_alone_is_served_where_only_its_neighbour_changed(results, tmp_path):
    """Content counts, model by model: what has not changed is not trained again."""
    more = {"models": ("mfcc", "logmel", "hubert-base")}
    other = make_study_store(tmp_path / "b.zarr", cries=more)
    study = run_study(other, REQUEST, results=results)
    assert study.n_served == N_FOLDS
    assert study.n_trained == N_FOLDS  # hubert-base alone, and its two pairs


def test_a_renamed_dataset_is_served(results, tmp_path):
    renamed = make_study_store(tmp_path / "b.zarr", laughs={})
    request = dataclasses.replace(REQUEST, datasets=("laughs",))
    assert run_study(renamed, request, results=results).n_trained == 0


@pytest.mark.parametrize(
    "options",
    [{"labels": ("anger", "fear", "pain")}, {"n_speakers": 6}, {"n_clips": 51}],
    ids=["labels", "speakers", "clips"],
)
def test_changed_clips_are_not_served_from_before(results, tmp_path, options):
    other = make_study_store(tmp_path / "b.zarr", cries=options)
    assert run_study(other, REQUEST, results=results).n_served == 0


@pytest.mark.parametrize(
    "change", [{"seeds": (1,)}, {"n_folds": 4}, {"standardize": False}], ids=str
)
def test_another_question_is_not_served_from_before(asked_store, change):
    assert run_study(asked_store, dataclasses.replace(REQUEST, **change)).n_served == 0


def test_a_changed_hyperparameter_is_not_served_from_before(asked_store, monkeypatch):
    real = running.plan_folds

    def changed(request, prepared, cells):
        for task in real(request, prepared, cells):
            if task.recipe["class"].endswith("SVC"):
                recipe = {**task.recipe, "parameters": {**task.recipe["parameters"], "C": 2.0}}
                task = dataclasses.replace(task, recipe=recipe, key=hash_json(recipe))
            yield task

    monkeypatch.setattr(running, "plan_folds", changed)
    assert run_study(asked_store, REQUEST).n_trained == N_FOLDS // 2


def test_changed_code_and_packages_are_not_served_from_before(asked_store, monkeypatch):
    monkeypatch.setattr(recipes_module, "code_hash", lambda *_: "other")
    assert run_study(asked_store, REQUEST).n_served == 0
    monkeypatch.setattr(recipes_module, "version", lambda name: "9.9")
    assert run_study(asked_store, REQUEST).n_served == 0


def test_damaged_results_are_told_and_trained_anew(store):
    first = run_study(store, REQUEST)
    files = kept_files(store)
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:-20])
    again = run_study(store, REQUEST)
    assert (again.n_trained, again.n_served) == (2, N_FOLDS - 2)
    assert outcomes_of(again) == outcomes_of(first)
    (note,) = again.notes
    assert "2 kept results were damaged" in note
    assert str(files[0]) in note
    assert run_study(store, REQUEST).notes == ()


def test_a_fold_that_fails_stops_no_other(store, monkeypatch):
    real = fold_workers.run_fold

    def fail(estimator, blocks, *args, **kwargs):
        if type(estimator).__name__ == "SVC" and len(blocks) == 2:
            raise ValueError("the numbers are too large")
        return real(estimator, blocks, *args, **kwargs)

    monkeypatch.setattr(fold_workers, "run_fold", fail)
    study = run_study(store, REQUEST)
    failed = [cell for cell in study.cells if not cell.computed]
    assert {(cell.estimator, cell.models) for cell in failed} == {("svm", ("logmel", "mfcc"))}
    assert all("the numbers are too large" in cell.reason for cell in failed)
    assert study.n_trained == N_FOLDS - 6
    monkeypatch.setattr(fold_workers, "run_fold", real)
    assert run_study(store, REQUEST).n_trained == 6


def test_results_that_cannot_be_kept_are_refused_before_training(store, monkeypatch):
    monkeypatch.setattr(fold_workers, "run_fold", None)
    with pytest.raises(LedgerError, match="results="):
        run_study(store, REQUEST, results=store / "zarr.json")


def test_networks_keep_their_training_history(store):
    request = dataclasses.replace(
        REQUEST, estimators=("reno", "svm"), protocols=("paper",), settings={"reno": SHORT}
    )
    study = run_study(store, request)
    (cell,) = study.select(protocol="paper", estimator="reno")
    epochs = cell.folds[0].history
    assert [epoch["epoch"] for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert {"train_cross_entropy", "train_divergence_excess"} <= epochs[0].keys()
    assert cell.folds[0].n_parameters > 1_000
    (svm,) = study.select(protocol="paper", estimator="svm", models=("mfcc",))
    assert svm.folds[0].history == ()


def test_recall_gives_what_was_kept_and_trains_nothing(store, monkeypatch):
    asked = run_study(store, REQUEST)
    monkeypatch.setattr(fold_workers, "run_fold", None)
    recalled = recall_study(store)
    assert recalled.cells == asked.cells
    assert recalled.request == asked.request
    assert recalled.n_trained == 0


def test_recall_of_a_study_that_was_cut_off_says_what_is_not_there_yet(store):
    run_study(store, dataclasses.replace(REQUEST, protocols=("paper",)))
    Ledger(results_folder(store)).keep_note("last-request", REQUEST.to_dict())
    recalled = recall_study(store)
    assert {cell.protocol for cell in recalled.cells if cell.computed} == {"paper"}
    missing = [cell for cell in recalled.cells if not cell.computed]
    assert {cell.reason for cell in missing} == {"not computed yet"}
    assert {cell.remedy.function for cell in missing} == {"run_study"}


def test_a_note_of_an_older_version_is_understood(asked_store):
    ledger = Ledger(results_folder(asked_store))
    note = REQUEST.to_dict()
    for added in ("min_clips", "settings", "alone"):
        del note[added]
    ledger.keep_note("last-request", note)
    assert recall_study(asked_store).request == REQUEST


def test_recall_of_nothing_says_what_to_type(store):
    with pytest.raises(LedgerError, match=r"run_study\(store=.*my\.zarr.*cries"):
        recall_study(store)


@pytest.mark.parametrize(
    "change",
    [
        {"x": 1},
        {"n_folds": "5"},
        {"n_folds": None},
        {"paper_names": []},
        {"device": 3},
        {"estimators": ["xgb"]},
        {"seeds": [0, 0]},
        {"pairs": [["mfcc"]]},
    ],
    ids=str,
)
def test_recall_of_an_unintelligible_request_says_what_to_do(store, change):
    told = {**REQUEST.to_dict(), **change}
    Ledger(results_folder(store)).keep_note("last-request", told)
    with pytest.raises(LedgerError, match=r"cannot be understood \(.*[^.]\)\..*run_study"):
        recall_study(store)


def test_a_damaged_note_is_said_to_be_that(asked_store):
    (note,) = (results_folder(asked_store) / "notes").iterdir()
    note.write_text("{")
    with pytest.raises(LedgerError, match=r"last-request\.json.* is damaged.*folds are kept"):
        recall_study(asked_store)


def test_recall_leaves_datasets_out_that_have_gone(tmp_path):
    store = make_study_store(tmp_path / "my.zarr", cries={}, laughs={"seed": 1})
    run_study(store, dataclasses.replace(REQUEST, datasets=("cries", "laughs")))
    only = make_study_store(tmp_path / "other.zarr", cries={})
    recalled = recall_study(only, results=results_folder(store))
    assert [each.name for each in recalled.datasets] == ["cries"]
    assert all(cell.computed for cell in recalled.cells)
    assert any("laughs" in note for note in recalled.notes)
    none = make_study_store(tmp_path / "third.zarr", screams={})
    with pytest.raises(LedgerError, match=r"cries, laughs.*no longer in"):
        recall_study(none, results=results_folder(store))


def test_recall_of_some_datasets_keeps_the_models_of_all(tmp_path):
    store = make_study_store(tmp_path / "my.zarr", cries={}, laughs={"models": ("mfcc",)})
    run_study(store, dataclasses.replace(REQUEST, datasets=("cries", "laughs")))
    whole = [cell for cell in recall_study(store).cells if cell.dataset == "laughs"]
    assert list(recall_study(store, datasets=["laughs"]).cells) == whole
    assert "laughs has no embeddings of logmel" in {cell.reason for cell in whole}
    with pytest.raises(UnknownNameError, match="screams"):
        recall_study(store, datasets=["screams"])


def test_remedies_name_the_results_where_they_lie_elsewhere(store, tmp_path):
    with pytest.raises(LedgerError) as caught:
        recall_study(store, results=tmp_path / "else where")
    (remedy,) = caught.value.remedies
    assert remedy.arguments["results"] == str(tmp_path / "else where")


def test_a_failed_fold_is_recalled_with_its_reason(store, monkeypatch):
    def fail(*_, **__):
        raise IndexError("index 3 is out of bounds")

    real = fold_workers.run_fold
    monkeypatch.setattr(fold_workers, "run_fold", fail)
    failed = run_study(store, REQUEST)
    assert failed.n_trained == 0
    reasons = {cell.reason for cell in failed.cells}
    assert reasons == {"training failed: IndexError: index 3 is out of bounds"}
    assert recall_study(store).cells == failed.cells
    monkeypatch.setattr(fold_workers, "run_fold", real)
    assert run_study(store, REQUEST).n_trained == N_FOLDS


def test_a_history_that_is_not_finite_is_kept():
    score = FoldScore(0.5, 0.5, 0.5, n_train=4, n_test=2, n_labels=2, speaker="ann")
    history = ({"epoch": 1, "valid_loss": float("inf")},)
    outcome = FoldOutcome(score, (0, 1), (0, 0), history, 1.5, 7)
    document = json.loads(json.dumps(outcome_to_json(outcome), allow_nan=False))
    kept = outcome_from_json(document)
    assert np.isnan(kept.history[0]["valid_loss"])
    assert dataclasses.replace(kept, history=history) == outcome


def test_a_killed_process_is_told_and_what_was_finished_is_kept(store):
    class Kills(DummyClassifier):
        def fit(self, X, y):
            os.kill(os.getpid(), signal.SIGKILL)

    prepared = prepare(
        REQUEST, open_store(store), "cries", facts_of_models(REQUEST, open_store(store))
    )
    cells = plan_cells(REQUEST, prepared, facts_of_models(REQUEST, open_store(store)), [])
    (task, *_) = plan_folds(REQUEST, prepared, cells)
    tasks = [dataclasses.replace(task, estimator=Kills())]
    ledger = Ledger(results_folder(store))
    workers = fold_workers.ProcessFolds(prepared, standardize=True, n_jobs=2)
    with pytest.raises(TrainingError, match="was killed") as caught:
        list(training.Training(prepared, ledger, True, workers).run(tasks))
    assert caught.value.remedies[0].arguments == {"n_jobs": ...}
    assert not list((ledger.folder / "claims").glob("*.lock"))


def test_an_old_study_is_not_taken_for_one_of_changed_embeddings(results, tmp_path):
    other = make_study_store(tmp_path / "b.zarr", cries={"seed": 1})
    recalled = recall_study(other, results=results)
    assert not any(cell.computed for cell in recalled.cells)


def test_progress_says_how_many_are_kept_already(store, capsys):
    run_study(store, dataclasses.replace(REQUEST, protocols=("paper",)))
    run_study(store, REQUEST, progress=True)
    told = capsys.readouterr().err
    assert f"{N_FOLDS // 2} folds to train" in told
    assert "folds/" in told
