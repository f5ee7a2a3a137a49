"""Classifiers that can be trained together, prepared for it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.networks import CNN, FCN, RENO, Concat, FusionLoss
from reno_store.estimators.training import TrainingPlan

__all__ = ["Member", "can_join", "recruit"]

_OWN = {
    "beta",
    "class_weight",
    "delta",
    "dropout",
    "early_stopping",
    "lam",
    "max_epochs",
    "n_iter_no_change",
    "random_state",
    "validation_fraction",
    "verbose",
}
"""Hyperparameters in which the members of one stack may differ."""

_SETTLED = {"block_sizes": "block_sizes_", "device": None, "n_tokens": "n_tokens_"}
"""Hyperparameters with several spellings of one value, and the attribute that `fit` sets."""


@dataclass(frozen=True, slots=True)
class Member:
    """One classifier of a stack, prepared for training.

    Attributes
    ----------
    place : int
        Place in the list of classifiers.
    estimator : EmbeddingClassifier
        With the attributes that `fit` sets before training.
    network : torch.nn.Module
        Its network, without values (on torch's device "meta").
    loss : FusionLoss
        Its loss.
    plan : TrainingPlan
        Its optimization.
    rows : numpy.ndarray of int64, shape (n,)
        Rows of X to train on.
    targets : numpy.ndarray of int64, shape (n,)
        Their classes.
    held_rows, held_targets : numpy.ndarray of int64, shape (m,), or None
        Held-out rows of X, and their classes.
    shape : Hashable
        Members with equal shapes can be stacked.
    """

    place: int
    estimator: EmbeddingClassifier
    network: torch.nn.Module
    loss: FusionLoss
    plan: TrainingPlan
    rows: NDArray[np.int64]
    targets: NDArray[np.int64]
    held_rows: NDArray[np.int64] | None
    held_targets: NDArray[np.int64] | None
    shape: Hashable


def can_join(estimator: EmbeddingClassifier) -> bool:
    """Return whether a classifier can be trained in a stack, as far as it shows before `fit`.

    A generator as random_state needs single fits, which draw from it in turn.
    """
    return isinstance(estimator.random_state, Integral)


def recruit(
    place: int,
    estimator: EmbeddingClassifier,
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None,
    rows: NDArray[np.int64],
) -> Member | None:
    """Do what `fit` does before training.

    Parameters
    ----------
    place : int
        Place in the list of classifiers.
    estimator : EmbeddingClassifier
        Not fitted; it gets the attributes that `fit` sets before training.
    X, y, groups : array-like, shape (len(rows), ...)
        Its own rows.
    rows : numpy.ndarray of int64
        Their numbers in the data of all members.

    Returns
    -------
    Member or None
        None where its network is not one of the paper's.

    Raises
    ------
    ValueError, DeviceError
        As `fit`.
    """
    estimator._forget()
    prepared = estimator._prepare(X, y, groups)
    data = prepared.data
    with torch.device("meta"):
        network = estimator._network(data.X.shape[1])
    if type(network) not in (CNN, FCN, RENO, Concat):
        return None
    held = np.zeros(len(data.y), bool) if data.held_out is None else data.held_out
    return Member(
        place=place,
        estimator=estimator,
        network=network,
        loss=prepared.loss,
        plan=prepared.plan,
        rows=rows[~held],
        targets=data.y[~held],
        held_rows=rows[held] if held.any() else None,
        held_targets=data.y[held] if held.any() else None,
        shape=_shape_of(estimator, prepared.plan.device),
    )


def _shape_of(estimator: EmbeddingClassifier, device: str) -> Hashable:
    """Return what must be equal in all members of a stack."""
    parameters: dict[str, Any] = estimator.get_params(deep=False)
    named = {
        name: repr(value)
        for name, value in parameters.items()
        if name not in _OWN and name not in _SETTLED
    }
    settled = [getattr(estimator, name, None) for name in _SETTLED.values() if name]
    return (
        type(estimator),
        device,
        estimator.n_features_in_,
        len(estimator.classes_),
        repr(settled),
        tuple(sorted(named.items())),
    )
