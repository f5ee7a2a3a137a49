"""Many classifiers fitted in one go, each on rows of its own of the same data.

On a GPU those of one shape are trained as a stack (`stacking`): one of them alone keeps it
waiting for the next small product. A CPU is kept busy by a single one, and finds its data
nearer, so there they are fitted one by one, in as many processes as are asked for, and the
results are those of single fits to the last bit. Fits that would repeat another to the last
bit, as all β and δ with λ = 1 do, are not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
import torch
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray

from reno_store.errors import DeviceError, TrainingError
from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.plain_fits import fit_each, part
from reno_store.estimators.same_fits import first_of_same, take_over
from reno_store.estimators.stacking import Member, can_join, recruit, train_in_pieces
from reno_store.estimators.training import Trained, TrainingData
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.progress import Counter

__all__ = ["STACKED_ON", "Finished", "fit_together"]

STACKED_ON = ("cuda",)
"""Kinds of device on which a stack is faster than single fits."""

Finished = Callable[[int, EmbeddingClassifier | Exception], None]
"""Is told an estimator's place, and its fitted self or what its fit raised."""


def fit_together(
    estimators: Sequence[EmbeddingClassifier],
    X: ArrayLike,
    y: ArrayLike,
    rows: Sequence[NDArray[np.int64]],
    groups: ArrayLike | None = None,
    *,
    n_jobs: int = 1,
    max_memory: int | None = None,
    counter: Counter | None = None,
    finished: Finished | None = None,
) -> list[EmbeddingClassifier | Exception]:
    """Fit each estimator as ``estimator.fit(X[rows], y[rows], groups[rows])`` would.

    Parameters
    ----------
    estimators : Sequence[EmbeddingClassifier]
        Not fitted; they are fitted in place.
    X : array-like, shape (n_clips, n_features)
        Embeddings; a table's column names are kept.
    y : array-like, shape (n_clips,)
        Labels.
    rows : Sequence of numpy.ndarray of int64
        For each estimator the rows to train on.
    groups : array-like, shape (n_clips,), optional
        Speakers.
    n_jobs : int
        Processes that share the work on a CPU; -1: one a core.
    max_memory : int, optional
        Bytes that a stack may use beyond the data; chosen by what is free unless given. Fits
        on a CPU take no notice.
    counter : Counter, optional
        Advanced by one for each estimator that is finished, and by its work as epochs end.
    finished : callable, optional
        Called with each estimator's place and outcome as soon as it is there, in any order.
        What it raises ends the call.

    Returns
    -------
    list of EmbeddingClassifier or Exception
        In order: the fitted estimator, or what its fit raised. If anything else stops the
        call, Ctrl-C among it, none is left fitted.

    Notes
    -----
    A stack takes estimators of one class and shape (blocks, ``n_tokens``, ``align_dim``,
    ``n_heads``, ``attention``, ``residual``, ``norm``, classes, ``batch_size``, ``lr``,
    device) whose ``random_state`` is a whole number; ``beta``, ``delta``, ``lam``,
    ``dropout``, ``class_weight``, seeds, rows and all about early stopping may differ. The
    others are fitted one after the other. ``verbose`` prints nothing in a stack, and the
    ``seconds`` of its history are each member's share. A classifier whose fit is the same as
    another's (`same_fits`) gets a copy of what that one left.
    """
    counter = Counter() if counter is None else counter
    try:
        call = _Call(estimators, X, y, rows, groups, counter, finished)
        return call.run(n_jobs, max_memory)
    except BaseException:
        for estimator in estimators:
            estimator._forget()
        raise


