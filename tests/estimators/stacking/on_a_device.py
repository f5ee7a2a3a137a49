"""What is written for a GPU, run on a pretended one: by `test_on_a_device`, in a process apart."""

import pickle

import factories.pretend_device as pretend_device
import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS
from factories.pretend_device import COUNTS, PretendTensor
from factories.stacked_fits import (
    FOLDS,
    POINTS,
    QUICK,
    RENO,
    X,
    Y,
    assert_alike,
    assert_same_weights,
    grid,
)
from sklearn.base import clone

from reno_store.errors import TrainingError
from reno_store.estimators import FCNClassifier, together
from reno_store.estimators.stacking import loop, pieces
from reno_store.estimators.together import fit_together

ON_DEVICE = {**QUICK, "max_epochs": 2, "device": "pretend"}


@pytest.fixture
def stacks(monkeypatch):
    """Count the members of each stack, on the CPU too, and the device that it is on."""
    found = []
    whole = pieces.train_stack

    def counted(members, X, *arguments):
        found.append((len(members), X.device.type))
        return whole(members, X, *arguments)

    monkeypatch.setattr(together, "STACKED_ON", (*together.STACKED_ON, "cpu"))
    monkeypatch.setattr(pieces, "train_stack", counted)
    return found


def twelve():
    points = [{"random_state": seed} for seed in range(4)]
    return grid(FCNClassifier(**ON_DEVICE), points)


def points_of(name):
    return POINTS if name == "reno" else [{}, {"class_weight": "balanced"}, {"random_state": 3}]


def test_the_device_refuses_what_cuda_refuses_and_counts_what_waits():
    here, there = torch.ones(2), torch.ones(2, device="pretend")
    with pytest.raises(RuntimeError, match="same device"):
        here + there
    COUNTS.clear()
    there.cpu()
    torch.ones(2).pin_memory().to("pretend", non_blocking=True)
    assert (COUNTS["to_cpu"], COUNTS["to_device"], COUNTS["syncs"]) == (1, 1, 1)


@pytest.mark.parametrize("name", ["cnn", pytest.param("reno", marks=pytest.mark.slow)])
def test_a_stack_there_is_what_it_is_on_the_cpu(stacks, in_float64, name):
    """Without dropout, of which each device draws its own."""
    whole = clone(CLASSIFIERS[name]).set_params(
        **{**QUICK, "max_epochs": 8}, dropout=0.0, input_dropout=0.0
    )
    # Noise among the labels, so that some stop early.
    whole.set_params(lr=0.01, n_iter_no_change=2)
    y = np.where(np.arange(60) % 4 == 0, Y[::-1], Y)
    expected, rows = grid(whole, points_of(name), FOLDS[1:])
    found = [clone(each).set_params(device="pretend") for each in expected]
    fit_together(expected, X, y, rows)
    fit_together(found, X, y, rows)
    assert stacks == [(len(rows), "cpu"), (len(rows), "pretend")]
    assert len({fitted.n_epochs_ for fitted in expected}) > 1, "else nobody stopped early"
    for ours, theirs in zip(found, expected, strict=True):
        assert all(isinstance(each, PretendTensor) for each in ours.network_.parameters())
        assert_alike(ours, theirs, tolerance=1e-6)


@pytest.mark.parametrize("name", ["cnn", pytest.param("reno", marks=pytest.mark.slow)])
def test_members_there_are_what_single_fits_there_are(stacks, in_float64, name):
    """With dropout, which both draw from the device's generator."""
    whole = clone(CLASSIFIERS[name]).set_params(**ON_DEVICE)
    estimators, rows = grid(whole, points_of(name), FOLDS[1:])
    fit_together(estimators, X, Y, rows)
    assert stacks == [(len(rows), "pretend")]
    for fitted, own in zip(estimators, rows, strict=True):
        single = clone(fitted).fit(X[own], Y[own])
        assert_alike(fitted, single, tolerance=1e-6)  # accuracies are in float32
        fitted.network_.cpu()
        single.network_.cpu()
        assert_same_weights(fitted, single, tolerance=1e-8)


@pytest.mark.parametrize("is_stacked", [True, False])
def test_what_was_fitted_there_predicts_there_and_then_on_the_cpu_from_a_pickle_too(is_stacked):
    fitted = clone(RENO).set_params(device="pretend")
    if is_stacked:
        fit_together([fitted], X, Y, FOLDS[:1])
    else:
        fitted.fit(X, Y)
    there = fitted.predict_proba(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert isinstance(next(fitted.network_.parameters()), PretendTensor)
    assert {type(each.data) for each in again.network_.parameters()} == {torch.Tensor}
    fitted.network_.cpu()
    for here in (fitted, again):
        np.testing.assert_allclose(here.predict_proba(X), there, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["reno"])
def test_a_step_of_a_stack_waits_for_nothing_and_launches_as_much_for_many(monkeypatch, name):
    """Between the ends of epochs, so that a GPU has always something left to do."""
    whole, seen = loop._Loop._step, {}

    def counted(self):
        before = COUNTS.copy()
        ended = whole(self)
        for what in ("syncs", "to_cpu", "to_device", "launches"):
            seen.setdefault(what, []).append(COUNTS[what] - before[what])
        return ended

    monkeypatch.setattr(loop._Loop, "_step", counted)
    launches = []
    for n_members in (2, 40):
        seen.clear()
        estimator = clone(CLASSIFIERS[name]).set_params(**ON_DEVICE)
        # Not one and the same fit, but of one seed, whose batches and dropout are drawn once.
        members = [clone(estimator).set_params(n_iter_no_change=5 + i) for i in range(n_members)]
        fit_together(members, X, Y, FOLDS[:1] * n_members)
        assert len(seen["syncs"]) > 3
        assert set(seen["syncs"]) == set(seen["to_cpu"]) == {0}
        assert set(seen["to_device"]) == {5}  # rows, classes, shares, streams, sizes
        launches.append(seen["launches"])
    assert launches[0] == launches[1]


@pytest.mark.parametrize(("largest", "what"), [(1_000, "the data"), (100_000, "one classifier")])
def test_too_little_memory_for_one_is_told_of_each_and_others_go_on(monkeypatch, largest, what):
    monkeypatch.setattr(pretend_device.MEMORY, "largest", largest)
    there = [clone(RENO).set_params(device="pretend") for _ in range(2)]
    here = clone(RENO)
    *found, fitted = fit_together([*there, here], X, Y, FOLDS)
    assert fitted is here
    assert fitted.n_epochs_ == 3
    for error, estimator in zip(found, there, strict=True):
        assert isinstance(error, TrainingError)
        assert "out of memory on pretend" in str(error)
        assert what in str(error)
        assert not hasattr(estimator, "classes_")


def test_the_devices_generator_goes_on_as_if_nothing_had_been_fitted():
    chance = torch.pretend.default_generators[0]
    chance.manual_seed(3)
    before = chance.get_state(), torch.get_rng_state()
    fit_together([clone(RENO).set_params(device="pretend")], X, Y, FOLDS[:1])
    FCNClassifier(**ON_DEVICE).fit(X, Y)
    assert torch.equal(chance.get_state(), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])
