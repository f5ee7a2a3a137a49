"""The card is read by people and by the hub."""

import json

import numpy as np
import pytest
from factories.recognizers import LABELS, SMALL

import reno_store as rs
from reno_store.studies import StudyRequest, run_study


def header_of(card):
    _, header, _ = card.split("---\n", 2)
    pairs = (line.split(": ", 1) for line in header.splitlines())
    return {name: json.loads(value) for name, value in pairs}


def section(card, title):
    return card.split(f"## {title}")[1].split("\n## ")[0]


def test_the_header_is_what_the_hub_reads(trained):
    yaml = pytest.importorskip("yaml")
    header = header_of(trained.card)
    assert yaml.safe_load(trained.card.split("---\n")[1]) == header
    assert header["license"] == "other"
    assert header["library_name"] == "reno-store"
    assert header["pipeline_tag"] == "audio-classification"
    results = header["model-index"][0]["results"]
    assert [each["dataset"]["name"] for each in results] == [
        "cries, protocol paper",
        "cries, protocol speaker",
    ]


def test_scores_are_those_of_kept_folds(trained, corpus):
    request = StudyRequest(
        "cries",
        models=("mfcc", "logmel"),
        pairs=("mfcc,logmel",),
        estimators=("reno",),
        n_folds=2,
        settings={"reno": SMALL},
    )
    study = run_study(corpus / "my.zarr", request, remember=False)
    assert study.n_trained == 0
    results = header_of(trained.card)["model-index"][0]["results"]
    for cell, result in zip(study.cells, results, strict=True):
        assert result["metrics"][0]["value"] == round(cell.mean("accuracy"), 4)
        assert f"| {cell.protocol} | {100 * cell.mean('accuracy'):.1f} ±" in trained.card
    table = section(trained.card, "Confusion, protocol speaker")
    numbers = [word for word in table.split() if word.isdigit()]
    assert numbers == [str(n) for n in study.cells[1].confusion().to_numpy().ravel()]


def test_it_says_what_it_was_trained_on_and_its_limits(trained):
    card = trained.card
    data = section(card, "Training data")
    assert "36 clips, 6 speakers" in data
    for label in LABELS:
        assert f"| {label} | 12 |" in data
    assert "Chance: 33.3 %" in section(card, "Scores")
    assert "temperature" in section(card, "Calibration")
    assert "Not for decisions about people" in card
    assert "| model: mfcc | MIT |" in section(card, "Licences")
    assert "| data: cries | not known to reno-store |" in section(card, "Licences")


def test_known_corpora_have_their_licence(corpus, tmp_path):
    rs.build_store(corpus / "cries.csv", tmp_path / "my.zarr", "mfcc", dataset="vivae")
    recognizer = rs.train_recognizer(
        tmp_path / "my.zarr",
        "vivae",
        "mfcc",
        estimator="fcn",
        settings={"max_epochs": 1},
        scores=False,
        licence="cc-by-nc-4.0",
        progress=False,
    )
    assert "| data: vivae | CC BY-NC 4.0" in recognizer.card
    assert header_of(recognizer.card)["license"] == "cc-by-nc-4.0"
    assert "Not evaluated" in section(recognizer.card, "Scores")
    assert "Calibration" not in recognizer.card
    assert "not calibrated" in section(recognizer.card, "Limits")


def test_a_protocol_that_is_not_possible_says_why(corpus, tmp_path):
    lines = (corpus / "cries.csv").read_text().splitlines()
    unknown = [lines[0], *(line.rpartition(",")[0] + "," for line in lines[1:])]
    (tmp_path / "cries.csv").write_text("\n".join(unknown))
    how = {"audio_folder": corpus}
    rs.build_store(tmp_path / "cries.csv", tmp_path / "my.zarr", "mfcc", **how)
    recognizer = rs.train_recognizer(
        tmp_path / "my.zarr",
        "cries",
        "mfcc",
        estimator="fcn",
        settings={"max_epochs": 1},
        n_folds=2,
        calibrate=True,
        progress=False,
    )
    scores = section(recognizer.card, "Scores")
    assert "| speaker | not possible" in scores
    assert "the speaker of 36 of 36 clips is unknown" in scores
    assert "Confusion, protocol paper" in recognizer.card
    assert "clips (speakers are not known)" in section(recognizer.card, "Calibration")
    assert "Speakers are not known" in section(recognizer.card, "Limits")


def test_labels_do_not_break_tables(corpus, tmp_path):
    text = (corpus / "cries.csv").read_text().replace("cry", "a|b <i>`x`")
    (tmp_path / "odd.csv").write_text(text)
    rs.build_store(tmp_path / "odd.csv", tmp_path / "my.zarr", "mfcc", audio_folder=corpus)
    recognizer = rs.train_recognizer(
        tmp_path / "my.zarr",
        "odd",
        "mfcc",
        estimator="fcn",
        settings={"max_epochs": 1},
        scores=False,
    )
    assert "| a\\|b &lt;i&gt;\\`x\\` | 12 |" in recognizer.card


class TestCalibration:
    def test_a_temperature_changes_no_label(self, trained, samples):
        logits = np.log(trained.probabilities(samples.X))
        own = trained.classifier.decision_function(trained.scaler.transform(samples.X))
        assert (logits.argmax(axis=1) == own.argmax(axis=1)).all()
        centred = own - own.mean(axis=1, keepdims=True)
        scaled = (logits - logits.mean(axis=1, keepdims=True)) * trained.temperature
        np.testing.assert_allclose(scaled, centred, atol=1e-9)

    def test_overconfidence_is_repaired(self):
        from reno_store.recognition.calibration import fit_calibration

        rng = np.random.default_rng(0)
        folds = []
        for _ in range(3):
            codes = rng.integers(4, size=500)
            heard = np.where(rng.random(500) < 0.6, codes, rng.integers(4, size=500))
            folds.append((9.0 * np.eye(4)[heard] + rng.normal(size=(500, 4)), codes))
        calibration = fit_calibration(folds, "speaker")
        assert calibration.error_before > 0.25
        assert calibration.error_after < 0.05
        assert calibration.temperature > 2
        assert calibration.n_clips == 1500
