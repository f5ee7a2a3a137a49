"""What holds of the folds of every protocol, whatever the clips."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.errors import ProtocolError
from reno_store.studies import split

clip_tables = st.lists(
    st.tuples(st.sampled_from(["anger", "fear", "joy"]), st.sampled_from("abcdefgh")),
    min_size=6,
    max_size=60,
)


def columns(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def assert_partition(folds, n_clips):
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(n_clips))
    for train, test in folds:
        assert len(test)
        assert sorted([*train, *test]) == list(range(n_clips))


@given(rows=clip_tables, seed=st.integers(0, 99), n_folds=st.integers(2, 9))
@settings(deadline=None, max_examples=200)
def test_loso_tests_each_speaker_once_and_alone_or_says_why_not(rows, seed, n_folds):
    y, groups = columns(rows)
    shown_by = {label: set(groups[y == label].tolist()) for label in set(y.tolist())}
    try:
        folds = split("loso", y, groups, n_folds=n_folds, seed=seed)
    except ProtocolError as error:
        told = str(error)
        assert (
            (len(shown_by) < 2 and "have the label" in told)
            or (len(set(groups)) < 2 and "none can be left out" in told)
            or (min(map(len, shown_by.values())) < 2 and "only the speaker left out" in told)
        )
        return
    assert_partition(folds, len(y))
    assert [set(groups[test].tolist()) for _, test in folds] == [
        {name} for name in np.unique(groups)
    ]
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == set(y)


@given(
    n_speakers=st.integers(2, 12),
    counts=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    n_folds=st.integers(2, 6),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_speaker_folds_are_as_even_as_alike_speakers_can_be_divided(
    n_speakers, counts, n_folds, seed
):
    """Where speakers are alike, folds differ by one speaker at most, in every class."""
    labels = np.repeat([f"label{i}" for i in range(len(counts))], counts)
    y = np.tile(labels, n_speakers)
    groups = np.repeat([f"s{i:02}" for i in range(n_speakers)], len(labels))
    if n_speakers < n_folds or min(counts) * n_speakers < n_folds:
        with pytest.raises(ProtocolError):
            split("speaker", y, groups, n_folds=n_folds, seed=seed)
        return
    folds = split("speaker", y, groups, n_folds=n_folds, seed=seed)
    assert_partition(folds, len(y))
    tested = [len(set(groups[test])) for _, test in folds]
    assert max(tested) - min(tested) <= 1
    for label, count in zip(np.unique(labels), counts, strict=True):
        assert [(y[test] == label).sum() for _, test in folds] == [count * n for n in tested]


@pytest.mark.parametrize("seed", range(10))
def test_speaker_folds_of_unlike_speakers_are_evener_than_speakers_dealt_out(seed):
    """Half the speakers cry and half laugh: a fold of one kind alone would be the worst."""
    groups = np.repeat([f"s{i:02}" for i in range(24)], 10)
    y = np.array([["cry"] * 9 + ["laugh"], ["cry"] + ["laugh"] * 9]).repeat(12, axis=0).ravel()
    folds = split("speaker", y, groups, n_folds=4, seed=seed)
    shares = [(y[test] == "cry").mean() for _, test in folds]
    assert max(shares) - min(shares) < 0.2


def assignment(protocol, y, groups, seed, n_folds):
    """Which fold tests each row."""
    fold_of = np.empty(len(y), int)
    folds = split(protocol, y, groups, n_folds=n_folds, seed=seed)
    for number, (_, test) in enumerate(folds):
        fold_of[test] = number
    return fold_of


@pytest.mark.parametrize("protocol", ["speaker", "loso"])
@given(data=st.data(), rows=clip_tables, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=100)
def test_speakers_stay_in_their_fold_however_the_rows_are_ordered(protocol, data, rows, seed):
    y, groups = columns(rows)
    order = np.array(data.draw(st.permutations(range(len(y)))))
    try:
        fold_of = assignment(protocol, y, groups, seed, 3)
    except ProtocolError as error:
        with pytest.raises(ProtocolError, match=re.escape(str(error))):
            split(protocol, y[order], groups[order], n_folds=3, seed=seed)
        return
    assert np.array_equal(assignment(protocol, y[order], groups[order], seed, 3), fold_of[order])
