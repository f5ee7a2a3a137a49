"""Classifiers with identical fits, which are trained once.

With λ = 1 the divergence has no effect: in a grid over β, δ and λ, every β and δ with λ = 1
trains the same network.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from numbers import Real
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.cnn import CNNClassifier
from reno_store.estimators.concat import ConcatClassifier
from reno_store.estimators.fcn import FCNClassifier
from reno_store.estimators.parameters import check_parameters, is_whole
from reno_store.estimators.reno import RENOClassifier

__all__ = ["copy_fit", "first_of_same", "settled"]

# A subclass may use parameters that have no effect in these.
_KNOWN = (CNNClassifier, ConcatClassifier, FCNClassifier, RENOClassifier)


def first_of_same(
    estimators: Sequence[EmbeddingClassifier], rows: Sequence[NDArray[np.int64]]
) -> list[int]:
    """Find for each classifier the first with an identical fit.

    Parameters
    ----------
    estimators : Sequence[EmbeddingClassifier]
        Not fitted.
    rows : Sequence of numpy.ndarray of int64
        Training rows of each classifier, in the same data.

    Returns
    -------
    list of int
        Place of the first classifier with the same seed (a whole number), rows and
        hyperparameters, except those without effect. Its own place where there is no earlier
        one, where a hyperparameter is invalid, or where ``verbose`` is on.
    """
    firsts: dict[str, int] = {}
    found = []
    for place, (estimator, own) in enumerate(zip(estimators, rows, strict=True)):
        key = _key(estimator, own)
        found.append(place if key is None else firsts.setdefault(key, place))
    return found


def settled(estimator: EmbeddingClassifier) -> EmbeddingClassifier:
    """Set hyperparameters without effect to their defaults, so that identical fits look alike."""
    defaults = type(estimator)().get_params(deep=False)
    idle: EmbeddingClassifier = estimator.set_params(
        **{name: defaults[name] for name in estimator._idle()}
    )
    return idle


def copy_fit(estimator: EmbeddingClassifier, fitted: EmbeddingClassifier) -> None:
    """Copy the result of an identical fit to an estimator; nothing is shared."""
    estimator._forget()
    # In one call, so that attributes that share an object still do.
    estimator.__dict__.update(copy.deepcopy(fitted._fitted()))


def _key(estimator: EmbeddingClassifier, rows: NDArray[np.int64]) -> str | None:
    parameters = estimator.get_params(deep=False)
    name = type(estimator).__name__
    if type(estimator) not in _KNOWN or not is_whole(estimator.random_state):
        return None
    try:
        check_parameters(name, parameters)
    except ValueError:
        return None
    if estimator.verbose:
        return None
    idle = estimator._idle()
    used = sorted((key, _plain(value)) for key, value in parameters.items() if key not in idle)
    key: str = joblib.hash((name, used, rows))
    return key


def _plain(value: Any) -> Any:
    """Return 1 and 1.0, of Python or numpy, in one form."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else value
