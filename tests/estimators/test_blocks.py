"""Finding which columns belong to which model, and refusing what cannot be told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reno_store.estimators.blocks import blocks_from_names, resolve_block_sizes

NAMES = [*(f"wavlm-base:{i}" for i in range(4)), *(f"mfcc:{i}" for i in range(2))]


def test_names_give_the_blocks_in_the_order_of_the_columns():
    assert blocks_from_names(NAMES) == (4, 2)
    assert blocks_from_names(NAMES[::-1]) == (2, 4)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_names_give_back_any_sizes(sizes):
    names = [f"model{block}:{i}" for block, size in enumerate(sizes) for i in range(size)]
    assert blocks_from_names(names) == tuple(sizes)


def test_a_colon_within_a_models_name_is_part_of_it():
    assert blocks_from_names(["hf:a:0", "hf:a:1", "hf:b:0"]) == (2, 1)


@pytest.mark.parametrize(
    "names",
    [
        None,
        [],
        ["a", "b"],
        ["mfcc:0", "age"],
        ["mfcc:0", "mfcc:mean"],
        ["mfcc:0", "mfcc:-1"],
        [":0", ":1"],
        ["mfcc:", "mfcc:1"],
        [0, 1],
    ],
)
def test_names_of_another_form_say_nothing(names):
    assert blocks_from_names(names) is None


def test_columns_of_a_model_that_stand_apart_are_refused():
    with pytest.raises(ValueError, match=r"must be adjacent.*\['a', 'b', 'a'\]"):
        blocks_from_names(["a:0", "b:0", "a:1"])


def test_unnamed_columns_take_the_sizes_given():
    assert resolve_block_sizes((4, 2), 6, None) == (4, 2)
    assert resolve_block_sizes([1, 2, 3], 6, None) == (1, 2, 3)
    assert resolve_block_sizes(np.array([4, 2]), 6, None) == (4, 2)


def test_named_columns_need_no_sizes():
    assert resolve_block_sizes(None, 6, NAMES) == (4, 2)


def test_named_columns_may_be_given_the_same_sizes():
    assert resolve_block_sizes((4, 2), 6, NAMES) == (4, 2)


def test_columns_with_other_names_take_the_sizes_given():
    assert resolve_block_sizes((2, 1), 3, ["x", "y", "z"]) == (2, 1)


@pytest.mark.parametrize(("n_features", "expected"), [(6, (3, 3)), (7, (4, 3)), (2, (1, 1))])
def test_even_halves(n_features, expected):
    assert resolve_block_sizes("even", n_features, None) == expected


@pytest.mark.parametrize("names", [None, list("abcdef")])
def test_nothing_given_is_refused_with_both_ways_out(names):
    with pytest.raises(ValueError) as caught:
        resolve_block_sizes(None, 6, names)
    message = str(caught.value)
    assert "6 columns" in message
    assert "block_sizes=samples.block_sizes" in message
    assert "block_sizes='even'" in message
    assert "'MODEL:i'" in message


@pytest.mark.parametrize("names", [None, NAMES])
def test_sizes_that_do_not_add_up_are_refused_with_both_sums(names):
    with pytest.raises(ValueError, match=r"\(4, 3\) add up to 7, but X has 6 columns"):
        resolve_block_sizes((4, 3), 6, names)


@pytest.mark.parametrize("asked", [(2, 4), "even", (2, 2, 2)])
def test_sizes_that_contradict_the_names_are_refused_with_both(asked):
    with pytest.raises(ValueError, match=r"disagree with the columns' names, which say \(4, 2\)"):
        resolve_block_sizes(asked, 6, NAMES)


@pytest.mark.parametrize("asked", [(6,), (6, 0), (7, -1)])
def test_fewer_than_two_blocks_are_refused(asked):
    with pytest.raises(ValueError, match="at least two blocks of at least one column"):
        resolve_block_sizes(asked, 6, None)


def test_names_of_one_model_are_refused():
    with pytest.raises(ValueError, match=r"at least two blocks.*got blocks \(4,\)"):
        resolve_block_sizes(None, 4, NAMES[:4])


def test_one_column_has_no_halves():
    with pytest.raises(ValueError, match=r"at least two blocks.*n_features = 1"):
        resolve_block_sizes("even", 1, None)


@pytest.mark.parametrize(
    "asked",
    ["halves", 6, (4, None), (4.5, 2.5), ("4", "2"), (True, 5), (np.nan, 2), (np.inf, 2)],
)
def test_sizes_that_are_no_whole_numbers_are_refused(asked):
    with pytest.raises(ValueError, match="must be a sequence of whole numbers, 'even' or None"):
        resolve_block_sizes(asked, 6, None)
