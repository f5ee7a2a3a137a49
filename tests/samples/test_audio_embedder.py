"""Recordings in, embeddings out: as a build stores them, and as scikit-learn expects it."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn.utils.estimator_checks as sklearn_checks
import soundfile
from factories.recordings import write_manifest_csv, write_wav
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import reno_store.samples.recordings as recordings_module
from reno_store import AudioEmbedder, RENOClassifier, build_store, open_store
from reno_store.errors import (
    AudioError,
    ModelError,
    StaleStoreError,
    StoreError,
    UnknownNameError,
)
from reno_store.foundation_models.spectral import MfccStatistics

PAIR = ("mfcc", "logmel")
LABELS = ["cry", "laugh"] * 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    for n in range(12):
        rate_hz, channels = ((16_000, 1), (44_100, 2), (48_000, 1))[n % 3]
        path = folder / f"{n:02}.wav"
        write_wav(path, 0.2 + 0.05 * n, rate_hz=rate_hz, channels=channels, seed=n)
    rows = [(f"clip{n:02}", f"{n:02}.wav", LABELS[n], f"s{n // 3}") for n in range(12)]
    write_manifest_csv(folder / "cries.csv", rows)
    build_store(folder / "cries.csv", folder / "built.zarr", list(PAIR))
    return folder


@pytest.fixture(scope="module")
def paths(folder):
    return [str(folder / f"{n:02}.wav") for n in range(12)]


@pytest.fixture(scope="module")
def built(folder):
    return open_store(folder / "built.zarr").load("cries", PAIR)


def small_reno():
    return RENOClassifier(n_tokens=4, align_dim=8, max_epochs=1, random_state=0)


def pipeline(**parameters):
    embedder = AudioEmbedder(PAIR, **parameters)
    made = make_pipeline(embedder, StandardScaler(), small_reno())
    return made.set_output(transform="pandas")


@pytest.fixture
def n_embedded(monkeypatch):
    """How many clips mfcc has embedded since."""
    counts = [0]
    plain = MfccStatistics.embed

    def counted(self, waveforms):
        counts[0] += len(waveforms)
        return plain(self, waveforms)

    monkeypatch.setattr(MfccStatistics, "embed", counted)
    return counts


@pytest.mark.parametrize("of", ["paths", "array", "frame", "pairs", "ids"])
def test_numbers_are_those_of_a_build_to_the_last_bit(folder, paths, built, of):
    if of == "pairs":
        given = [soundfile.read(path, dtype="float32") for path in paths]
    elif of == "ids":
        given = built.clip_ids
    else:
        given = {"paths": list, "array": np.array, "frame": lambda p: pd.DataFrame({"path": p})}[
            of
        ](paths)
    embedder = AudioEmbedder(PAIR, manifest=folder / "cries.csv" if of == "ids" else None)
    found = embedder.fit_transform(given)
    assert found.columns.tolist() == built.feature_names
    assert found.to_numpy().tobytes() == built.X.tobytes()
    assert embedder.block_sizes_ == built.block_sizes
    assert embedder.models_ == PAIR


def test_windows_are_those_of_a_build(folder, paths):
    build_store(folder / "cries.csv", folder / "w.zarr", "mfcc", window_s=0.3, hop_s=0.1)
    expected = open_store(folder / "w.zarr").load("cries", "mfcc").X
    embedder = AudioEmbedder("mfcc", window_s=0.3, hop_s=0.1)
    assert embedder.fit_transform(paths).to_numpy().tobytes() == expected.tobytes()
    pairs = [soundfile.read(path, dtype="float32") for path in paths]
    assert embedder.transform(pairs).to_numpy().tobytes() == expected.tobytes()
    assert embedder.fingerprints_[0]["windows"]["window_s"] == 0.3


def test_a_pipeline_fits_and_predicts_on_files(paths):
    fitted = pipeline().fit(paths, LABELS)
    assert fitted.predict_proba(paths[:3]).shape == (3, 2)
    assert fitted[-1].block_sizes_ == (120, 240)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_models_are_searched_over_in_processes(paths, n_jobs):
    grid = {"audioembedder__models": [PAIR, PAIR[::-1]]}
    search = GridSearchCV(pipeline(), grid, cv=2, n_jobs=n_jobs).fit(paths, LABELS)
    assert search.predict(paths[:2]).shape == (2,)
    assert sorted(search.best_estimator_[-1].block_sizes_) == [120, 240]


def test_a_fitted_embedder_is_cloned_and_pickled_without_its_models(paths):
    embedder = AudioEmbedder(PAIR).fit(paths)
    assert len(pickle.dumps(embedder)) < 3_000
    assert clone(embedder).get_params() == embedder.get_params()
    copied = pickle.loads(pickle.dumps(embedder))
    assert copied.transform(paths[:2]).equals(embedder.transform(paths[:2]))


def test_a_model_is_loaded_once_in_a_process(paths, monkeypatch):
    recordings_module.loaded_model.cache_clear()
    loads = []
    plain = recordings_module.load_model

    def load(spec, **how):
        loads.append(spec)
        return plain(spec, **how)

    monkeypatch.setattr(recordings_module, "load_model", load)
    for _ in range(2):
        AudioEmbedder("mfcc").fit_transform(paths[:1])
    assert len(loads) == 1


def test_all_bad_recordings_are_named(tmp_path, paths):
    (tmp_path / "text.wav").write_text("no sound")
    write_wav(tmp_path / "long.wav", 2.0)
    given = [tmp_path / "text.wav", paths[0], tmp_path / "none.wav", tmp_path / "long.wav"]
    given += [(np.array([np.nan]), 16_000), (np.zeros(0), 16_000), (np.zeros(9, int), 16_000)]
    with pytest.raises(AudioError) as caught:
        AudioEmbedder("mfcc", max_seconds=1.0).fit_transform(given)
    message = str(caught.value)
    for name in ("text.wav", "none.wav", "long.wav", "waveform 4", "waveform 5", "waveform 6"):
        assert name in message
    assert paths[0] not in message
    with pytest.raises(AudioError, match="recording 1: int"):
        AudioEmbedder("mfcc").fit_transform([paths[0], 3])


def test_wrong_models_and_ids_are_refused(folder, paths):
    for models in ((), {"mfcc"}, [MfccStatistics()], ["mfcc", "mfcc"]):
        with pytest.raises(ModelError):
            AudioEmbedder(models).fit(paths)
    with pytest.raises(UnknownNameError, match="'clip99'"):
        AudioEmbedder("mfcc", manifest=folder / "cries.csv").fit_transform(["clip00", "clip99"])
    with pytest.raises(ValueError, match="both a store and a dataset"):
        AudioEmbedder("mfcc", store=folder / "x.zarr").fit(paths)


def test_a_model_that_changed_since_fit_is_refused(paths, monkeypatch):
    embedder = AudioEmbedder("mfcc").fit(paths)
    embedder.fingerprints_ = ({**embedder.fingerprints_[0], "code": 0},)
    with pytest.raises(StaleStoreError, match="code: stored 0"):
        embedder.transform(paths)


class TestStore:
    def test_keeps_what_is_computed(self, tmp_path, paths, built, n_embedded):
        embedder = AudioEmbedder(PAIR, store=tmp_path / "kept.zarr", dataset="kept")
        some = [*paths[:4], paths[1]]
        first = embedder.fit_transform(some)
        assert n_embedded == [4]
        assert first.to_numpy().tobytes() == built.X[[0, 1, 2, 3, 1]].tobytes()
        assert embedder.transform(some).equals(first)
        assert n_embedded == [4]
        embedder.transform(paths)
        assert n_embedded == [12]

    def test_waveforms_are_kept_too(self, tmp_path, paths, n_embedded):
        pairs = [soundfile.read(path, dtype="float32") for path in paths[:2]]
        embedder = AudioEmbedder("mfcc", store=tmp_path / "kept.zarr", dataset="kept")
        assert embedder.fit_transform(pairs).equals(embedder.transform(pairs))
        frames, rate_hz = pairs[0]
        embedder.transform([(frames, rate_hz + 1)])
        assert n_embedded == [3]

    def test_finds_what_a_build_stored_under_any_name(self, folder, tmp_path, paths, n_embedded):
        build_store(folder / "cries.csv", tmp_path / "my.zarr", ["m=mfcc"])
        n_embedded[0] = 0
        for dataset in ("cries", "new"):
            embedder = AudioEmbedder("mfcc", store=tmp_path / "my.zarr", dataset=dataset)
            embedder.fit_transform(paths[:3])
        assert n_embedded == [0]

    def test_a_dataset_with_labels_gets_no_further_clips(self, folder, tmp_path, paths):
        build_store(folder / "cries.csv", tmp_path / "my.zarr", "mfcc")
        write_wav(tmp_path / "new.wav", seed=99)
        embedder = AudioEmbedder("mfcc", store=tmp_path / "my.zarr", dataset="cries")
        with pytest.raises(StoreError, match=r"has labels, and 1 of .*new\.wav"):
            embedder.fit_transform([*paths, tmp_path / "new.wav"])
        assert open_store(tmp_path / "my.zarr").n_clips("cries") == 12

    def test_a_bad_recording_loses_nothing(self, tmp_path, paths, n_embedded):
        (tmp_path / "text.wav").write_text("no sound")
        embedder = AudioEmbedder("mfcc", store=tmp_path / "kept.zarr", dataset="kept")
        with pytest.raises(AudioError, match=r"text\.wav"):
            embedder.fit_transform([*paths[:3], tmp_path / "text.wav"])
        embedder.fit_transform(paths[:3])
        assert n_embedded == [3]
        with pytest.raises(AudioError, match=r"none\.wav: no such file"):
            embedder.transform([tmp_path / "none.wav"])

    def test_another_model_of_that_name_is_refused(self, tmp_path, paths):
        place = {"store": tmp_path / "kept.zarr", "dataset": "kept"}
        AudioEmbedder("m=mfcc", **place).fit_transform(paths[:1])
        with pytest.raises(StaleStoreError, match="kind: stored mfcc, now logmel"):
            AudioEmbedder("m=logmel", **place).fit_transform(paths[:1])


@pytest.mark.parametrize(
    "check",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_it_passes_the_checks_of_scikit_learn_that_ask_for_no_numbers(check):
    getattr(sklearn_checks, check)("AudioEmbedder", AudioEmbedder("mfcc"))
