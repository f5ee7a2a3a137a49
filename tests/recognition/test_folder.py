"""A folder holds all of a recognizer, and one that was changed is refused."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from factories.recognizers import SMALL
from safetensors.numpy import load, save
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

import reno_store as rs
from reno_store.errors import ModelError, RecognizerError, UnknownNameError
from reno_store.recognition.config import hash_config
from reno_store.recognition.scikit import read_classifier


def read(folder):
    return json.loads((folder / "config.json").read_text())


def write(folder, config, *, seal=False):
    """Write a config; `seal` makes its hashes right, as somebody with bad intent would."""
    if seal:
        arrays = load((folder / "model.safetensors").read_bytes())
        content = save(arrays, metadata={"config_sha256": hash_config(config)})
        reseal(folder, config, content)
        return
    (folder / "config.json").write_text(json.dumps(config))


def reseal(folder, config, content):
    import hashlib

    (folder / "model.safetensors").write_bytes(content)
    config["files"]["model.safetensors"] = hashlib.sha256(content).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))


class TestRoundTrip:
    def test_a_folder_predicts_the_same_to_the_last_bit(self, trained, saved, paths):
        loaded = rs.load_recognizer(saved)
        expected = trained.predict_proba(paths)
        assert loaded.predict_proba(paths).tobytes() == expected.tobytes()
        assert loaded.card == trained.card
        assert loaded.models == trained.models
        assert sorted(each.name for each in saved.iterdir()) == [
            "README.md",
            "config.json",
            "model.safetensors",
        ]

    def test_saving_what_was_loaded_gives_the_same_files(self, saved, tmp_path):
        again = rs.save_recognizer(rs.load_recognizer(saved), tmp_path / "again")
        for name in ("README.md", "config.json", "model.safetensors"):
            assert (again / name).read_bytes() == (saved / name).read_bytes()

    @pytest.mark.parametrize("name", ["fcn", "cnn", "concat"])
    def test_every_network_comes_back(self, corpus, paths, tmp_path, name):
        models = ["mfcc", "logmel"] if name == "concat" else "mfcc"
        settings = {"max_epochs": 1, "class_weight": "balanced"}
        trained = rs.train_recognizer(
            corpus / "my.zarr",
            "cries",
            models,
            estimator=name,
            settings=settings,
            scores=False,
            progress=False,
        )
        loaded = rs.load_recognizer(rs.save_recognizer(trained, tmp_path / name))
        assert loaded.predict_proba(paths).tobytes() == trained.predict_proba(paths).tobytes()
        assert loaded.classifier.history_ == trained.classifier.history_

    @pytest.mark.parametrize("name", ["logreg", "svm"])
    def test_classifiers_of_scikit_learn_come_back(self, corpus, paths, tmp_path, name):
        pytest.importorskip("skops")
        trained = rs.train_recognizer(
            corpus / "my.zarr",
            "cries",
            "mfcc",
            estimator=name,
            calibrate=True,
            scores=False,
            progress=False,
        )
        loaded = rs.load_recognizer(rs.save_recognizer(trained, tmp_path / name))
        assert loaded.predict_proba(paths).tobytes() == trained.predict_proba(paths).tobytes()

    def test_a_pipeline_can_be_saved(self, samples, paths, tmp_path):
        embedder = rs.AudioEmbedder(("mfcc", "logmel"))
        pipeline = make_pipeline(embedder, StandardScaler(), rs.RENOClassifier(**SMALL))
        pipeline.set_output(transform="pandas").fit(paths, samples.y)
        loaded = rs.load_recognizer(rs.save_recognizer(pipeline, tmp_path / "laughs"))
        expected = pipeline.predict_proba(paths)
        assert loaded.predict_proba(paths).tobytes() == expected.tobytes()
        assert "pipeline" in loaded.card

    def test_a_process_without_the_store_predicts_the_same(self, saved, paths, trained, tmp_path):
        code = (
            "import sys, reno_store as rs\n"
            "print(rs.load_recognizer(sys.argv[1]).predict_proba(sys.argv[2:]).tobytes().hex())"
        )
        moved = shutil.copytree(saved, tmp_path / "elsewhere")
        done = subprocess.run(
            [sys.executable, "-c", code, moved, *paths[:2]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert done.stdout.strip() == trained.predict_proba(paths[:2]).tobytes().hex()


class TestWhatCannotBeSaved:
    @pytest.mark.parametrize("of", ["classifier", "other_scaler", "unfitted", "no_probabilities"])
    def test_anything_but_a_fitted_pipeline_is_refused(self, samples, paths, tmp_path, of):
        embedder = rs.AudioEmbedder("mfcc")
        given = {
            "classifier": LogisticRegression(),
            "other_scaler": make_pipeline(embedder, MinMaxScaler(), LogisticRegression()),
            "unfitted": make_pipeline(embedder, LogisticRegression()),
            "no_probabilities": make_pipeline(embedder, StandardScaler(), LinearSVC()),
        }[of]
        if of == "no_probabilities":
            given.fit(paths, samples.y)
        with pytest.raises((RecognizerError, ValueError)):
            rs.save_recognizer(given, tmp_path / "x")
        assert not list(tmp_path.iterdir())

    def test_what_skops_does_not_trust_is_refused(self, samples, paths, tmp_path):
        pytest.importorskip("skops")
        forest = make_pipeline(rs.AudioEmbedder("mfcc"), RandomForestClassifier(2))
        with pytest.raises(RecognizerError, match=r"_tree\.Tree"):
            rs.save_recognizer(forest.fit(paths, samples.y), tmp_path / "x")
        assert not list(tmp_path.iterdir())

    def test_nothing_else_is_overwritten(self, trained, saved, tmp_path):
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "config.json").write_text("{}")
        for overwrite in (False, True):
            with pytest.raises(RecognizerError, match="not a recognizer"):
                rs.save_recognizer(trained, tmp_path / "notes", overwrite=overwrite)
        copy = shutil.copytree(saved, tmp_path / "copy")
        (copy / "README.md").write_text("mine")
        with pytest.raises(RecognizerError, match="already"):
            rs.save_recognizer(trained, copy)
        assert (copy / "README.md").read_text() == "mine"
        rs.save_recognizer(trained, copy, overwrite=True)
        assert (copy / "README.md").read_text() == trained.card
        assert sorted(each.name for each in tmp_path.iterdir()) == ["copy", "notes"]


class TestChangedFolders:
    def refuse(self, folder, match):
        with pytest.raises(RecognizerError, match=match) as caught:
            rs.load_recognizer(folder)
        assert str(folder) in str(caught.value)

    def test_no_recognizer(self, tmp_path):
        self.refuse(tmp_path / "none", "is not a folder")
        self.refuse(tmp_path, "has no config")
        with pytest.raises(RecognizerError, match="URL"):
            rs.load_recognizer("https://example.org/laughs")

    @pytest.mark.parametrize("how", ["flipped", "truncated", "missing", "of_another"])
    def test_weights_that_are_not_those_of_the_config(self, edited, how):
        file = edited / "model.safetensors"
        content = bytearray(file.read_bytes())
        if how == "flipped":
            content[-1] ^= 1
        elif how == "truncated":
            content = content[:-4]
        elif how == "of_another":
            content = bytearray(save({"x": np.zeros(3)}))
        file.write_bytes(content)
        if how == "missing":
            file.unlink()
        self.refuse(edited, "missing" if how == "missing" else "hash differs")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda c: c["classes"].reverse(), "edited"),
            (lambda c: c["models"][0].update(spec="hf:/etc"), "edited"),
            (lambda c: c.update(temperature=2.0), "edited"),
            (lambda c: c.update(temperature=-1.0), "temperature"),
            (lambda c: c.update(temperature=float("nan")), "temperature"),
            (lambda c: c.update(temperature=1e-320), "temperature"),
            (lambda c: c.update(temperature=10**400), "temperature"),
            (lambda c: c.update(temperature=True), "temperature"),
            (lambda c: c.update(classes=["a", "a", "b"]), "classes"),
            (lambda c: c.update(models=[]), "models"),
            (lambda c: c.update(format_version=2), "later reno-store"),
            (lambda c: c.update(format="other"), "another program"),
            (lambda c: c["files"].update({"../x": "0"}), "files: expected"),
            (lambda c: c["estimator"].update(file="../../x.skops"), "files: expected"),
        ],
    )
    def test_an_edited_config(self, edited, change, told):
        config = read(edited)
        change(config)
        write(edited, config)
        self.refuse(edited, told)

    @pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
    def test_a_file_that_never_ends_is_not_read(self, edited, name):
        (edited / name).unlink()
        (edited / name).symlink_to("/dev/zero")
        self.refuse(edited, r"is not a file|no config")
        (edited / name).unlink()
        os.mkfifo(edited / name)
        self.refuse(edited, r"is not a file|no config")

    def test_a_text_that_is_too_large_is_not_read(self, edited):
        for name in ("README.md", "config.json"):
            (edited / name).write_bytes(b" " * (2**24 + 1))
            self.refuse(edited, f"{name} has more than 16 MiB")

    @pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '"x"', "\xff"])
    def test_a_config_that_is_none(self, edited, text):
        (edited / "config.json").write_bytes(text.encode("latin-1"))
        self.refuse(edited, r"damaged|another program")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda c: c["classes"].append("more"), "do not fit"),
            (lambda c: c["estimator"]["parameters"].update(align_dim=16), "do not fit"),
            (lambda c: c["estimator"]["parameters"].update(align_dim=10**12), "do not fit"),
            (lambda c: c["estimator"]["parameters"].update(n_heads="x"), "do not fit"),
            (lambda c: c["estimator"]["parameters"].update(hook="x"), "unknown values 'hook'"),
            (lambda c: c["estimator"]["fitted"].update(fit="x"), "unknown values 'fit'"),
            (lambda c: c["estimator"].update({"class": "os.system"}), "expected one of"),
            (lambda c: c["models"][0].update(dim=119), "expected 359 finite numbers"),
            (lambda c: c["models"][0].update(name="../x"), "models"),
            (lambda c: c["models"][1].update(name="mfcc"), "one name"),
            (lambda c: c["models"][1].pop("fingerprint"), "models"),
        ],
    )
    def test_a_config_with_right_hashes_that_fits_no_weights(self, edited, change, told):
        config = read(edited)
        change(config)
        write(edited, config, seal=True)
        self.refuse(edited, told)

    def test_weights_that_are_no_numbers(self, edited):
        config = read(edited)
        arrays = load((edited / "model.safetensors").read_bytes())
        name = next(name for name in sorted(arrays) if name.startswith("network."))
        for bad in (arrays[name] * np.nan, arrays[name].astype(np.float64)):
            metadata = {"config_sha256": hash_config(config)}
            reseal(edited, config, save({**arrays, name: bad.astype(bad.dtype)}, metadata=metadata))
            self.refuse(edited, "finite float32")

    def test_a_header_that_is_damaged(self, edited):
        for content in (b"", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"{}"):
            reseal(edited, read(edited), content)
            self.refuse(edited, r"damaged|edited")


class TestSkops:
    def test_a_file_with_another_class_or_a_pickle_is_not_opened(self):
        skops = pytest.importorskip("skops.io")
        for content in (
            skops.dumps({"a": make_pipeline}),
            skops.dumps(StandardScaler()),
            pickle.dumps(LogisticRegression()),
            b"PK\x05\x06" + b"\0" * 18,
        ):
            with pytest.raises(RecognizerError):
                read_classifier(content)

    def test_a_compressed_file_is_refused(self):
        pytest.importorskip("skops")
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("schema.json", b"0" * 10**7)
        with pytest.raises(RecognizerError, match="compressed"):
            read_classifier(bomb.getvalue())

    def test_a_missing_package_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "skops.io", None)
        with pytest.raises(RecognizerError, match=r"reno-store\[skops\]"):
            read_classifier(b"")


class TestMovedModels:
    def test_a_model_elsewhere_must_be_the_same(self, saved, paths, trained):
        loaded = rs.load_recognizer(saved, models="mfcc=mfcc")
        assert loaded.predict(paths[:1]).tolist() == trained.predict(paths[:1]).tolist()
        other = rs.load_recognizer(saved, models=["mfcc=logmel"])
        with pytest.raises(ModelError, match=r"(?s)mfcc .*not the one of training.*kind: in tra"):
            other.predict(paths[:1])
        with pytest.raises(UnknownNameError, match="'mffc'; did you mean 'mfcc'"):
            rs.load_recognizer(saved, models=["mffc=mfcc"])

    def test_a_model_that_changed_is_refused(self, edited, paths):
        config = read(edited)
        config["models"][0]["fingerprint"]["code"] = 0
        write(edited, config, seal=True)
        with pytest.raises(ModelError, match="code: in training 0, now 1"):
            rs.load_recognizer(edited).predict(paths[:1])
