"""The rows set aside for early stopping: whole speakers, or a share of each class."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.errors import HoldOutError
from reno_store.estimators import FCNClassifier
from reno_store.estimators.holdout import hold_out


def rng(seed=0):
    return np.random.default_rng(seed)


rows_of_speakers = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from("abcdef")), min_size=4, max_size=40
)


def share_of_choices_that_train_every_class(y, groups, n_held):
    choices = list(itertools.combinations(sorted(set(groups)), n_held))
    return np.mean([set(y[~np.isin(groups, choice)]) == set(y) for choice in choices])


@given(rows=rows_of_speakers, fraction=st.floats(0.05, 0.6), seed=st.integers(0, 99))
@settings(deadline=None)
def test_with_groups_whole_speakers_are_held_out_and_every_class_is_trained(rows, fraction, seed):
    y, groups = (np.array(column) for column in zip(*rows, strict=True))
    n_wanted = min(max(1, round(fraction * len(set(groups)))), len(set(groups)) - 1)
    if share_of_choices_that_train_every_class(y, groups, 1) == 0:
        with pytest.raises(HoldOutError, match=r"none of the .* speakers can be held out"):
            hold_out(y, groups, fraction, rng(seed))
        return
    held = hold_out(y, groups, fraction, rng(seed))
    assert held.dtype == bool
    assert held.shape == y.shape
    assert not set(groups[held]) & set(groups[~held])
    assert set(y[~held]) == set(y)
    assert 1 <= len(set(groups[held])) <= n_wanted
    if len(set(groups[held])) < n_wanted:  # then nobody else can be spared
        for speaker in set(groups[~held]):
            assert set(y[~held & (groups != speaker)]) != set(y)


def test_asking_for_all_speakers_leaves_one_to_train_on():
    groups, y = np.repeat(["a", "b"], 4), np.tile([0, 1], 4)
    assert set(groups[hold_out(y, groups, 0.9, rng())]) in ({"a"}, {"b"})


@pytest.mark.parametrize(("n_speakers", "n_held"), [(2, 1), (4, 1), (10, 1), (20, 2), (35, 4)])
def test_a_tenth_of_the_speakers_is_at_least_one(n_speakers, n_held):
    groups = np.repeat(np.arange(n_speakers), 6)
    y = np.tile([0, 1, 2], 2 * n_speakers)
    held = hold_out(y, groups, 0.1, rng())
    assert len(set(groups[held])) == n_held


def test_the_only_speaker_of_a_class_is_never_held_out():
    groups = np.repeat(list("abcdef"), 4)
    y = np.tile([0, 1], 12)
    y[groups == "c"] = 2
    for seed in range(50):
        held = hold_out(y, groups, 0.3, rng(seed))
        assert "c" not in groups[held]


@given(
    y=st.lists(st.integers(0, 3), min_size=2, max_size=60),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_without_groups_each_class_gives_its_share(y, fraction, seed):
    y = np.array([*y, y[0]])  # one class, at least, has two rows
    held = hold_out(y, None, fraction, rng(seed))
    for label in set(y.tolist()):
        n_rows, n_held = (y == label).sum(), held[y == label].sum()
        assert n_held == (0 if n_rows == 1 else np.clip(round(fraction * n_rows), 1, n_rows - 1))


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(10), 9)])
def test_chance_is_the_generators(groups):
    y = np.tile([0, 1, 2], 30)
    held = [hold_out(y, groups, 0.2, rng(seed)).tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1]
    assert held[0] != held[2]


def test_one_speaker_is_refused_with_what_to_do():
    with pytest.raises(ValueError) as caught:
        hold_out(np.array([0, 1] * 5), np.array(["a"] * 10), 0.1, rng())
    message = str(caught.value)
    assert "none of the 1 speakers" in message
    assert "all 2 classes" in message
    assert "leave groups out of fit" in message
    assert "early_stopping=False" in message


def test_speakers_who_each_show_a_class_alone_are_refused():
    with pytest.raises(
        ValueError, match=r"none of the 3 speakers.*leave all 3 classes in training"
    ):
        hold_out(np.array([0, 0, 1, 1, 2, 2]), np.array(list("aabbcc")), 0.1, rng())


def test_classes_of_a_single_row_turn_early_stopping_off_with_a_warning_at_the_call_of_fit():
    X = np.eye(3, dtype=np.float32)
    with pytest.warns(UserWarning, match="single row.*early stopping is off") as warned:
        fitted = FCNClassifier(max_epochs=2, random_state=0).fit(X, ["a", "b", "c"])
    assert warned[0].filename == __file__
    assert fitted.n_epochs_ == 2
    assert not any(key.startswith("valid") for key in fitted.history_[0])
