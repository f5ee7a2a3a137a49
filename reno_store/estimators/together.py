"""Fit many classifiers in one call, each on its own rows of the same data.

On a GPU, classifiers of one shape are trained as a stack (`stacking`), since a single one leaves
the GPU idle between small products. A CPU is busy with a single one, so there they are fitted
one by one, in `n_jobs` processes, and the results are those of single fits to the last bit.
Identical fits, such as all β and δ with λ = 1, are trained once.
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
from reno_store.estimators.same_fits import copy_fit, first_of_same
from reno_store.estimators.stacking import Member, can_join, recruit, train_in_pieces
from reno_store.estimators.training import Trained, TrainingData
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.progress import Counter

__all__ = ["STACKED_ON", "Finished", "fit_together"]

STACKED_ON = ("cuda",)
"""Kinds of device on which a stack is faster than single fits."""

Finished = Callable[[int, EmbeddingClassifier | Exception], None]
"""Called with the place of an estimator, and the fitted estimator or the error of its fit."""


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
        Training rows of each estimator.
    groups : array-like, shape (n_clips,), optional
        Speakers.
    n_jobs : int
        Processes that share the work on a CPU; -1: one a core.
    max_memory : int, optional
        Bytes that a stack may use beyond the data; by default what is free. Fits on a CPU
        ignore it.
    counter : Counter, optional
        Advanced by one for each estimator that is finished, and by its work as epochs end.
    finished : callable, optional
        Called with the place and outcome of each estimator as soon as it is finished, in any
        order. An error that it raises ends the call.

    Returns
    -------
    list of EmbeddingClassifier or Exception
        In order: the fitted estimator, or the error of its fit. If anything else stops the
        call, such as Ctrl-C, no estimator stays fitted.

    Notes
    -----
    A stack takes estimators of one class and shape (blocks, ``n_tokens``, ``align_dim``,
    ``n_heads``, ``attention``, ``residual``, ``norm``, classes, ``batch_size``, ``lr``,
    ``distribution``, device) whose ``random_state`` is a whole number; ``beta``, ``delta``,
    ``lam``, ``dropout``, ``class_weight``, seeds, rows and early stopping may differ. The
    others are fitted one after the other. ``verbose`` prints nothing in a stack, and the
    ``seconds`` of its history are the member's share. A classifier whose fit is identical to
    another's (`same_fits`) gets a copy of the result.
    """
    rows = [np.asarray(own) for own in rows]
    if len(estimators) != len(rows):
        raise ValueError(
            f"rows must have one entry per estimator, got {len(rows)} for "
            f"{len(estimators)} estimators"
        )
    outcomes = _Outcomes(estimators, rows, Counter() if counter is None else counter, finished)
    try:
        _fit_all(outcomes, X, y, rows, groups, n_jobs, max_memory)
    except BaseException:
        for estimator in estimators:
            estimator._forget()
        raise
    return [outcomes.found[place] for place in range(len(estimators))]


class _Outcomes:
    """The results of a call, as they arrive; each goes to all estimators with identical fits."""

    def __init__(
        self,
        estimators: Sequence[EmbeddingClassifier],
        rows: Sequence[NDArray[np.int64]],
        counter: Counter,
        finished: Finished | None,
    ) -> None:
        self.estimators = estimators
        self.found: dict[int, EmbeddingClassifier | Exception] = {}
        self._counter, self._finished = counter, finished
        self._done: dict[int, float] = {}
        self.same: dict[int, list[int]] = {}
        for place, first in enumerate(first_of_same(estimators, rows)):
            self.same.setdefault(first, []).append(place)

    def keep(self, place: int, outcome: EmbeddingClassifier | Exception) -> None:
        for each in self.same[place]:
            estimator = self.estimators[each]
            if isinstance(outcome, Exception):
                estimator._forget()
            elif each != place:
                copy_fit(estimator, outcome)
            self.found[each] = outcome if isinstance(outcome, Exception) else estimator
            self._counter.advance(1, work=1 - self._done.get(each, 0.0))
            if self._finished is not None:
                self._finished(each, self.found[each])

    def epoch_ended(self, member: Member, epoch: int) -> None:
        """Move the bar: all members of a stack finish together, at its end."""
        now, before = epoch / member.plan.max_epochs, self._done.get(member.place, 0.0)
        if now > before:  # a stack that was too large starts again
            self._counter.advance(0, work=now - before)
            self._done[member.place] = now


def _fit_all(
    outcomes: _Outcomes,
    X: ArrayLike,
    y: ArrayLike,
    rows: Sequence[NDArray[np.int64]],
    groups: ArrayLike | None,
    n_jobs: int,
    max_memory: int | None,
) -> None:
    members: dict[str, list[Member]] = {}
    plain: list[int] = []
    for place in outcomes.same:
        estimator, own = outcomes.estimators[place], rows[place]
        member = None
        if can_join(estimator) and _device_of(estimator) in STACKED_ON:
            own_X, own_y, own_groups = (part(each, own) for each in (X, y, groups))
            try:
                member = recruit(place, estimator, own_X, own_y, own_groups, own)
            except Exception as error:
                outcomes.keep(place, error)
                continue
        if member is None:
            plain.append(place)
        else:
            members.setdefault(member.plan.device, []).append(member)

    def conclude(member: Member, outcome: Trained | TrainingError) -> None:
        if isinstance(outcome, Trained):
            own = TrainingData(_float32(part(X, member.rows)), member.targets)
            member.estimator._conclude(outcome, own, member.loss)
            outcomes.keep(member.place, member.estimator)
        else:
            outcomes.keep(member.place, outcome)

    for alike in members.values():
        train_in_pieces(alike, _float32(X), conclude, outcomes.epoch_ended, max_memory)
    # Processes would each load CUDA and fill the GPU's memory.
    are_on_cpu = all(_device_of(outcomes.estimators[place]) == "cpu" for place in plain)
    n_processes = min(effective_n_jobs(n_jobs), max(len(plain), 1)) if are_on_cpu else 1
    single = [outcomes.estimators[place] for place in plain]
    with closing(fit_each(single, X, y, [rows[i] for i in plain], groups, n_processes)) as fits:
        for place, outcome in zip(plain, fits, strict=True):
            outcomes.keep(place, outcome)


def _float32(X: ArrayLike) -> NDArray[np.float32]:
    """Convert X as each fit would convert its rows."""
    with np.errstate(over="ignore"):
        return np.asarray(X).astype(np.float32)


def _device_of(estimator: EmbeddingClassifier) -> str:
    """Return the kind of device; `fit` reports a device that is missing."""
    try:
        return torch.device(resolve_device(estimator.device)).type
    except (DeviceError, TypeError, RuntimeError):
        return "cpu"
