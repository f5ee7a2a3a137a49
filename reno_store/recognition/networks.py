"""The paper's classifiers as plain values and arrays, and back; nothing in them is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import RecognizerError
from reno_store.estimators import CNNClassifier, ConcatClassifier, FCNClassifier, RENOClassifier
from reno_store.estimators.parameters import check_parameters
from reno_store.estimators.saved_networks import restore_network, save_network

__all__ = ["NETWORKS", "arrays_of", "describe_network", "make_network"]

NETWORKS: Mapping[str, Any] = MappingProxyType(
    {
        "CNNClassifier": CNNClassifier,
        "ConcatClassifier": ConcatClassifier,
        "FCNClassifier": FCNClassifier,
        "RENOClassifier": RENOClassifier,
    }
)
"""Classes that may be named in a folder."""

_FITTED = (
    *("n_features_in_", "block_sizes_", "n_tokens_", "n_parameters_"),
    *("n_epochs_", "best_epoch_", "collapsed_", "history_"),
)
_PREFIX = "network."


def describe_network(classifier: Any) -> dict[str, Any]:
    """Return the class, the hyperparameters and the fitted attributes of a classifier, as JSON."""
    made_with = save_network(classifier.network_)["made_with"]
    parameters = {**classifier.get_params(deep=False), **made_with}
    if hasattr(classifier, "block_sizes_"):
        parameters["block_sizes"] = classifier.block_sizes_
    if not isinstance(parameters["random_state"], int | np.integer):
        parameters["random_state"] = None
    parameters["device"] = "cpu"
    if isinstance(parameters["class_weight"], Mapping):
        parameters["class_weight"] = {
            str(label): weight for label, weight in parameters["class_weight"].items()
        }
    return {
        "class": type(classifier).__name__,
        "parameters": {name: _plain(value) for name, value in sorted(parameters.items())},
        "fitted": {
            name: _plain(getattr(classifier, name)) for name in _FITTED if hasattr(classifier, name)
        },
    }


def arrays_of(classifier: Any) -> dict[str, NDArray[Any]]:
    """Return the weights of a fitted classifier, named for a file."""
    weights = save_network(classifier.network_)["weights"]
    return {f"{_PREFIX}{name}": array for name, array in weights.items()}


def make_network(
    described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], classes: NDArray[Any]
) -> Any:
    """Make a fitted classifier of what `describe_network` and `arrays_of` returned.

    Raises
    ------
    RecognizerError
        If the values are not those of such a classifier, or the weights do not fit it.
    """
    kind = NETWORKS.get(str(described.get("class")))
    parameters, fitted = described.get("parameters"), described.get("fitted")
    if kind is None or not isinstance(parameters, Mapping) or not isinstance(fitted, Mapping):
        known = ", ".join(NETWORKS)
        raise RecognizerError(f"estimator {described.get('class')!r}: expected one of {known}.")
    known_parameters = {each.name for each in fields(kind)}
    unknown = sorted((parameters.keys() - known_parameters) | (fitted.keys() - set(_FITTED)))
    if unknown:
        raise RecognizerError(f"{kind.__name__}: unknown values {', '.join(map(repr, unknown))}.")
    weights = {
        name.removeprefix(_PREFIX): array
        for name, array in arrays.items()
        if name.startswith(_PREFIX)
    }
    for name, array in weights.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise RecognizerError(f"weights {name}: expected finite float32 numbers.")
    given = {name: _tuples(value) for name, value in parameters.items()}
    try:
        check_parameters(kind.__name__, given)
        classifier = kind(**given)
        for name, value in fitted.items():
            setattr(classifier, name, _tuples(value) if name != "history_" else value)
        classifier.classes_ = classes
        saved = {"weights": weights, "made_with": given}
        classifier.network_ = restore_network(classifier, saved)
    # What torch and the classifiers raise where sizes do not fit.
    except (RuntimeError, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise RecognizerError(
            f"the weights do not fit {kind.__name__} as it is described: {' '.join(lines[:2])}"
        ) from None
    return classifier


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
