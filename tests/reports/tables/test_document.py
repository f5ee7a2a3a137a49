"""The study as JSON: strictly valid, with every fold's numbers."""

import json
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from factories.made_up_studies import LABELS
from factories.odd_studies import (
    change_cells,
    conclude,
    keep_folds,
    make_study,
)

from reno_store.reports.tables import tables_of, to_json
from reno_store.studies import StudyRequest


def read(study, **conclusions):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(to_json(study, **conclusions), parse_constant=refuse)


def test_facts_request_and_versions_are_told():
    study = make_study(datasets=("jnv", "cries"), seeds=(0, 3))
    study = replace(study, notes=("one kept result was damaged",))
    told = read(study)
    assert told["notes"] == ["one kept result was damaged"]
    assert told["command"].startswith("run_study(")
    assert StudyRequest.from_dict(told["request"]) == study.request
    assert told["versions"] == {"reno-store": "0.1.0", "torch": "2.13.0"}
    assert told["store"] == "s.zarr"
    assert told["results"] == "s.results"
    assert told["datasets"][0] == {
        "name": "jnv",
        "n_clips": 200,
        "n_left_out": 0,
        "rare_labels": {},
        "n_speakers": 4,
        "labels": dict.fromkeys(LABELS, 50),
        "paper_name": "jnv",
        "majority": 25.0,
    }
    assert told["models"][0] == {
        "name": "audio-mamba-tiny",
        "letter": "A(T)",
        "family": "mamba",
        "dim": 960,
        "fingerprint": "aaaaaaaaaaaa",
    }


def test_a_cell_tells_its_scores_in_per_cent_and_every_fold():
    study = make_study(seeds=(0, 3))
    cell = next(study.select(estimator="reno", protocol="speaker"))
    (told,) = [
        each
        for each in read(study)["cells"]
        if (each["estimator"], each["protocol"], tuple(each["models"]))
        == ("reno", "speaker", cell.models)
    ]
    scores = told["scores"]["accuracy"]
    assert scores["mean"] == 100 * cell.mean("accuracy")
    assert scores["sd"] == 100 * cell.sd("accuracy")
    assert scores["paper"] == 64.54
    assert scores["difference"] == pytest.approx(scores["mean"] - 64.54)
    assert [(fold["seed"], fold["fold"]) for fold in told["folds"]] == [
        (seed, number) for seed in (0, 3) for number in range(1, 6)
    ]
    assert [fold["balanced_accuracy"] for fold in told["folds"]] == [
        100 * score for score in cell.scores("balanced_accuracy")
    ]
    assert told["n"] == 10
    assert told["table"] == "II"
    assert told["labels"] == list(LABELS)
    assert np.array_equal(told["confusion"], cell.confusion().to_numpy())


def test_what_is_not_known_is_null():
    study = change_cells(
        keep_folds(make_study(), 1),
        lambda cell: replace(
            cell,
            parameters=MappingProxyType({"beta": float("inf"), "size": np.int64(3), "of": object}),
            outcomes=tuple(
                tuple(
                    replace(each, score=replace(each.score, balanced_accuracy=float("nan")))
                    for each in folds
                )
                for folds in cell.outcomes
            ),
        ),
    )
    cell = read(study)["cells"][0]
    assert cell["scores"]["accuracy"]["sd"] is None
    assert cell["scores"]["balanced_accuracy"]["mean"] is None
    assert cell["folds"][0]["balanced_accuracy"] is None
    assert cell["parameters"] == {"beta": None, "size": 3, "of": "<class 'object'>"}


def test_tables_come_with_their_notes():
    study = make_study(lacking=("mfcc",))
    assert [each["notes"] for each in read(study)["tables"]] == [
        list(map(str, table.notes)) for table in tables_of(study)
    ]


def test_conclusions_are_told_without_nan():
    study = make_study()
    claims, comparisons = conclude(study)
    told = read(study, claims=claims, comparisons=comparisons)
    assert told["claims"] == [
        {
            "kind": "reno-concat",
            "title": "RENO vs concatenation",
            "dataset": "jnv",
            "protocol": "paper",
            "verdict": "inconclusive",
            "n_comparisons": 1,
            "n_higher": 0,
            "n_lower": 0,
            "n_inconclusive": 1,
            "n_guessing": 0,
            "n_agreeing": 1,
            "mean_difference": 1.25,
            "sentence": claims[0].sentence,
        }
    ]
    (comparison,) = told["comparisons"]
    pair = ["audio-mamba-tiny", "wav2vec2-base"]
    assert comparison["first"] == {
        "protocol": "paper",
        "estimator": "reno",
        "settings": {},
        "models": pair,
        "seeds": [0],
        "n_folds": 5,
    }
    assert comparison["second"]["estimator"] == "concat"
    assert (comparison["kind"], comparison["dataset"], comparison["protocol"]) == (
        "reno-concat",
        "jnv",
        "paper",
    )
    assert comparison["difference"] == 1.25
    assert comparison["interval"] == [-5.0, None]
    assert [comparison[name] for name in ("t", "df", "p", "p_holm")] == [None, 4.0, None, None]
    assert comparison["sentence"] == comparisons[0].sentence
