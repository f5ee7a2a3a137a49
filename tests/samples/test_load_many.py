"""Several datasets as one Samples."""

import numpy as np
import pytest
from factories.study_stores import FINGERPRINTS, make_study_store
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from reno_store.errors import StaleStoreError, UnknownNameError
from reno_store.samples import open_store
from reno_store.studies import CorpusSplitter, LabelMap, StudyRequest, run_study

JNV = {"labels": ("angry", "fear", "happy")}
VIVAE = {"labels": ("anger", "fear", "pain"), "recordings": 1000, "seed": 1, "n_speakers": 0}
MAP = LabelMap({"jnv": {"angry": "anger", "happy": ""}})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_study_store(tmp_path_factory.mktemp("many") / "s.zarr", jnv=JNV, vivae=VIVAE)


def test_datasets_are_one_below_the_other(path):
    store = open_store(path)
    many = store.load_many(["vivae", "jnv"], ["mfcc", "logmel"])
    first, second = store.load("vivae", ["mfcc", "logmel"]), store.load("jnv", ["mfcc", "logmel"])
    assert np.array_equal(many.X, np.concatenate([first.X, second.X]))
    assert many.corpus.tolist() == ["vivae"] * 48 + ["jnv"] * 48
    assert many.clip_ids[[0, 48]].tolist() == ["vivae/clip000", "jnv/clip000"]
    assert many.groups[[0, 48]].tolist() == ["", "jnv/s0"]
    assert (many.block_sizes, many.models) == (first.block_sizes, first.models)
    assert [len(part.corpus) for part in many.split_models()] == [96, 96]


def test_labels_in_common_words_and_without_a_word(path):
    many = open_store(path).load_many(["jnv", "vivae"], "mfcc", word=MAP.word)
    assert set(many.y.tolist()) == {"anger", "fear", "pain"}
    assert (many.corpus == "jnv").sum() == 32


def test_scores_equal_those_of_a_study(path):
    many = open_store(path).load_many(["jnv", "vivae"], "mfcc", word=MAP.word)
    probe = LogisticRegression(max_iter=2000, random_state=0)
    scores = cross_val_score(probe, many.X, many.y, groups=many.corpus, cv=CorpusSplitter())
    request = StudyRequest(
        ("jnv", "vivae"), "mfcc", estimators="logreg", protocols="cross-corpus",
        standardize=False, label_map=MAP,
    )  # fmt: skip
    study = run_study(path, request)
    cells = [next(study.select(dataset=name)) for name in ("jnv → vivae", "vivae → jnv")]
    assert scores.tolist() == [cell.mean("accuracy") for cell in cells]


def test_models_that_differ_are_refused_with_the_part(tmp_path):
    other = {**FINGERPRINTS, "mfcc": {"kind": "mfcc", "bands": 40}}
    store = open_store(
        make_study_store(tmp_path / "s.zarr", jnv=JNV, vivae={**VIVAE, "fingerprints": other})
    )
    with pytest.raises(StaleStoreError, match="bands"):
        store.load_many(["jnv", "vivae"], "mfcc")
    assert store.load_many(["jnv", "vivae"], "logmel").X.shape[0] == 96


def test_unknown_and_repeated_names_are_refused(path):
    store = open_store(path)
    with pytest.raises(UnknownNameError):
        store.load_many(["jnv", "vivea"], "mfcc")
    with pytest.raises(ValueError, match="twice"):
        store.load_many(["jnv", "jnv"], "mfcc")
