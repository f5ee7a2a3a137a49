"""Classifiers whose fits are one and the same, so that one of them does for all.

With λ = 1 the divergence plays no part: in a grid over β, δ and λ every β and δ with λ = 1
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

__all__ = ["first_of_same", "settled", "take_over"]

# A class derived from them may give a meaning to what plays no part in theirs.
_KNOWN = (CNNClassifier, ConcatClassifier, FCNClassifier, RENOClassifier)


def first_of_same(
    estimators: Sequence[EmbeddingClassifier], rows: Sequence[NDArray[np.int64]]
) -> list[int]:
    """Find whose fit each classifier's would repeat, to the last bit.

    Parameters
    ----------
    estimators : Sequence[EmbeddingClassifier]
        Not fitted.
    rows : Sequence of numpy.ndarray of int64
        The rows of the same data that each is fitted on.

    Returns
    -------
    list of int
        For each the place of the first that has the same seed, a whole number, the same rows
        and the same hyperparameters, but for those that play no part; its own place where
        there is none before it, where a hyperparameter is wrong, or where a fit is to print
        its course.
    """
    seen: dict[str, int] = {}
    found = []
    for place, (estimator, own) in enumerate(zip(estimators, rows, strict=True)):
        key = _key(estimator, own)
        found.append(place if key is None else seen.setdefault(key, place))
    return found


def settled(estimator: EmbeddingClassifier) -> EmbeddingClassifier:
    """Set hyperparameters that play no part to their defaults, so that same fits look the same."""
    defaults = type(estimator)().get_params(deep=False)
    idle: EmbeddingClassifier = estimator.set_params(
        **{name: defaults[name] for name in estimator._idle()}
    )
    return idle


def take_over(estimator: EmbeddingClassifier, fitted: EmbeddingClassifier) -> None:
    """Leave an estimator as its own fit would, by a fit that is the same; nothing is shared."""
    estimator._forget()
    # In one go, so that what is one object in several attributes stays one.
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
    """Give 1 and 1.0, Python's or numpy's, one form."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else value
