"""Folds: what each protocol promises of them, and what it says when it cannot keep it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.errors import ProtocolError, RenoStoreError, UnknownNameError
from reno_store.studies import PROTOCOLS, split
from reno_store.studies.protocols import check_protocol

y_balanced = np.array(["anger", "fear", "joy"] * 20)
speakers_of_six = np.repeat([f"s{i}" for i in range(10)], 6)


def as_lists(folds):
    return [(train.tolist(), test.tolist()) for train, test in folds]


def refusal(protocol, y, groups=None, **options):
    with pytest.raises(ProtocolError) as caught:
        split(protocol, np.array(y), None if groups is None else np.array(groups), **options)
    return str(caught.value)


@given(
    counts=st.lists(st.integers(5, 15), min_size=2, max_size=5),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_paper_tests_every_row_once_with_each_class_shared_out(counts, n_folds, seed):
    y = np.repeat([f"label{i}" for i in range(len(counts))], counts)
    folds = split("paper", y, None, n_folds=n_folds, seed=seed)
    assert len(folds) == n_folds
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(y)))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(len(y)))
        for label, count in zip(*np.unique(y, return_counts=True), strict=True):
            assert abs((y[test] == label).sum() - count / n_folds) < 1


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["anger", "fear", "joy"]), st.sampled_from("abcdefgh")),
        min_size=6,
        max_size=60,
    ),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=300)
def test_speaker_never_lets_a_speaker_stand_on_both_sides(rows, n_folds, seed):
    y, groups = (np.array(column) for column in zip(*rows, strict=True))
    try:
        folds = split("speaker", y, groups, n_folds=n_folds, seed=seed)
    except ProtocolError as error:
        refused_for = str(error)
    else:
        assert len(folds) == n_folds
        assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(y)))
        for train, test in folds:
            assert len(test)
            assert sorted([*train, *test]) == list(range(len(y)))
            assert not set(groups[train]) & set(groups[test])
            assert set(y[train]) == set(y)
        return
    counts = np.unique(y, return_counts=True)[1]
    reasons = {
        "all ": len(counts) < 2,
        "these labels have fewer clips": counts.min() < n_folds,
        "cannot be divided": len(set(groups)) < n_folds,
        # A class that no one but one speaker shows cannot be trained on without that speaker.
        "leaves no clip of": True,
    }
    assert any(told in refused_for and true for told, true in reasons.items()), refused_for


@pytest.mark.parametrize("protocol", ["paper", "speaker"])
def test_folds_are_those_of_the_seed(protocol):
    folds = [
        as_lists(split(protocol, y_balanced, speakers_of_six, n_folds=5, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert folds[0] == folds[1]
    assert folds[0] != folds[2]


def test_paper_folds_are_shuffled():
    _, first_test = split("paper", y_balanced, None, n_folds=5)[0]
    assert first_test.tolist() != list(range(12))


def test_paper_does_not_look_at_speakers():
    with_speakers = split("paper", y_balanced, speakers_of_six)
    assert as_lists(with_speakers) == as_lists(split("paper", y_balanced, None))
    assert any(set(speakers_of_six[a]) & set(speakers_of_six[b]) for a, b in with_speakers)


def test_five_folds_by_default():
    assert len(split("paper", y_balanced, None)) == 5


def test_speaker_with_as_many_folds_as_speakers_leaves_one_out():
    folds = split("speaker", y_balanced, speakers_of_six, n_folds=10)
    assert sorted(set(speakers_of_six[test]).pop() for _, test in folds) == sorted(
        set(speakers_of_six)
    )
    assert all(len(set(speakers_of_six[test])) == 1 for _, test in folds)


def test_all_protocols_but_the_papers_are_speaker_disjoint():
    disjoint = {name: protocol.speaker_disjoint for name, protocol in PROTOCOLS.items()}
    assert disjoint.pop("paper") is False
    assert set(disjoint) >= {"speaker", "loso", "cross-corpus"}
    assert all(disjoint.values())
    assert all(protocol.name == name for name, protocol in PROTOCOLS.items())


def test_unknown_protocol_suggests_the_nearest_and_lists_the_choices():
    with pytest.raises(UnknownNameError) as caught:
        check_protocol("speakers")
    assert (
        "did you mean 'speaker'? Choices: cross-corpus, leave-one-corpus-out, loso, paper, "
        in str(caught.value)
    )
    with pytest.raises(UnknownNameError, match="unknown protocol 'lopo'"):
        split("lopo", y_balanced, None)


@pytest.mark.parametrize("protocol", ["paper", "speaker"])
def test_labels_with_fewer_clips_than_folds_are_named_with_their_counts(protocol):
    y = ["anger"] * 20 + ["fear"] * 3 + ["joy"] * 2
    message = refusal(protocol, y, [f"s{i % 5}" for i in range(25)])
    assert "fewer clips than the 5 folds: fear (3), joy (2)." in message
    assert "anger" not in message
    assert "n_folds=2." in message


def test_a_label_with_a_single_clip_asks_for_more():
    message = refusal("paper", ["anger"] * 20 + ["joy"])
    assert "joy (1)." in message
    assert "Record more." in message
    assert "min_clips=5." in message


def test_a_single_label_is_refused():
    assert refusal("paper", ["joy"] * 9) == (
        "all 9 clips have the label 'joy'; expected 2 or more."
    )


@pytest.mark.parametrize("n_folds", [1, 0, -3])
def test_fewer_than_two_folds_are_refused(n_folds):
    message = refusal("paper", y_balanced, n_folds=n_folds)
    assert message == f"{n_folds} folds are too few; expected at least 2."


def test_fewer_speakers_than_folds_suggests_as_many_folds():
    groups = np.repeat(["s1", "s2", "s3", "s4"], 15)
    message = refusal("speaker", y_balanced, groups, n_folds=5)
    assert "4 speakers cannot be divided into 5 speaker-disjoint folds" in message
    assert "n_folds=4." in message
    assert "protocol='loso'" in message
    assert len(split("speaker", y_balanced, groups, n_folds=4)) == 4


def test_one_speaker_suggests_the_other_protocol():
    message = refusal("speaker", y_balanced, ["s1"] * 60)
    assert message.endswith("protocol='paper'.")


@pytest.mark.parametrize(("speakers", "n"), [(np.array(["s1", "s2", ""] * 20), 20), (None, 60)])
def test_unknown_speakers_are_counted(speakers, n):
    message = refusal("speaker", y_balanced, speakers)
    assert f"{n} of 60 clips" in message
    assert "protocol='paper'" in message


def test_a_class_that_one_speaker_alone_shows_is_named():
    y = np.array(["anger", "fear"] * 30)
    groups = np.repeat([f"s{i}" for i in range(6)], 10)
    y[groups == "s3"] = "joy"
    message = refusal("speaker", y, groups)
    assert "of 5 leaves no clip of 'joy' to train on" in message
    assert "seed=..." in message


def test_refusals_can_be_caught_as_ours_and_as_scikit_learns():
    with pytest.raises(RenoStoreError):
        split("paper", y_balanced, None, n_folds=1)
    with pytest.raises(ValueError):
        split("paper", y_balanced, None, n_folds=1)
