"""Fits that do not learn are found, reported and kept from passing for results."""

import warnings

import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS, easy_data
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from reno_store.estimators import FCNClassifier, RENOClassifier
from reno_store.estimators.collapse import find_collapse, guessing_cross_entropy
from reno_store.estimators.networks import FCN
from reno_store.estimators.together import fit_together
from reno_store.estimators.training import Trained, TrainingData


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


def weak_wide_pair():
    """Give a pair of wide blocks with little signal, on which LayerNorm last does not train."""
    rng = np.random.default_rng(0)
    y = np.arange(320) % 8
    X = rng.normal(size=(320, 400)) + 0.25 * rng.normal(size=(8, 400))[y]
    return X.astype(np.float32), y


def test_a_fit_that_learns_has_not_collapsed(classifier):
    X, y = easy_data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = classifier.set_params(max_epochs=20).fit(X, y)
    assert fitted.collapsed_ is False


def test_a_loss_that_stays_at_that_of_guessing_warns(classifier):
    X, y = easy_data()
    X, _ = 1e-3 * X, classifier.set_params(lr=1e-9, max_epochs=3)
    with pytest.warns(ConvergenceWarning, match=f"{type(classifier).__name__} has collapsed: .*lr"):
        classifier.fit(X, y)
    assert classifier.collapsed_ is True


@pytest.mark.parametrize(("bias", "expected"), [(5.0, "same label"), (0.0, "")])
def test_one_label_for_all_rows_is_a_collapse_whatever_the_loss(bias, expected):
    torch.manual_seed(0)
    network = FCN(8, 2).eval()
    with torch.no_grad():
        network.dense.layers[-1].bias += torch.tensor([bias, 0.0])
        network.dense.layers[-1].weight *= 10
    data = TrainingData(
        np.random.default_rng(0).normal(size=(70, 8)).astype(np.float32), np.arange(70) % 2
    )
    found = find_collapse(Trained(network, [{"train_cross_entropy": 0.1}], 1), data)
    assert expected in found
    assert bool(found) == bool(expected)


def test_it_is_enough_that_held_out_rows_are_better_than_guessed():
    network = FCN(8, 2).eval()
    data = TrainingData(np.eye(8, dtype=np.float32).repeat(8, axis=0) * 20, np.arange(64) % 2)
    epoch = {"train_cross_entropy": 0.69, "valid_cross_entropy": 0.6}
    assert "guessing" in find_collapse(
        Trained(network, [{**epoch, "valid_cross_entropy": 0.69}], 1), data
    )
    assert "guessing" not in find_collapse(Trained(network, [epoch], 1), data)


@pytest.mark.slow
def test_the_old_default_collapses_where_todays_learns():
    X, y = weak_wide_pair()
    old = RENOClassifier(
        block_sizes=(200, 200), norm="post", n_tokens=26, max_epochs=8, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="norm=None"):
        old.fit(X, y)
    assert old.collapsed_
    new = RENOClassifier(block_sizes=(200, 200), max_epochs=8, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new.fit(X, y)
    assert not new.collapsed_


def test_members_of_a_call_know_whether_they_collapsed():
    X, y = easy_data()
    X *= 0.1
    estimators = [FCNClassifier(lr=lr, random_state=0, max_epochs=10) for lr in (1e-9, 1e-2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = fit_together(estimators, X, y, [np.arange(len(y))] * 2)
    assert [each.collapsed_ for each in fitted] == [True, False]


def test_guessing_is_the_entropy_of_the_labels_as_the_loss_weighs_them():
    targets = np.array([0, 0, 0, 1])
    share = np.array([0.75, 0.25])
    assert guessing_cross_entropy(targets) == pytest.approx(-(share * np.log(share)).sum())
    balanced = torch.tensor([2 / 3, 2.0])  # as class_weight="balanced" gives
    assert guessing_cross_entropy(targets, balanced) == pytest.approx(np.log(2))
