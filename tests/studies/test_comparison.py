"""Several estimators, models and protocols over one dataset of a store."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

import reno_store
from reno_store.errors import (
    DeviceError,
    MissingEmbeddingsError,
    ProtocolError,
    UnknownNameError,
)
from reno_store.samples import open_store
from reno_store.store import StoreWriter
from reno_store.studies import ESTIMATORS, classifiers, evaluate, evaluate_store

DIMS = {"mfcc": 4, "logmel": 6, "egemaps": 3}
N_CLIPS = 36
LABELS = np.array(["anger", "fear"])[np.arange(N_CLIPS) % 2]


def make_store(path, *, speakers, lacking=()):
    """A dataset of three models, where `mfcc` lacks some clips and the rest is whole."""
    rng = np.random.default_rng(0)
    columns = {
        "clip_id": [f"clip{i:02}" for i in range(N_CLIPS)],
        "path": [f"clip{i:02}.wav" for i in range(N_CLIPS)],
        "label": LABELS.tolist(),
        "speaker": speakers,
        "audio_sha256": [f"{i:064x}" for i in range(N_CLIPS)],
    }
    with StoreWriter.open(path) as writer:
        rows = writer.put_clips("cries", columns)
        for model, dim in DIMS.items():
            array = rng.normal(size=(N_CLIPS, dim)).astype(np.float32)
            array[:, 0] += 4 * (LABELS == "fear")
            writer.add_model("cries", model, {"model": model}, dim)
            kept = np.setdiff1d(rows, lacking) if model == "mfcc" else rows
            writer.put_embeddings("cries", model, kept, array[kept])
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    speakers = [f"s{i // 6}" for i in range(N_CLIPS)]
    return make_store(tmp_path_factory.mktemp("whole") / "embeddings.zarr", speakers=speakers)


@pytest.fixture(scope="module")
def holed_store(tmp_path_factory):
    return make_store(
        tmp_path_factory.mktemp("holed") / "embeddings.zarr",
        speakers=["", *(f"s{i // 6}" for i in range(1, N_CLIPS))],
        lacking=[3, 7],
    )


@pytest.fixture
def guesses(monkeypatch):
    """Estimators that guess, so that only what goes on around them is seen and timed."""
    made = []

    def make_guess(name):
        def make(**parameters):
            made.append((name, parameters))
            return DummyClassifier(strategy="most_frequent")

        return make

    changed = {name: replace(choice, make=make_guess(name)) for name, choice in ESTIMATORS.items()}
    monkeypatch.setattr(classifiers, "ESTIMATORS", changed)
    return made


def test_results_come_in_the_order_of_protocols_estimators_and_models(store, guesses):
    result = evaluate_store(
        store,
        "cries",
        models=["mfcc", "logmel"],
        estimators=["reno", "fcn"],
        protocols=["speaker", "paper"],
        n_folds=2,
    )
    both = ("mfcc", "logmel")
    assert [(each.protocol, each.estimator, each.models) for each in result.evaluations] == [
        ("speaker", "reno", both),
        ("speaker", "fcn", ("mfcc",)),
        ("speaker", "fcn", ("logmel",)),
        ("paper", "reno", both),
        ("paper", "fcn", ("mfcc",)),
        ("paper", "fcn", ("logmel",)),
    ]


def test_all_estimators_are_run_on_two_models(store, guesses):
    result = evaluate_store(store, "cries", models=["mfcc", "logmel"], n_folds=2)
    assert [(each.estimator, len(each.models)) for each in result.evaluations] == [
        *(("fcn", 1), ("fcn", 1)),
        *(("cnn", 1), ("cnn", 1)),
        *(("concat", 2), ("reno", 2)),
        *(("logreg", 1), ("logreg", 1), ("logreg", 2)),
    ]


def test_one_model_is_given_to_the_estimators_of_one(store, guesses):
    result = evaluate_store(store, "cries", models=["mfcc"], n_folds=2)
    assert [each.estimator for each in result.evaluations] == ["fcn", "cnn", "logreg"]
    assert {each.protocol for each in result.evaluations} == {"paper"}


def test_three_models_are_fused_together(store, guesses):
    result = evaluate_store(
        store, "cries", models=["mfcc", "logmel", "egemaps"], estimators=["reno"], n_folds=2
    )
    (evaluation,) = result.evaluations
    assert evaluation.models == ("mfcc", "logmel", "egemaps")
    assert guesses[0][1]["block_sizes"] == (4, 6, 3)


def test_seed_device_and_blocks_reach_the_estimators(store, guesses):
    evaluate_store(
        store, "cries", models=["logmel", "mfcc"], estimators=["fcn", "reno"], n_folds=2, seed=5
    )
    assert guesses == [
        ("fcn", {"random_state": 5, "device": "cpu"}),
        ("fcn", {"random_state": 5, "device": "cpu"}),
        ("reno", {"block_sizes": (6, 4), "random_state": 5, "device": "cpu"}),
    ]


def test_several_seeds_repeat_everything_with_each(store, guesses, capfd):
    result = evaluate_store(
        store,
        "cries",
        models=["mfcc", "logmel"],
        estimators=["fcn"],
        protocols=["paper", "speaker"],
        n_folds=2,
        seed=[4, 0],
        progress=True,
    )
    assert [(each.protocol, each.models[0], each.seed) for each in result.evaluations] == [
        *(("paper", "mfcc", 4), ("paper", "mfcc", 0)),
        *(("paper", "logmel", 4), ("paper", "logmel", 0)),
        *(("speaker", "mfcc", 4), ("speaker", "mfcc", 0)),
        *(("speaker", "logmel", 4), ("speaker", "logmel", 0)),
    ]
    assert [parameters["random_state"] for _, parameters in guesses] == [4, 0] * 4
    assert [each.seeds for each in result.repeats] == [(4, 0)] * 4
    assert "16/16" in capfd.readouterr().err


def test_a_repeat_is_what_its_seed_alone_gives(store):
    options = {"models": ["mfcc"], "estimators": ["fcn"], "n_folds": 2}
    both = evaluate_store(store, "cries", **options, seed=(1, 2))
    alone = [evaluate_store(store, "cries", **options, seed=seed).evaluations for seed in (1, 2)]
    assert both.evaluations == alone[0] + alone[1]
    assert both.evaluations[0].folds != both.evaluations[1].folds


def test_a_seed_given_twice_is_refused_before_anything_is_run(store, guesses):
    with pytest.raises(ProtocolError, match="seed 1 is given twice"):
        evaluate_store(store, "cries", models=["mfcc"], seed=[1, 1])
    assert not guesses


def test_scores_are_those_of_evaluate_on_what_the_store_gives(store):
    result = evaluate_store(
        store, "cries", models=["mfcc", "logmel"], estimators=["concat"], n_folds=2, seed=1
    )
    samples = open_store(store).load("cries", ["mfcc", "logmel"])
    concat = ESTIMATORS["concat"].make(block_sizes=(4, 6), random_state=1)
    assert result.evaluations == (evaluate(samples, concat, name="concat", n_folds=2, seed=1),)


def test_networks_and_probe_learn_what_the_store_holds_about_unheard_speakers(store):
    result = evaluate_store(
        store, "cries", models=["mfcc", "logmel"], protocols=["speaker"], n_folds=3
    )
    assert len(result.evaluations) == 9
    for evaluation in result.evaluations:
        assert evaluation.mean("accuracy") > 0.75, evaluation.estimator


def test_standardize_can_be_turned_off(store, guesses):
    options = {"models": ["mfcc"], "estimators": ["fcn"], "n_folds": 2}
    assert evaluate_store(store, "cries", **options).evaluations[0].standardized
    raw = evaluate_store(store, "cries", **options, standardize=False)
    assert not raw.evaluations[0].standardized


def test_counts_say_what_was_used(store, guesses):
    result = evaluate_store(store, "cries", models=["mfcc"], n_folds=2)
    assert (result.dataset, result.n_clips, result.n_left_out) == ("cries", 36, 0)
    assert (result.n_labels, result.n_speakers, result.majority) == (2, 6, 0.5)


def test_missing_embeddings_are_refused(holed_store):
    with pytest.raises(MissingEmbeddingsError) as caught:
        evaluate_store(holed_store, "cries", models=["mfcc", "logmel"], n_folds=2)
    message = str(caught.value)
    assert "2 of 36 clips of 'cries' have no embedding of mfcc and logmel" in message
    assert "'clip03', 'clip07'" in message
    assert "missing='drop'" in message


def test_missing_embeddings_are_left_out_for_all_models_and_counted(holed_store, guesses):
    result = evaluate_store(
        holed_store, "cries", models=["logmel", "mfcc"], n_folds=2, missing="drop"
    )
    assert (result.n_clips, result.n_left_out) == (34, 2)
    assert result.majority == pytest.approx(18 / 34)
    for evaluation in result.evaluations:
        assert [fold.n_train + fold.n_test for fold in evaluation.folds] == [34, 34]


def test_unknown_speakers_are_not_counted_as_one(holed_store, guesses):
    result = evaluate_store(holed_store, "cries", models=["logmel"], n_folds=2)
    assert result.n_speakers == 6


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"estimators": ["rono"]}, "unknown estimator 'rono'; did you mean 'reno'? Choices: cnn"),
        ({"protocols": ["papr"]}, "unknown protocol 'papr'; did you mean 'paper'?"),
        ({"models": ["mfc"]}, "'mfc'; did you mean 'mfcc'? Choices: egemaps, logmel, mfcc."),
        ({"dataset": "crys"}, "'crys'; did you mean 'cries'? Choices: cries."),
    ],
)
def test_unknown_names_suggest_the_nearest(store, change, told):
    request = {"dataset": "cries", "models": ["mfcc", "logmel"], **change}
    with pytest.raises(UnknownNameError) as caught:
        evaluate_store(store, **request)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["concat", "reno"])
def test_fusion_of_one_model_is_refused(store, name):
    with pytest.raises(ProtocolError) as caught:
        evaluate_store(store, "cries", models=["mfcc"], estimators=["fcn", name])
    assert str(caught.value).startswith(f"{name} fuses models and needs at least two, got 1.")
    assert "--estimator fcn or cnn" in str(caught.value)


def test_a_model_named_twice_is_refused(store):
    with pytest.raises(ProtocolError, match="'mfcc' is named twice; name each once"):
        evaluate_store(store, "cries", models=["mfcc", "logmel", "mfcc"])


def test_every_protocol_is_checked_before_the_first_is_run(store, guesses):
    with pytest.raises(ProtocolError, match="6 speakers cannot be divided into 7"):
        evaluate_store(store, "cries", models=["mfcc"], protocols=["paper", "speaker"], n_folds=7)
    assert not guesses


def test_one_speaker_is_left_out_in_each_fold_whatever_the_number_of_folds(store, guesses, capfd):
    result = evaluate_store(
        store,
        "cries",
        models=["mfcc"],
        estimators=["fcn"],
        protocols=["loso", "paper"],
        n_folds=2,
        progress=True,
    )
    loso, paper = result.evaluations
    assert [fold.speaker for fold in loso.folds] == [f"s{i}" for i in range(6)]
    assert len(paper.folds) == 2
    assert "8/8" in capfd.readouterr().err


def test_devices_that_are_not_there_are_refused(store):
    with pytest.raises(DeviceError, match="device 'gpu' is unknown"):
        evaluate_store(store, "cries", models=["mfcc"], estimators=["fcn"], device="gpu")


def test_progress_is_shown_on_standard_error_when_asked(store, guesses, capfd):
    options = {"models": ["mfcc"], "n_folds": 2}
    evaluate_store(store, "cries", **options, progress=True)
    out, err = capfd.readouterr()
    assert "evaluating" in err
    assert "6/6" in err
    assert "folds/" in err
    assert not out
    evaluate_store(store, "cries", **options, progress=False)
    assert capfd.readouterr() == ("", "")


def test_dict_of_a_comparison_is_json_with_everything(store, guesses):
    result = evaluate_store(store, "cries", models=["mfcc"], estimators=["fcn"], n_folds=2)
    told = json.loads(json.dumps(result.to_dict()))
    (evaluation,) = told.pop("evaluations")
    assert told.pop("repeats") == [
        {
            "protocol": "paper",
            "estimator": "fcn",
            "models": ["mfcc"],
            "seeds": [0],
            "n_scores": 2,
            "n_collapsed": 2,
            "mean": evaluation["mean"],
            "sd": evaluation["sd"],
        }
    ]
    assert told.pop("reno_store_version") == reno_store.__version__
    summary = open_store(store).summary()
    (row,) = [row for row in summary if (row.dataset, row.model) == ("cries", "mfcc")]
    assert told.pop("fingerprints") == {"mfcc": row.fingerprint}
    assert evaluation["parameters"] == json.loads(json.dumps(result.evaluations[0].parameters))
    assert told == {
        "dataset": "cries",
        "n_clips": 36,
        "n_labels": 2,
        "n_speakers": 6,
        "n_left_out": 0,
        "min_clips": 1,
        "rare_labels": {},
        "majority": 0.5,
    }
    assert evaluation["mean"]["accuracy"] == 0.5
