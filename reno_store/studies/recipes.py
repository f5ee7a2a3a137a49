"""Everything that a fold's outcome depends on, as a recipe for the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

import reno_store
from reno_store.errors import ProtocolError
from reno_store.studies.protocols import Fold
from reno_store.studies.source import hash_source

__all__ = [
    "code_hash",
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
"""Where a changed line may change an outcome."""

_WITHOUT_EFFECT = {"n_jobs", "verbose"}

_PACKAGES = ("numpy", "scikit-learn", "scipy", "skorch", "torch")


def hash_array(array: NDArray[Any]) -> str:
    """Hash an array's shape, type and numbers."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hash_texts(*columns: Iterable[str] | None) -> str:
    """Hash columns of texts, of which some may not be there."""
    digest = hashlib.sha256()
    for column in columns:
        if column is None:
            digest.update(b"-")
            continue
        for text in column:
            told = str(text).encode("utf-8", "surrogatepass")
            digest.update(f"{len(told)}:".encode() + told)
        digest.update(b";")
    return digest.hexdigest()


def fold_recipe(
    *,
    clips: str,
    blocks: Sequence[str],
    estimator: BaseEstimator,
    protocol: str,
    fold: Fold,
    standardize: bool,
) -> dict[str, Any]:
    """Say everything that a fold's outcome depends on.

    Names of datasets and models are not among it: what is renamed is still the same, and
    what has changed under an old name is not.

    Parameters
    ----------
    clips : str
        Hash of the clips' ids, labels and speakers.
    blocks : Sequence[str]
        Hash of each block of X.
    estimator : sklearn classifier
        Its class, its hyperparameters and the code it runs count.
    protocol : str
        A speaker-disjoint one holds out whole speakers in training too.
    fold : (train, test)
        Row numbers.
    standardize : bool
        Whether X is scaled.
    """
    train, test = fold
    return {
        "clips": clips,
        "blocks": list(blocks),
        "estimator": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "parameters": plain_parameters(estimator),
        "code": code_hash(),
        "packages": {name: version(name) for name in _PACKAGES},
        "protocol": protocol,
        "fold": hash_array(np.concatenate([[len(train)], train, test]).astype(np.int64)),
        "standardize": standardize,
    }


def plain_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Give an estimator's hyperparameters as JSON values, but for those without effect.

    Raises
    ------
    ProtocolError
        If one of them is none, so that two of them could not be told apart.
    """
    parameters = estimator.get_params(deep=False)
    return {
        name: _plain(parameters[name], f"{type(estimator).__name__}.{name}")
        for name in sorted(parameters.keys() - _WITHOUT_EFFECT)
    }


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
    raise ProtocolError(
        f"{where}: expected a number, a text or a list of them, got {type(value).__name__}; "
        "its results could not be kept."
    )


@cache
def code_hash(*more: str) -> str:
    """Hash the source of everything between embeddings and a score.

    Parameters
    ----------
    *more : str
        Further files and folders of the package that it goes through.
    """
    package = Path(reno_store.__file__).parent
    files = [
        file
        for part in (*_CODE, *more)
        for file in (sorted((package / part).rglob("*.py")) or [package / part])
    ]
    return hash_source(files)
