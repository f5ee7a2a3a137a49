"""Cross-validation: the same numbers as a loop written by hand, and nothing leaks."""

import dataclasses
import json
import math

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from reno_store.errors import ProtocolError
from reno_store.estimators import FCNClassifier, RENOClassifier
from reno_store.samples import Samples
from reno_store.studies import Evaluation, FoldScore, evaluate, split
from reno_store.studies.scores import METRICS

N_CLIPS = 60


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    labels = np.arange(N_CLIPS) % 3
    X = rng.normal(size=(N_CLIPS, 8)).astype(np.float32) * 50 + 300
    X[:, :3] += 50 * np.eye(3, dtype=np.float32)[labels]
    return Samples(
        X=X,
        y=np.array(["anger", "fear", "joy"])[labels],
        groups=np.repeat([f"s{i}" for i in range(10)], 6),
        clip_ids=np.array([f"clip{i}" for i in range(N_CLIPS)]),
        block_sizes=(5, 3),
        dataset="cries",
        models=("mfcc", "logmel"),
    )


CALLS = []
"""What each fitted spy was given; clones share nothing of their own."""


class Spy(ClassifierMixin, BaseEstimator):
    """Guesses the first label, and writes down what it is given."""

    def fit(self, X, y, groups=None):
        self.classes_ = np.unique(y)
        CALLS.append({"X": X, "y": y, "groups": groups, "tested": []})
        return self

    def predict(self, X):
        CALLS[-1]["tested"].append(X)
        return np.full(len(X), self.classes_[0])


class SpyWithoutGroups(Spy):
    def fit(self, X, y):
        return super().fit(X, y)


@pytest.fixture
def spied():
    CALLS.clear()
    yield CALLS
    CALLS.clear()


def loop_by_hand(splitter, samples, estimator, *, standardize):
    scores = []
    groups = samples.groups if isinstance(splitter, StratifiedGroupKFold) else None
    for train, test in splitter.split(samples.X, samples.y, groups):
        X = samples.X
        if standardize:
            X = StandardScaler().fit(samples.X[train]).transform(samples.X)
        predicted = estimator.fit(X[train], samples.y[train]).predict(X[test])
        right = (predicted == samples.y[test]).mean()
        scores.append((right, f1_score(samples.y[test], predicted, average="macro")))
    return scores


@pytest.mark.parametrize(
    ("protocol", "splitter"),
    [
        ("paper", StratifiedKFold(4, shuffle=True, random_state=3)),
        ("speaker", StratifiedGroupKFold(4, shuffle=True, random_state=3)),
    ],
)
@pytest.mark.parametrize("standardize", [True, False])
def test_scores_equal_a_loop_written_by_hand(samples, protocol, splitter, standardize):
    # C so small that the fit depends on the scale of X.
    estimator = LogisticRegression(C=1e-3, max_iter=10_000)
    result = evaluate(
        samples, estimator, protocol=protocol, n_folds=4, seed=3, standardize=standardize
    )
    expected = loop_by_hand(splitter, samples, estimator, standardize=standardize)
    got = list(zip(result.scores("accuracy"), result.scores("macro_f1"), strict=True))
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert 0.4 < result.mean("accuracy") < 1


