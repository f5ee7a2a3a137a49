"""What is trained is what the studies evaluate; what cannot recognize is refused at once."""

import dataclasses
import html

import numpy as np
import pytest
from factories.checkpoints import write_checkpoint
from factories.recognizers import LABELS, SMALL
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import reno_store as rs
from reno_store.errors import (
    ModelError,
    ProtocolError,
    RecognizerError,
    SearchError,
    UnknownNameError,
)
from reno_store.recognition.models import absolute_spec, find_spec
from reno_store.samples.recordings import loaded_model
from reno_store.store import StoreWriter

PAIR = ["mfcc", "logmel"]


def quick(corpus, models=PAIR, **how):
    how = {"settings": SMALL, "scores": False, "progress": False} | how
    return rs.train_recognizer(corpus / "my.zarr", "cries", models, **how)


def test_it_is_the_classifier_of_the_studies_on_all_clips(trained, samples, paths):
    scaler = StandardScaler().fit(samples.X)
    reno = rs.RENOClassifier(block_sizes=samples.block_sizes, random_state=0, **SMALL)
    with threadpool_limits(limits=1):
        reno.fit(scaler.transform(samples.X), samples.y, groups=samples.groups)
    expected = reno.decision_function(scaler.transform(samples.X)) / trained.temperature
    expected = np.exp(expected - expected.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(trained.predict_proba(paths), expected, atol=1e-12)
    assert trained.predict(paths).tolist() == reno.predict(scaler.transform(samples.X)).tolist()
    assert trained.classes_.tolist() == sorted(LABELS)


def test_without_calibration_probabilities_are_the_classifiers_own(corpus, samples, paths):
    for standardize in (True, False):
        recognizer = quick(corpus, standardize=standardize)
        X = recognizer.scaler.transform(samples.X) if standardize else samples.X
        assert (recognizer.scaler is None) != standardize
        assert recognizer.temperature is None
        expected = recognizer.classifier.predict_proba(X)
        assert recognizer.predict_proba(paths).tobytes() == expected.tobytes()


def test_embeddings_are_those_of_the_store_to_the_last_bit(trained, samples, corpus, paths):
    found, failures = trained.embed([corpus / path for path in paths])
    assert found.tobytes() == samples.X.tobytes()
    assert not failures


@pytest.mark.parametrize(
    "how", [{"storage": "float16"}, {"window_s": 0.3, "hop_s": 0.1}], ids=["float16", "windows"]
)
def test_rounding_and_windows_of_the_store_are_repeated(corpus, paths, tmp_path, how):
    rs.build_store(corpus / "cries.csv", tmp_path / "my.zarr", PAIR, **how)
    expected = rs.open_store(tmp_path / "my.zarr").load("cries", PAIR).X
    recognizer = rs.train_recognizer(
        tmp_path / "my.zarr", "cries", PAIR, settings=SMALL, scores=False, progress=False
    )
    loaded = rs.load_recognizer(rs.save_recognizer(recognizer, tmp_path / "laughs"))
    found, _ = loaded.embed([corpus / path for path in paths])
    assert found.tobytes() == expected.tobytes()


class TestRefusals:
    def test_imported_embeddings_cannot_recognize(self, corpus, tmp_path):
        rs.export_samples(corpus / "my.zarr", "cries", "mfcc", tmp_path / "x.npz")
        rs.build_store(corpus / "cries.csv", tmp_path / "my.zarr", "mfcc")
        rs.import_embeddings(
            tmp_path / "x.npz",
            tmp_path / "my.zarr",
            dataset="cries",
            model="theirs",
            provenance="their model",
        )
        with pytest.raises(RecognizerError, match=r"theirs.*imported \(their model\)"):
            rs.train_recognizer(tmp_path / "my.zarr", "cries", ["mfcc", "theirs"])

    def test_another_model_at_the_place_is_refused(self, corpus):
        with pytest.raises(ModelError, match=r"(?s)not the one of training.*kind: in training"):
            quick(corpus, ["mfcc=logmel", "logmel"])

    def test_a_model_that_is_not_here_is_reported(self, corpus, capsys, tmp_path):
        recognizer = quick(corpus, [f"mfcc=hf:{tmp_path}/gone", "logmel"])
        assert "Predictions need it" in capsys.readouterr().err
        with pytest.raises(ModelError, match="cannot be loaded here"):
            recognizer.predict([corpus / "00.wav"])

    def test_unknown_names_and_settings_are_refused(self, corpus):
        with pytest.raises(UnknownNameError, match="did you mean 'mfcc'"):
            quick(corpus, ["mfc", "logmel"])
        with pytest.raises(SearchError, match=r"reno\.btea"):
            quick(corpus, settings={"btea": 2})
        with pytest.raises(SearchError, match="one value each"):
            quick(corpus, settings={"beta": (1.5, 2.0)})
        with pytest.raises(ProtocolError, match="at least two"):
            quick(corpus, ["mfcc"])
        with pytest.raises(ProtocolError, match="of one model, got 2"):
            quick(corpus, estimator="fcn", settings={})
        with pytest.raises(ProtocolError, match="named twice"):
            quick(corpus, ["mfcc", "mfcc"])

    def test_a_classifier_without_probabilities_must_be_calibrated(self, corpus, paths, samples):
        pytest.importorskip("skops")
        linear = {"estimator": "LinearSVC", "settings": {}}
        with pytest.raises(RecognizerError, match="no probabilities"):
            quick(corpus, **linear)
        recognizer = quick(corpus, calibrate=True, **linear)
        assert recognizer.predict_proba(paths).sum(axis=1) == pytest.approx(1)
        assert (recognizer.predict(paths) == samples.y).mean() > 0.8


def test_places_are_found_in_fingerprints():
    source = {"repository": "someone/model", "commit": "abc"}
    fingerprint = {"kind": "huggingface", "layer": 9, "pooling": "mean", "source": source}
    assert find_spec("w", fingerprint) == "w=hf:someone/model?layer=9&pool=mean&revision=abc"
    in_context = {**fingerprint, "context": "clip"}
    assert "&context=clip&" in find_spec("wavlm-base", in_context)
    assert "?layer=0&" in find_spec("w", {**fingerprint, "layer": 0})
    assert find_spec("wavlm-base", {"kind": "huggingface"}) == "wavlm-base"
    assert find_spec("mfcc", {"kind": "mfcc"}) == "mfcc"
    assert find_spec("m", {"kind": "mfcc"}) == "m=mfcc"
    with pytest.raises(RecognizerError, match="does not say from which folder"):
        find_spec("w", {"kind": "huggingface", "layer": 9, "pooling": "mean"})


def test_relative_folders_become_absolute(tmp_path, monkeypatch):
    (tmp_path / "ckpt").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute_spec("w=hf:ckpt?layer=3") == f"w=hf:{tmp_path}/ckpt?layer=3"
    assert absolute_spec("w=hf:someone/model") == "w=hf:someone/model"


def test_clips_without_embedding_can_be_left_out(corpus, tmp_path):
    rs.build_store(corpus / "cries.csv", tmp_path / "my.zarr", PAIR)
    with StoreWriter.open(tmp_path / "my.zarr") as writer, writer.model("cries", "mfcc") as rows:
        rows.forget(np.arange(2))
    how = {"settings": SMALL, "scores": False, "progress": False}
    with pytest.raises(rs.RenoStoreError, match="2 of 36 clips"):
        rs.train_recognizer(tmp_path / "my.zarr", "cries", PAIR, **how)
    recognizer = rs.train_recognizer(tmp_path / "my.zarr", "cries", PAIR, missing="drop", **how)
    assert recognizer.trained_on["n_clips"] == 34


def test_a_model_of_a_folder_is_named_and_may_move(corpus, tmp_path):
    folder = write_checkpoint(tmp_path / "ckpt", "wav2vec2")
    spec = f"mine=hf:{folder}?layer=1"
    rs.build_store(corpus / "cries.csv", tmp_path / "my.zarr", spec)
    how = {"estimator": "fcn", "settings": {"max_epochs": 1}, "scores": False, "progress": False}
    with pytest.raises(RecognizerError, match="from which folder"):
        rs.train_recognizer(tmp_path / "my.zarr", "cries", "mine", **how)
    trained = rs.train_recognizer(tmp_path / "my.zarr", "cries", spec, **how)
    saved = rs.save_recognizer(trained, tmp_path / "laughs")
    paths = [corpus / "00.wav", corpus / "01.wav"]
    expected = trained.predict_proba(paths)
    folder.rename(tmp_path / "moved")
    loaded_model.cache_clear()
    with pytest.raises(ModelError, match="cannot be loaded here"):
        rs.load_recognizer(saved).predict(paths)
    moved = rs.load_recognizer(saved, models=f"mine=hf:{tmp_path}/moved?layer=1")
    assert moved.predict_proba(paths).tobytes() == expected.tobytes()
    other = rs.load_recognizer(saved, models=f"mine=hf:{tmp_path}/moved")
    with pytest.raises(ModelError, match="layer: in training 1"):
        other.predict(paths)


def test_a_notebook_shows_labels_models_and_card(trained):
    shown = trained._repr_html_()
    for label in trained.classes_:
        assert html.escape(label) in shown
    for model in trained.models:
        assert f"<td>{model.name}</td>" in shown
    assert f"temperature {trained.temperature:.3g}" in shown
    assert "dataset cries, n_clips 36" in shown
    assert "<pre>---" in shown or "<pre>#" in shown
    plain = dataclasses.replace(trained, temperature=None, card="")
    assert "calibrated" not in plain._repr_html_()
    assert "<pre>" not in plain._repr_html_()
