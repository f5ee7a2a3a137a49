"""Hyperparameters are checked when `fit` is called, and all that are wrong are named."""

import inspect
import math

import numpy as np
import pytest

from reno_store.estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
)
from reno_store.estimators.parameters import check_parameters

X = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
y = ["a", "b"] * 10

WRONG = [
    ("beta", 1),
    ("beta", 0.5),
    ("beta", math.inf),
    ("beta", "2"),
    ("delta", -0.1),
    ("delta", math.nan),
    ("lam", 1.5),
    ("lam", -0.1),
    ("lam", None),
    ("n_tokens", 0),
    ("n_tokens", 2.5),
    ("align_dim", 0),
    ("n_heads", 0),
    ("n_heads", True),
    ("attention", "off"),
    ("attention", 1),
    ("residual", None),
    ("norm", "batch"),
    ("norm", True),
    ("input_dropout", 1.0),
    ("distribution", "sigmoid"),
    ("distribution", True),
    ("class_weight", "even"),
    ("class_weight", {"a": -1}),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("lr", 0),
    ("lr", -1e-3),
    ("batch_size", 0),
    ("batch_size", 32.0),
    ("max_epochs", 0),
    ("early_stopping", "yes"),
    ("early_stopping", 1),
    ("validation_fraction", 0),
    ("validation_fraction", 1.0),
    ("n_iter_no_change", 0),
    ("device", None),
    ("verbose", -1),
]


def refusal(classifier):
    with pytest.raises(ValueError) as caught:
        classifier.fit(X, y)
    return str(caught.value)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_each_wrong_value_is_refused_with_its_name_and_itself(name, value):
    message = refusal(RENOClassifier(block_sizes="even", **{name: value}))
    assert message.startswith("RENOClassifier: ")
    assert f"{name} must be " in message
    assert message.endswith(f"got {value!r}")


def test_all_wrong_values_are_named_at_once():
    message = refusal(
        RENOClassifier(
            block_sizes="even", beta=1, lam=1.5, delta=-1, lr=0, dropout=2, n_tokens=0, n_heads=-1
        )
    )
    for part in [
        "beta must be a number above 1, got 1",
        "delta must be a number of at least 0, got -1",
        "dropout must be a number in [0, 1), got 2",
        "lam must be a number in [0, 1], got 1.5",
        "lr must be a number above 0, got 0",
        "n_heads must be a whole number of at least 1, got -1",
        "n_tokens must be a whole number of at least 1, or None, got 0",
    ]:
        assert part in message


def test_heads_that_do_not_divide_are_named_beside_other_wrong_values():
    message = refusal(RENOClassifier(block_sizes="even", beta=1, lam=1.5, delta=-1, n_heads=3))
    for part in ["beta must be", "delta must be", "lam must be", "n_heads must divide"]:
        assert part in message


@pytest.mark.parametrize(
    ("n_heads", "align_dim", "told"),
    [
        (3, 256, "n_heads must divide 64 channels, got 3 for 64"),
        (3, 256, "n_heads must divide align_dim, got 3 for 256"),
        (4, 6, "n_heads must divide align_dim, got 4 for 6"),
        (3, 6, "n_heads must divide 64 channels, got 3 for 64"),
    ],
)
def test_heads_that_do_not_divide_are_refused(n_heads, align_dim, told):
    classifier = RENOClassifier(block_sizes="even", n_heads=n_heads, align_dim=align_dim)
    assert told in refusal(classifier)


@pytest.mark.parametrize(
    "parameters",
    [
        {"beta": 1.0001, "delta": 0, "lam": 0},
        {"lam": 1},
        {"beta": np.float32(2), "batch_size": np.int64(8), "early_stopping": np.True_},
        {"n_tokens": None, "dropout": 0, "verbose": True},
        {"n_heads": 4, "align_dim": 8},
        {"n_heads": 3, "align_dim": 7, "attention": False},
        {"attention": np.False_, "residual": False, "norm": "pre", "distribution": None},
        {"class_weight": {"a": 0, "b": np.float32(2)}},
        {"class_weight": "balanced"},
    ],
)
def test_values_at_the_edge_and_of_numpy_are_taken(parameters):
    check_parameters("RENOClassifier", parameters)


@pytest.mark.parametrize("kind", [FCNClassifier, CNNClassifier, ConcatClassifier, RENOClassifier])
def test_every_number_of_every_classifier_has_a_rule(kind):
    without_rule = {"random_state", "block_sizes"}  # checked where they are used
    names = set(inspect.signature(kind).parameters) - without_rule
    with pytest.raises(ValueError) as caught:
        check_parameters(kind.__name__, dict.fromkeys(names, -2.5))
    assert sorted(names) == [
        problem.removeprefix(f"{kind.__name__}: ").split()[0]
        for problem in str(caught.value).split("; ")
    ]


def test_making_a_classifier_checks_nothing_as_scikit_learn_asks():
    assert RENOClassifier(beta=-1).beta == -1


@pytest.mark.parametrize(
    ("device", "told"),
    [
        ("gpu", "device 'gpu' is unknown; expected auto, cpu, cuda or cuda:N"),
        ("meta", "device 'meta' is not supported"),
        ("cuda:99", "device 'cuda:99' is not available"),
    ],
)
def test_devices_that_are_not_there_are_refused(device, told):
    with pytest.raises(ValueError, match=told):
        FCNClassifier(device=device).fit(X, y)
