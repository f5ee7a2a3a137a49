"""Studies across corpora: equal to plain scikit-learn, kept like any fold, leaks refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from factories.study_stores import FINGERPRINTS, make_study_store
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.errors import MissingEmbeddingsError, ProtocolError, StaleStoreError
from reno_store.samples import open_store
from reno_store.studies import StudyRequest, recall_study, run_study, study_json
from reno_store.studies.transfer_requests import transfer_request

JNV = {"labels": ("angry", "fear", "happy"), "speaker": "f"}
VIVAE = {"labels": ("Anger", "Fear ", "pain", "pleasure"), "recordings": 1000, "seed": 1}
THIRD = {"labels": ("anger", "fear", "joy"), "recordings": 2000, "seed": 2, "n_clips": 60}
MAP = {"one": {"angry": "anger", "happy": "joy"}}
REQUEST = StudyRequest(
    ("one", "two", "three"),
    "mfcc",
    estimators="logreg",
    protocols="cross-corpus",
    label_map=MAP,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_study_store(
        tmp_path_factory.mktemp("corpora") / "my.zarr", one=JNV, two=VIVAE, three=THIRD
    )


@pytest.fixture(scope="module")
def study(store):
    return run_study(store, REQUEST)


def test_scores_are_those_of_plain_scikit_learn(store, study):
    opened = open_store(store)
    words = {"angry": "anger", "happy": "joy"}
    for train_on, test_on, n_labels in (("one", "two", 2), ("one", "three", 3)):
        sides = []
        for name in (train_on, test_on):
            samples = opened.load(name, "mfcc")
            y = np.array([words.get(each, each.strip().lower()) for each in samples.y])
            sides.append((samples.X, y))
        common = sorted(set(sides[0][1]) & set(sides[1][1]))
        assert len(common) == n_labels
        (X, y), (X_test, y_test) = (
            (X[np.isin(y, common)], y[np.isin(y, common)]) for X, y in sides
        )
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, random_state=0))
        expected = probe.fit(X, y).predict(X_test)
        (cell,) = study.select(dataset=f"{train_on} → {test_on}")
        (fold,) = cell.folds
        assert [cell.labels[code] for code in fold.predicted] == expected.tolist()
        assert [cell.labels[code] for code in fold.true] == y_test.tolist()
        assert (fold.score.n_train, fold.score.n_test) == (len(y), len(y_test))


def test_each_pair_says_what_it_trains_tests_and_leaves_out(study):
    assert [facts.name for facts in study.datasets] == [
        "one → two", "one → three", "two → one", "two → three", "three → one", "three → two",
    ]  # fmt: skip
    facts = study.dataset("one → two")
    assert facts.labels == {"anger": 12, "fear": 12}
    assert facts.transfer.train_labels == {"anger": 16, "fear": 16}
    assert facts.transfer.unmatched == {"one": {"happy": 16}, "two": {"pain": 12, "pleasure": 12}}
    assert facts.transfer.n_unmatched == 40
    assert facts.majority == 0.5
    # "two" and "three" both have speakers s0 to s7.
    assert study.dataset("two → three").transfer.same_ids == tuple(f"s{i}" for i in range(8))
    assert facts.transfer.same_ids == ()


def test_folds_are_kept_and_shared_with_evaluate_and_the_other_protocol(store, study):
    again = run_study(store, REQUEST)
    assert (again.n_trained, again.n_served) == (0, 6)
    # Two datasets: leaving one out is the same pair.
    one_out = transfer_request(("one",), "two", "mfcc", ("logreg",), label_map=MAP)
    assert run_study(store, one_out, strict=True, remember=False).n_trained == 0
    both = replace(REQUEST, datasets=("one", "two"), protocols=("leave-one-corpus-out",))
    assert run_study(store, both).n_trained == 0
    # Other words for labels are another fold.
    other = {"one": {"angry": "anger", "happy": "pain"}}
    assert run_study(store, replace(both, label_map=other)).n_trained == 2


def test_kept_results_of_other_protocols_stay_valid(tmp_path):
    store = make_study_store(tmp_path / "my.zarr", one=JNV, two=VIVAE)
    request = StudyRequest(("one", "two"), "mfcc", estimators="logreg", n_folds=2, label_map=MAP)
    assert run_study(store, request).n_trained == 8
    more = replace(request, protocols=("paper", "cross-corpus", "speaker"))
    study = run_study(store, more)
    assert (study.n_served, study.n_trained) == (8, 2)
    assert [facts.name for facts in study.datasets] == ["one", "two", "one → two", "two → one"]
    assert all(cell.computed for cell in study.cells)


def test_leaving_one_corpus_out_trains_on_all_others_together(store):
    study = run_study(store, replace(REQUEST, protocols=("leave-one-corpus-out",)), remember=False)
    facts = study.dataset("one + two → three")
    assert facts.labels == {"anger": 20, "fear": 20, "joy": 20}
    assert facts.transfer.n_train == 48 + 24
    assert facts.transfer.unmatched == {"two": {"pain": 12, "pleasure": 12}}


def test_each_seed_has_a_fold_and_a_network_holds_out_whole_speakers(store):
    request = StudyRequest(
        ("one", "two"), "mfcc", estimators="fcn", protocols="cross-corpus", seeds=(0, 1),
        train_on="one", label_map=MAP, settings={"fcn": {"max_epochs": 1}},
    )  # fmt: skip
    (cell,) = run_study(store, request, remember=False).cells
    assert [len(outcomes) for outcomes in cell.outcomes] == [1, 1]
    assert cell.n == 2


def test_shared_recordings_are_refused(tmp_path):
    store = make_study_store(tmp_path / "my.zarr", one=JNV, two={**VIVAE, "recordings": 40})
    study = run_study(store, replace(REQUEST, datasets=("one", "two")))
    assert all("recordings" in cell.reason for cell in study.cells)
    assert "one/clip040 = two/clip000" in study.cells[0].reason
    with pytest.raises(ProtocolError, match="recordings"):
        run_study(store, transfer_request("one", "two", "mfcc", label_map=MAP), strict=True)


def test_recordings_of_labels_that_are_left_out_do_not_count(tmp_path):
    # Clip 41 of one is "happy", which two lacks; the other shared clip is "pain".
    store = make_study_store(
        tmp_path / "my.zarr", one=JNV, two={**VIVAE, "recordings": 41, "n_clips": 40}
    )
    shared = run_study(store, replace(REQUEST, datasets=("one", "two"))).cells[0].reason
    assert "clip041" not in shared


def test_shared_speakers_are_refused_where_ids_are_shared(store):
    request = replace(REQUEST, shared_speaker_ids=True)
    study = run_study(store, request, remember=False)
    refused = [cell.dataset for cell in study.cells if "speakers" in cell.reason]
    assert refused == ["two → three", "three → two"]
    assert study.dataset("two → three").transfer.same_ids == ()


def test_recordings_without_a_hash_are_reported(tmp_path):
    store = make_study_store(tmp_path / "my.zarr", one={**JNV, "recordings": None}, two=VIVAE)
    study = run_study(store, replace(REQUEST, datasets=("one", "two")))
    assert study.dataset("one → two").transfer.unhashed == ("one",)
    assert all(cell.computed for cell in study.cells)


def test_too_few_labels_in_common_are_refused_with_the_labels(store):
    request = replace(REQUEST, datasets=("one", "two"), label_map={})
    study = run_study(store, request, remember=False)
    assert all("angry" in cell.reason and "anger" in cell.reason for cell in study.cells)
    assert "label_map" in study.cells[0].remedy.arguments


def test_rare_labels_are_those_of_common_words(store):
    request = replace(REQUEST, datasets=("one", "two", "three"), min_clips=13)
    study = run_study(store, request, remember=False)
    assert "13" in next(study.select(dataset="one → two")).reason
    assert study.dataset("one → three").rare_labels == {}
    assert study.dataset("two → three").rare_labels == {"anger": 32, "fear": 32}


def test_labels_that_only_the_map_has_are_reported(store):
    study = run_study(
        store, replace(REQUEST, label_map={**MAP, "two": {"sadness": "x"}}), remember=False
    )
    assert study.dataset("one → two").transfer.unknown == {"two": ("sadness",)}


def test_a_model_that_differs_between_the_corpora_is_refused(tmp_path):
    other = {**FINGERPRINTS, "mfcc": {"kind": "mfcc", "bands": 40}}
    store = make_study_store(tmp_path / "my.zarr", one=JNV, two={**VIVAE, "fingerprints": other})
    with pytest.raises(StaleStoreError, match="bands"):
        run_study(store, replace(REQUEST, datasets=("one", "two")))


def test_a_model_that_a_corpus_lacks_is_refused(tmp_path):
    store = make_study_store(
        tmp_path / "my.zarr", one=JNV, two={**VIVAE, "models": ("logmel",)}, three=THIRD
    )
    study = run_study(store, REQUEST)
    reasons = {cell.dataset: cell.reason for cell in study.cells}
    assert "two has no embeddings of mfcc" in reasons["one → two"]
    assert "two has no embeddings of mfcc" in reasons["two → one"]
    assert reasons["one → three"] == ""
    with pytest.raises((MissingEmbeddingsError, LookupError)):
        run_study(store, transfer_request("one", "two", "mfcc"), strict=True)


def test_clips_without_an_embedding_are_left_out_on_request(tmp_path):
    store = make_study_store(
        tmp_path / "my.zarr", one={**JNV, "lacking": {"mfcc": [0, 1]}}, two=VIVAE
    )
    request = replace(REQUEST, datasets=("one", "two"), train_on="one", allow_missing=True)
    facts = run_study(store, request).dataset("one → two")
    assert (facts.transfer.n_train, facts.n_left_out) == (30, 2)


def test_the_last_study_is_recalled_with_its_map_and_only_the_corpora_asked_for(store):
    run_study(store, REQUEST)
    recalled = recall_study(store)
    assert recalled.request.label_map == REQUEST.label_map
    assert all(cell.computed for cell in recalled.cells)
    tested = recall_study(store, datasets=("two",))
    assert [facts.name for facts in tested.datasets] == ["one → two", "three → two"]


def test_requests_that_make_no_pair_are_refused():
    with pytest.raises(ProtocolError, match="two"):
        StudyRequest("one", protocols="cross-corpus")
    with pytest.raises(ProtocolError, match="across corpora"):
        StudyRequest(("one", "two"), train_on="one")
    with pytest.raises(LookupError):
        StudyRequest(("one", "two"), protocols="cross-corpus", train_on="three")
    with pytest.raises(ProtocolError, match="tested"):
        transfer_request(("one", "two"), "two", "mfcc")


def test_a_request_survives_json():
    document = json.loads(json.dumps(REQUEST.to_dict()))
    assert StudyRequest.from_dict(document) == REQUEST
    # Notes of earlier versions have none of the new parts.
    for name in ("train_on", "test_on", "label_map", "shared_speaker_ids"):
        document.pop(name)
    assert StudyRequest.from_dict(document) == replace(REQUEST, label_map={})


def test_the_document_of_one_pair_has_no_spread_and_names_both_sides(store):
    request = transfer_request("one", "two", "mfcc", ("logreg",), label_map=MAP)
    document = study_json(run_study(store, request, strict=True, remember=False))
    json.dumps(document, allow_nan=False)
    assert (document["train_on"], document["test_on"]) == (("one",), "two")
    assert document["repeats"][0]["sd"]["accuracy"] is None
