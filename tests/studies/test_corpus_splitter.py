"""Pairs of corpora as row numbers: what is trained on, what is tested, what is left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from reno_store.errors import ProtocolError, UnknownNameError
from reno_store.studies import CorpusSplitter, ProtocolSplitter, split
from reno_store.studies.corpus_pairs import list_pairs, shared_labels

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=40)


@given(ROWS, st.sampled_from(["cross-corpus", "leave-one-corpus-out"]))
def test_sides_share_no_corpus_and_have_the_same_labels(rows, protocol):
    corpus, y = (np.array(column) for column in zip(*rows, strict=True))
    try:
        folds = list(CorpusSplitter(protocol).split(None, y, corpus))
    except ProtocolError:
        return
    for pair, (train, test) in zip(CorpusSplitter(protocol).pairs(corpus), folds, strict=True):
        assert set(corpus[train]) <= set(pair.train_on)
        assert set(corpus[test]) == {pair.test_on}
        assert set(y[train]) == set(y[test])
        # Every clip of a common label is used.
        used = np.isin(y, y[test])
        assert np.array_equal(test, np.flatnonzero(used & (corpus == pair.test_on)))
        assert np.array_equal(train, np.flatnonzero(used & np.isin(corpus, pair.train_on)))


def test_pairs_follow_the_protocol_and_the_datasets_that_are_named():
    def names(protocol, **sides):
        return [pair.name for pair in list_pairs(protocol, ["a", "b", "c"], **sides)]

    assert names("cross-corpus") == ["a → b", "a → c", "b → a", "b → c", "c → a", "c → b"]
    assert names("leave-one-corpus-out") == ["b + c → a", "a + c → b", "a + b → c"]
    assert names("cross-corpus", train_on=["a"], test_on=["c"]) == ["a → c"]
    assert names("leave-one-corpus-out", train_on=["a", "b"]) == ["b → a", "a → b", "a + b → c"]


def test_rare_labels_are_counted_on_both_sides():
    train, test = np.array(["x"] * 9 + ["y"] * 9), np.array(["x"] * 9 + ["y"] * 2)
    labels, rare = shared_labels(train, test, min_clips=3)
    assert labels.tolist() == ["x"]
    assert rare == {"y": 11}


def test_cross_val_score_takes_the_splitter():
    rng = np.random.default_rng(0)
    y = np.array(["cry", "laugh"] * 20)
    X = (y == "laugh")[:, None] + 0.1 * rng.normal(size=(40, 2))
    corpus = np.repeat(["jnv", "vivae"], 20)
    splitter = CorpusSplitter()
    scores = cross_val_score(LogisticRegression(), X, y, groups=corpus, cv=splitter)
    assert scores.tolist() == [1.0, 1.0]
    assert splitter.get_n_splits(groups=corpus) == 2
    with pytest.raises(ProtocolError, match="groups"):
        splitter.get_n_splits()


def test_corpora_without_two_labels_in_common_are_refused_with_their_labels():
    y, corpus = ["angry", "fear", "anger", "fear"], ["jnv", "jnv", "vivae", "vivae"]
    with pytest.raises(ProtocolError) as caught:
        list(CorpusSplitter().split(None, y, corpus))
    assert all(word in str(caught.value) for word in ("jnv → vivae", "angry", "anger"))


def test_wrong_arguments_are_refused():
    with pytest.raises(ProtocolError, match="cross-corpus, leave-one-corpus-out"):
        CorpusSplitter("speaker")
    with pytest.raises(ProtocolError, match="CorpusSplitter"):
        ProtocolSplitter("cross-corpus")
    with pytest.raises(ProtocolError, match="several datasets"):
        split("leave-one-corpus-out", np.array(["x", "y"]), None)
    with pytest.raises(UnknownNameError):
        list(CorpusSplitter(test_on="vivea").split(None, ["x"] * 2, ["vivae", "jnv"]))
    with pytest.raises(ProtocolError, match="two"):
        list(CorpusSplitter().split(None, ["x", "y"], ["jnv", "jnv"]))