@pytest.mark.parametrize("protocol", ["paper", "speaker"])
def test_scaling_is_fitted_on_the_training_rows_alone(samples, spied, protocol):
    evaluate(samples, Spy(), protocol=protocol)
    assert len(spied) == 5
    for call in spied:
        np.testing.assert_allclose(call["X"].mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(call["X"].std(axis=0), 1, atol=1e-4)
        (tested,) = call["tested"]
        assert np.abs(tested.mean(axis=0)).max() > 0.05


def test_without_scaling_rows_arrive_as_stored(samples, spied):
    evaluate(samples, Spy(), standardize=False)
    folds = split("paper", samples.y, samples.groups)
    for call, (train, test) in zip(spied, folds, strict=True):
        assert np.array_equal(call["X"], samples.X[train])
        assert np.array_equal(call["y"], samples.y[train])
        assert np.array_equal(call["tested"][0], samples.X[test])


@pytest.mark.parametrize("standardize", [True, False])
def test_speakers_of_the_training_side_reach_fit_where_folds_are_speaker_disjoint(
    samples, spied, standardize
):
    evaluate(samples, Spy(), protocol="speaker", standardize=standardize)
    folds = split("speaker", samples.y, samples.groups)
    for call, (train, _) in zip(spied, folds, strict=True):
        assert np.array_equal(call["groups"], samples.groups[train])


def test_speakers_do_not_reach_fit_under_the_papers_protocol(samples, spied):
    evaluate(samples, Spy(), protocol="paper")
    assert [call["groups"] for call in spied] == [None] * 5


def test_estimators_that_take_no_groups_are_not_given_any(samples, spied):
    evaluate(samples, SpyWithoutGroups(), protocol="speaker")
    assert len(spied) == 5


def test_the_estimator_itself_stays_unfitted(samples):
    estimator = DummyClassifier()
    evaluate(samples, estimator)
    assert not hasattr(estimator, "classes_")


def test_accuracy_and_macro_f1_are_those_of_a_constant_guess(samples):
    result = evaluate(samples, DummyClassifier(strategy="constant", constant="fear"), n_folds=4)
    # 5 of 15 are right; F1 of fear: 2 * 5 / (15 + 5), of the others 0.
    assert result.scores("accuracy") == pytest.approx([1 / 3] * 4)
    assert result.scores("macro_f1") == pytest.approx([0.5 / 3] * 4)
    assert result.scores("balanced_accuracy") == pytest.approx([1 / 3] * 4)


def test_macro_f1_weighs_rare_labels_as_much_as_frequent_ones(samples):
    y = np.where(np.arange(N_CLIPS) < 48, "fear", "joy")
    guess = DummyClassifier(strategy="constant", constant="fear")
    result = evaluate(dataclasses.replace(samples, y=y), guess, n_folds=4)
    # 12 of 15 are right; F1 of fear: 2 * 12 / (15 + 12), of joy 0.
    assert result.scores("accuracy") == pytest.approx([0.8] * 4)
    assert result.scores("macro_f1") == pytest.approx([4 / 9] * 4)
    assert result.scores("balanced_accuracy") == pytest.approx([0.5] * 4)


def test_result_says_what_was_evaluated(samples):
    result = evaluate(samples, DummyClassifier(), protocol="speaker", n_folds=3, seed=7)
    assert (result.dataset, result.models) == ("cries", ("mfcc", "logmel"))
    assert (result.estimator, result.protocol, result.seed) == ("DummyClassifier", "speaker", 7)
    assert len(result.folds) == 3
    assert evaluate(samples, DummyClassifier(), name="guess").estimator == "guess"


def test_impossible_folds_are_refused_before_anything_is_fitted(samples, spied):
    with pytest.raises(ProtocolError, match="10 speakers cannot be divided into 12"):
        evaluate(samples, Spy(), protocol="speaker", n_folds=12)
    assert not spied


def test_scores_do_not_depend_on_the_number_of_processes(samples):
    estimator = RENOClassifier(
        block_sizes=samples.block_sizes, n_tokens=3, align_dim=8, max_epochs=3, random_state=0
    )
    alone, shared = (
        evaluate(samples, estimator, protocol="speaker", n_folds=3, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert alone == shared
    assert len(set(alone.scores("macro_f1"))) > 1


def test_two_speakers_can_be_left_out_in_turn_as_the_refusal_of_more_folds_suggests(samples):
    two = dataclasses.replace(samples, groups=np.repeat(["s1", "s2"], N_CLIPS // 2))
    with pytest.raises(ProtocolError, match="n_folds=2"):
        evaluate(two, FCNClassifier(), protocol="speaker")
    # One speaker is left to train on, so rows of theirs must do for early stopping.
    result = evaluate(
        two, FCNClassifier(max_epochs=2, random_state=0), protocol="speaker", n_folds=2
    )
    assert len(result.folds) == 2


def of_accuracies(*accuracies):
    folds = tuple(
        FoldScore(accuracy, accuracy / 2, accuracy / 3, 8, 2, n_labels=3) for accuracy in accuracies
    )
    return Evaluation("cries", ("mfcc",), "fcn", "speaker", 0, True, folds)


def test_mean_and_sample_standard_deviation_over_folds():
    evaluation = of_accuracies(0.5, 0.7, 0.9)
    assert evaluation.mean("accuracy") == pytest.approx(0.7)
    assert evaluation.sd("accuracy") == pytest.approx(0.2)  # n - 1: sqrt(0.08 / 2)
    assert evaluation.mean("macro_f1") == pytest.approx(0.35)
    assert evaluation.sd("macro_f1") == pytest.approx(0.1)


def test_dict_of_an_evaluation_is_json_with_everything():
    told = json.loads(json.dumps(of_accuracies(0.5, 0.7).to_dict()))
    assert told["dataset"] == "cries"
    assert told["models"] == ["mfcc"]
    assert told["estimator"] == "fcn"
    assert told["protocol"] == "speaker"
    assert "no speaker on both sides" in told["protocol_description"]
    assert told["seed"] == 0
    assert told["standardized"] is True
    assert told["n_folds"] == 2
    assert told["folds"][1] == {
        "accuracy": 0.7,
        "macro_f1": 0.35,
        "balanced_accuracy": pytest.approx(0.7 / 3),
        "n_train": 8,
        "n_test": 2,
        "n_labels": 3,
        "speaker": "",
        "collapsed": False,
    }
    assert set(told["mean"]) == set(told["sd"]) == set(METRICS)
    assert told["mean"]["accuracy"] == pytest.approx(0.6)
    assert told["sd"]["accuracy"] == pytest.approx(math.sqrt(0.02))


def test_macro_f1_is_over_the_classes_that_a_fold_tests(samples):
    """A slip into a class that the fold has no clip of costs recall, not half the score."""
    one_class_a_speaker = dataclasses.replace(samples, groups=samples.y)

    class Slips(DummyClassifier):
        def predict(self, X):
            predicted = np.full(len(X), self.classes_[0], object)
            predicted[1:] = right
            return predicted

    right = samples.y[0]
    splits = [(np.flatnonzero(samples.y != right), np.flatnonzero(samples.y == right))]
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr("reno_store.studies.evaluation.split", lambda *_, **__: splits)
        (fold,) = evaluate(one_class_a_speaker, Slips()).folds
    n = fold.n_test
    recall = (n - 1) / n
    assert fold.n_labels == 1
    assert fold.accuracy == pytest.approx(recall)
    assert fold.macro_f1 == pytest.approx(2 * recall / (1 + recall))


def test_speakers_of_whom_none_can_be_spared_are_trained_on_all_the_same(samples):
    """Each class is shown by two speakers: every training side has a class of one alone."""
    y, groups = samples.y.copy(), samples.groups.copy()
    for number, (speaker, pair) in enumerate(
        {"s1": ("cry", "laugh"), "s2": ("cry", "sigh"), "s3": ("laugh", "sigh")}.items()
    ):
        rows = slice(number * N_CLIPS // 3, (number + 1) * N_CLIPS // 3)
        groups[rows] = speaker
        y[rows] = np.resize(pair, len(y[rows]))
    knotty = dataclasses.replace(samples, y=y, groups=groups)
    result = evaluate(
        knotty, FCNClassifier(max_epochs=2, random_state=0), protocol="speaker", n_folds=3
    )
    assert len(result.folds) == 3


def test_scores_are_a_table_with_a_row_for_each_fold(samples):
    found = evaluate(samples, LogisticRegression(), protocol="loso")
    frame = found.to_frame()
    assert len(frame) == len(found.folds) == 10
    for metric in METRICS:
        assert frame[metric].tolist() == found.scores(metric)
    assert frame.speaker.tolist() == [fold.speaker for fold in found.folds]
    assert frame.fold.tolist() == list(range(1, 11))
    assert set(frame.models) == {"mfcc+logmel"}
    assert set(frame.protocol) == {"loso"}


def test_a_notebook_shows_each_fold_and_the_means(samples):
    found = evaluate(samples, LogisticRegression(), n_folds=3, name="<b>mine</b>")
    shown = found._repr_html_()
    assert f"accuracy {100 * found.mean('accuracy'):.1f} %" in shown
    for fold in found.folds:
        assert f"{100 * fold.macro_f1:.1f} %" in shown
    assert "<b>mine" not in shown