class _Call:
    def __init__(
        self,
        estimators: Sequence[EmbeddingClassifier],
        X: ArrayLike,
        y: ArrayLike,
        rows: Sequence[NDArray[np.int64]],
        groups: ArrayLike | None,
        counter: Counter,
        finished: Finished | None,
    ) -> None:
        self._estimators, self._rows = list(estimators), [np.asarray(own) for own in rows]
        if len(self._estimators) != len(self._rows):
            raise ValueError(
                f"rows must name the rows of each estimator, got {len(self._rows)} for "
                f"{len(self._estimators)} estimators"
            )
        self._X, self._y, self._groups = X, y, groups
        self._counter, self._finished = counter, finished
        self._found: dict[int, EmbeddingClassifier | Exception] = {}
        self._told: dict[int, float] = {}
        self._same: dict[int, list[int]] = {}
        for place, first in enumerate(first_of_same(self._estimators, self._rows)):
            self._same.setdefault(first, []).append(place)

    def run(self, n_jobs: int, max_memory: int | None) -> list[EmbeddingClassifier | Exception]:
        members, plain = [], []
        for place in self._same:
            estimator, member = self._estimators[place], None
            if can_join(estimator) and _device_of(estimator) in STACKED_ON:
                member = self._recruit(place)
            if member is not None:
                members.append(member)
            elif place not in self._found:
                plain.append(place)
        for device in dict.fromkeys(member.plan.device for member in members):
            alike = [member for member in members if member.plan.device == device]
            # float32 is what each fit would make of its rows.
            with np.errstate(over="ignore"):
                data = np.asarray(self._X).astype(np.float32)
            train_in_pieces(alike, data, self._conclude, self._tell_of_epoch, max_memory)
        self._fit_plainly(plain, n_jobs)
        return [self._found[place] for place in range(len(self._estimators))]

    def _recruit(self, place: int) -> Member | None:
        own = self._rows[place]
        X, y, groups = (part(each, own) for each in (self._X, self._y, self._groups))
        try:
            return recruit(place, self._estimators[place], X, y, own, groups)
        except Exception as error:
            self._keep(place, error)
            return None

    def _conclude(self, member: Member, outcome: Trained | TrainingError) -> None:
        if isinstance(outcome, Exception):
            self._keep(member.place, outcome)
        else:
            X = part(self._X, member.rows)
            with np.errstate(over="ignore"):
                data = TrainingData(np.asarray(X).astype(np.float32), member.targets)
            member.estimator._conclude(outcome, data, member.loss)
            self._keep(member.place, member.estimator)

    def _tell_of_epoch(self, member: Member, epoch: int) -> None:
        """Move the bar: all members of a stack are finished at once, at its end."""
        done, told = epoch / member.plan.max_epochs, self._told.get(member.place, 0.0)
        if done > told:  # a stack that was too large begins anew
            self._counter.advance(0, work=done - told)
            self._told[member.place] = done

    def _fit_plainly(self, places: Sequence[int], n_jobs: int) -> None:
        # Processes would each load CUDA and fill the GPU's memory.
        are_on_cpu = all(_device_of(self._estimators[place]) == "cpu" for place in places)
        outcomes = fit_each(
            [self._estimators[place] for place in places],
            self._X,
            self._y,
            [self._rows[place] for place in places],
            self._groups,
            min(effective_n_jobs(n_jobs), max(len(places), 1)) if are_on_cpu else 1,
        )
        with closing(outcomes):
            for place, outcome in zip(places, outcomes, strict=True):
                self._keep(place, outcome)

    def _keep(self, place: int, outcome: EmbeddingClassifier | Exception) -> None:
        for each in self._same[place]:
            estimator = self._estimators[each]
            if isinstance(outcome, Exception):
                estimator._forget()
            elif each != place:
                take_over(estimator, outcome)
            self._found[each] = outcome if isinstance(outcome, Exception) else estimator
            self._counter.advance(1, work=1 - self._told.get(each, 0.0))
            if self._finished is not None:
                self._finished(each, self._found[each])


def _device_of(estimator: EmbeddingClassifier) -> str:
    """Kind of device; a device that is not there is told by the fit."""
    try:
        return torch.device(resolve_device(estimator.device)).type
    except (DeviceError, TypeError, RuntimeError):
        return "cpu"
