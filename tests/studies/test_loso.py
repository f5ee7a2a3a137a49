"""Leave one speaker out: what it refuses, and what an evaluation makes of it."""

import dataclasses

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from reno_store.errors import ProtocolError
from reno_store.samples import Samples
from reno_store.studies import evaluate, split

y_even = np.array(["anger", "fear"] * 12)
four_speakers = np.repeat(["F1", "F2", "M1", "M2"], 6)


def samples(y=y_even, groups=four_speakers):
    rng = np.random.default_rng(0)
    return Samples(
        X=rng.normal(size=(len(y), 4)).astype(np.float32),
        y=y,
        groups=groups,
        clip_ids=np.array([f"clip{i}" for i in range(len(y))]),
        block_sizes=(4,),
        dataset="jnv",
        models=("mfcc",),
    )


def refusal(y, groups):
    with pytest.raises(ProtocolError) as caught:
        split("loso", np.array(y), None if groups is None else np.array(groups))
    return str(caught.value)


def test_four_speakers_make_four_folds_though_five_are_the_default():
    assert len(split("loso", y_even, four_speakers)) == 4
    assert len(split("loso", y_even, four_speakers, n_folds=1)) == 4


@pytest.mark.parametrize("protocol", ["speaker", "loso"])
def test_clips_without_a_speaker_are_counted(protocol):
    groups = four_speakers.copy()
    groups[[3, 20]] = ""
    with pytest.raises(ProtocolError) as caught:
        split(protocol, y_even, groups, n_folds=2)
    message = str(caught.value)
    assert "the speaker of 2 of 24 clips is unknown" in message
    assert "column 'speaker'" in message
    assert caught.value.remedies[0].arguments == {"refresh": "labels"}


def test_no_speakers_at_all_are_refused():
    assert "the speaker of 24 of 24 clips is unknown" in refusal(y_even, None)


def test_a_lone_speaker_cannot_be_left_out():
    message = refusal(y_even, ["F1"] * 24)
    assert message.startswith("all 24 clips are of speaker 'F1'")
    assert "protocol='paper'" in message


def test_a_label_that_one_speaker_alone_shows_is_named():
    y = y_even.copy()
    y[four_speakers == "M1"] = "joy"
    message = refusal(y, four_speakers)
    assert message.startswith("fold 3 of 4 leaves no clip of 'joy' to train on")


def test_a_label_with_a_clip_of_each_of_two_speakers_is_enough():
    y = y_even.copy()
    y[[0, 6]] = "joy"
    assert len(split("loso", y, four_speakers)) == 4


def test_each_fold_says_whom_it_tests():
    folds = evaluate(samples(), DummyClassifier(), protocol="loso").folds
    assert [fold.speaker for fold in folds] == ["F1", "F2", "M1", "M2"]
    assert [(fold.n_train, fold.n_test) for fold in folds] == [(18, 6)] * 4


@pytest.mark.parametrize("protocol", ["paper", "speaker"])
def test_folds_of_other_protocols_name_no_speaker(protocol):
    folds = evaluate(samples(), DummyClassifier(), protocol=protocol, n_folds=2).folds
    assert {fold.speaker for fold in folds} == {""}


def test_speakers_are_those_of_their_rows_whatever_the_order():
    order = np.random.default_rng(1).permutation(24)
    shuffled = samples(y_even[order], four_speakers[order])
    uneven = dataclasses.replace(shuffled, groups=shuffled.groups.copy())
    uneven.groups[uneven.groups == "M2"] = "F1"
    folds = evaluate(uneven, DummyClassifier(), protocol="loso").folds
    assert {fold.speaker: fold.n_test for fold in folds} == {"F1": 12, "F2": 6, "M1": 6}
