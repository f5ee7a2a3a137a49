"""What a stack takes, and what it leaves."""

import pickle

import torch
from factories.stacked_fits import (
    FOLDS,
    RENO,
    X,
    Y,
    alone,
    assert_alike,
    grid,
)
from sklearn.base import clone

from reno_store.errors import TrainingError
from reno_store.estimators import together
from reno_store.estimators.stacking import loop, pieces
from reno_store.estimators.together import fit_together


def test_a_fitted_member_holds_its_own_weights_and_no_stack(stacked):
    estimators = [clone(RENO), clone(RENO).set_params(beta=3.0)]
    found = fit_together(estimators, X, Y, FOLDS[:2])
    single = len(pickle.dumps(alone(RENO, FOLDS[0])))
    assert abs(len(pickle.dumps(found[0])) - single) < 0.02 * single
    assert all(each.requires_grad and each.grad is None for each in found[0].network_.parameters())
    assert not found[0].network_.training
    again = pickle.loads(pickle.dumps(found[0]))
    assert again.predict_proba(X).tobytes() == found[0].predict_proba(X).tobytes()


def test_stacks_are_cut_to_the_memory_that_they_may_use(stacked):
    estimators, rows = grid(RENO)
    whole = fit_together([clone(each) for each in estimators], X, Y, rows)
    assert stacked == [12]
    member = together.recruit(0, clone(RENO), X[FOLDS[0]], Y[FOLDS[0]], None, FOLDS[0])
    cut = fit_together(estimators, X, Y, rows, max_memory=5 * pieces.bytes_of(member))
    assert stacked == [12, 4, 4, 4]
    for ours, theirs in zip(cut, whole, strict=True):
        assert_alike(ours, theirs)


def test_a_stack_too_large_is_halved_and_nobody_trained_twice(stacked, monkeypatch):
    whole, n_steps = loop.Stack.step, []

    def starved(self, rows, *arguments):
        n_steps.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, rows, *arguments)

    monkeypatch.setattr(loop.Stack, "step", starved)
    estimators, rows = grid(RENO)
    found = fit_together(estimators, X, Y, rows)
    assert stacked == [12, 6, 3, 3, 3, 3]
    assert_alike(found[-1], alone(estimators[-1], rows[-1]))


def test_too_little_memory_for_one_member_is_that_members_error(stacked, monkeypatch):
    def starved(self, *arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop.Stack, "step", starved)
    found = fit_together([clone(RENO), clone(RENO)], X, Y, FOLDS[:2])
    for error in found:
        assert isinstance(error, TrainingError)
        assert "out of memory on cpu, even one classifier at a time" in str(error)
