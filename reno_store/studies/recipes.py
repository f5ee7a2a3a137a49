"""Recipes: everything that the outcome of a fold depends on, by which the ledger finds it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

import reno_store
from reno_store.errors import ProtocolError
from reno_store.estimators import CNNClassifier, ConcatClassifier, FCNClassifier, RENOClassifier
from reno_store.estimators.same_fits import settled
from reno_store.estimators.together import STACKED_ON
from reno_store.studies.protocols import Fold
from reno_store.studies.source import hash_source

__all__ = [
    "code_hash",
    "estimator_recipe",
    "fold_recipe",
    "hash_array",
    "hash_texts",
    "plain_parameters",
]

_CODE = (
    "estimators",
    "studies/outcomes.py",
    "studies/scores.py",
    "studies/recipes.py",
)
"""Files and folders in which a changed line may change an outcome."""

_TOGETHER = ("studies/stacking.py",)
_KNOWN_BY_VERSION = {"reno_store", "sklearn"}
_NETWORKS = (CNNClassifier, ConcatClassifier, FCNClassifier, RENOClassifier)
_WITHOUT_EFFECT = {"n_jobs", "verbose"}

_PACKAGES = ("numpy", "scikit-learn", "scipy", "skorch", "torch")


def hash_array(array: NDArray[Any]) -> str:
    """Hash an array's shape, type and numbers."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hash_texts(*columns: Iterable[str] | None) -> str:
    """Hash columns of texts; a column may be missing."""
    digest = hashlib.sha256()
    for column in columns:
        if column is None:
            digest.update(b"-")
            continue
        for text in column:
            content = str(text).encode("utf-8", "surrogatepass")
            digest.update(f"{len(content)}:".encode() + content)
        digest.update(b";")
    return digest.hexdigest()


def estimator_recipe(estimator: BaseEstimator) -> dict[str, Any]:
    """Return everything of an estimator that an outcome depends on.

    Parameters that have no effect have their defaults: RENO with λ = 1 is the same for every β.

    Raises
    ------
    ProtocolError
        If it has a parameter or a class whose results could not be kept.
    """
    if type(estimator) not in _NETWORKS:
        return {**_class_recipe(estimator), "code": code_hash()}
    effective = settled(clone(estimator))
    recipe = {"class": type(estimator).__name__, "parameters": plain_parameters(effective)}
    if estimator.device.partition(":")[0] in STACKED_ON:
        # What is trained together may be added up in another order than what is trained alone.
        return {**recipe, "code": code_hash(*_TOGETHER), "fitted": "together"}
    return {**recipe, "code": code_hash()}


def fold_recipe(
    *,
    clips: str,
    blocks: Sequence[str],
    estimator: Mapping[str, Any],
    protocol: str,
    fold: Fold,
    standardize: bool,
) -> dict[str, Any]:
    """Return everything that a fold's outcome depends on.

    The names of datasets and models do not count: a renamed model is the same, and one that has
    changed under its old name is not.

    Parameters
    ----------
    clips : str
        Hash of the clips' ids, labels and speakers.
    blocks : Sequence[str]
        Hash of each block of X.
    estimator : Mapping[str, Any]
        Its recipe, from `estimator_recipe`.
    protocol : str
        A speaker-disjoint one holds out whole speakers in training too.
    fold : (train, test)
        Row numbers.
    standardize : bool
        Whether X is scaled.
    """
    train, test = fold
    return {
        **estimator,
        "clips": clips,
        "blocks": list(blocks),
        "packages": {name: version(name) for name in _PACKAGES},
        "protocol": protocol,
        "fold": hash_array(np.concatenate([[len(train)], train, test]).astype(np.int64)),
        "standardize": standardize,
    }


def plain_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return an estimator's hyperparameters as JSON values, except those without effect.

    Raises
    ------
    ProtocolError
        If one has no JSON value, so that two of them could not be told apart.
    """
    parameters = estimator.get_params(deep=False)
    return {
        name: _plain(parameters[name], f"{type(estimator).__name__}.{name}")
        for name in sorted(parameters.keys() - _WITHOUT_EFFECT)
    }


def _class_recipe(estimator: Any) -> dict[str, Any]:
    kind = type(estimator)
    recipe = {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "parameters": plain_parameters(estimator),
    }
    if kind.__module__.partition(".")[0] in _KNOWN_BY_VERSION:
        return recipe
    try:
        return {**recipe, "source": hash_source([Path(inspect.getfile(kind))])}
    except (OSError, TypeError, SyntaxError):
        raise ProtocolError(
            f"{kind.__qualname__}: its source file cannot be read, so results of it cannot be told "
            "apart from those of a changed version. Define the class in a module."
        ) from None


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    if isinstance(value, list | tuple):
        return [_plain(each, where) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(each, where) for key, each in sorted(value.items())}
    if hasattr(value, "get_params") and not isinstance(value, type):
        return _class_recipe(value)
    raise ProtocolError(
        f"{where}: expected a number, a text, an estimator or a list of them, got "
        f"{type(value).__name__}, whose results cannot be kept."
    )


@cache
def code_hash(*more: str) -> str:
    """Hash the source of everything between embeddings and a score.

    Parameters
    ----------
    *more : str
        Further files of the package.
    """
    package = Path(reno_store.__file__).parent
    files = [
        file
        for part in (*_CODE, *more)
        for file in (sorted((package / part).rglob("*.py")) or [package / part])
    ]
    return hash_source(files)
