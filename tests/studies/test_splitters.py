"""Protocols as scikit-learn takes them."""

import numpy as np
import pytest
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

from reno_store.errors import ProtocolError, UnknownNameError
from reno_store.studies import PROTOCOLS, ProtocolSplitter, split

X = np.zeros((40, 2))
y = np.array(["cry", "laugh"] * 20)
speakers = np.repeat([f"s{i}" for i in range(8)], 5)


@pytest.mark.parametrize("protocol", [each.name for each in PROTOCOLS.values() if not each.across])
def test_folds_are_those_of_the_protocol(protocol):
    splitter = ProtocolSplitter(protocol, n_folds=4, seed=3)
    expected = split(protocol, y, speakers, n_folds=4, seed=3)
    got = list(splitter.split(X, y, speakers))
    assert len(got) == splitter.get_n_splits(X, y, speakers) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert all(np.array_equal(*sides) for sides in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(("protocol", "n_scores"), [("paper", 5), ("speaker", 5), ("loso", 8)])
def test_cross_val_score_takes_it(protocol, n_scores):
    splitter = ProtocolSplitter(protocol)
    scores = cross_val_score(DummyClassifier(), X, y, groups=speakers, cv=splitter)
    assert len(scores) == n_scores


def test_a_search_takes_it_and_lists_work_too():
    search = GridSearchCV(DummyClassifier(), {"constant": [None]}, cv=ProtocolSplitter("loso"))
    search.fit(X.tolist(), y.tolist(), groups=speakers.tolist())
    assert search.n_splits_ == 8


def test_groups_reach_it_through_metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            DummyClassifier(), X, y, params={"groups": speakers}, cv=ProtocolSplitter("loso")
        )
    assert len(scores) == 8


def test_the_protocols_own_refusals_come_through():
    with pytest.raises(ProtocolError, match="the speaker of 40 of 40 clips is unknown"):
        ProtocolSplitter("speaker").split(X, y)
    with pytest.raises(ProtocolError, match="speaker"):
        ProtocolSplitter("loso").get_n_splits(X, y)


def test_unknown_protocols_are_refused_at_once():
    with pytest.raises(UnknownNameError, match="did you mean 'loso'"):
        ProtocolSplitter("losso")


def test_it_shows_what_it_is():
    assert repr(ProtocolSplitter("loso", seed=2)) == "ProtocolSplitter('loso', n_folds=5, seed=2)"
