"""The classifiers that have a name: the paper's four, classical baselines, scikit-learn's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from reno_store.errors import UnknownNameError, suggestion
from reno_store.estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
)

__all__ = [
    "DEFAULT_ESTIMATORS",
    "ESTIMATORS",
    "LINEAR_PROBE",
    "Choice",
    "find_estimator",
    "make_estimator",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """An estimator by the name that a user types.

    Attributes
    ----------
    title : str
        What a table calls it.
    make : Callable
        Its class, or what fills in the parameters that differ from the class's own.
    takes : {"one", "several", "any"}
        How many models' embeddings it looks at.
    of_paper : bool
        Whether the paper's tables have it.
    """

    title: str
    make: Callable[..., BaseEstimator]
    takes: Literal["one", "several", "any"]
    of_paper: bool

    @property
    def fuses(self) -> bool:
        """Whether it looks at several models' embeddings, and at no fewer."""
        return self.takes == "several"


def _svm(**parameters: Any) -> BaseEstimator:
    return SVC(kernel="rbf", C=1.0, gamma="scale", **parameters)


def _logreg(**parameters: Any) -> BaseEstimator:
    return LogisticRegression(C=1.0, max_iter=2_000, **parameters)


def _forest(**parameters: Any) -> BaseEstimator:
    return RandomForestClassifier(n_estimators=500, **parameters)


ESTIMATORS: Mapping[str, Choice] = MappingProxyType(
    {
        "fcn": Choice("FCN", FCNClassifier, "one", of_paper=True),
        "cnn": Choice("CNN", CNNClassifier, "one", of_paper=True),
        "concat": Choice("Concat", ConcatClassifier, "several", of_paper=True),
        "reno": Choice("RENO", RENOClassifier, "several", of_paper=True),
        "svm": Choice("SVM (RBF)", _svm, "any", of_paper=False),
        "logreg": Choice("logistic regression", _logreg, "any", of_paper=False),
        "rf": Choice("random forest", _forest, "any", of_paper=False),
    }
)


LINEAR_PROBE = "logreg"
"""The yardstick of the field (SUPERB, HEAR, MTEB): logistic regression on the embedding."""

DEFAULT_ESTIMATORS = (
    *(name for name, each in ESTIMATORS.items() if each.of_paper),
    LINEAR_PROBE,
)
"""What is evaluated unless others are named: the paper's four, and the linear probe."""


def find_estimator(name: str) -> Choice:
    """Find an estimator by a name in `ESTIMATORS` or by that of a scikit-learn classifier.

    The latter is taken with its defaults.

    Raises
    ------
    UnknownNameError
        If there is none, or it cannot be made without arguments.

    Examples
    --------
    >>> find_estimator("reno").title, find_estimator("KNeighborsClassifier").takes
    ('RENO', 'any')
    """
    if name in ESTIMATORS:
        return ESTIMATORS[name]
    own = {type_.__name__: type_ for type_ in _classifiers_of_sklearn()}
    if name in own:
        return Choice(name, own[name], "any", of_paper=False)
    nearest = suggestion(name, [*ESTIMATORS, *own])
    raise UnknownNameError(
        f"unknown estimator {name!r}{nearest} Choices: {', '.join(sorted(ESTIMATORS))}, or a "
        "classifier of scikit-learn that needs no arguments, such as KNeighborsClassifier."
    )


@cache
def _classifiers_of_sklearn() -> tuple[type[BaseEstimator], ...]:
    """List those that can be made without arguments."""
    found = [type_ for _, type_ in all_estimators(type_filter="classifier")]
    return tuple(
        type_
        for type_ in found
        if all(
            each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
            for each in inspect.signature(type_).parameters.values()
        )
    )


def make_estimator(
    name: str, block_sizes: Sequence[int], *, seed: int, device: str = "cpu"
) -> BaseEstimator:
    """Make a named estimator.

    Parameters
    ----------
    name : str
        As for `find_estimator`.
    block_sizes : Sequence[int]
        Columns of each model that it will see.
    seed : int
        Its ``random_state``.
    device : str
        Where networks are trained; classical baselines know the CPU alone.
    """
    choice = find_estimator(name)
    networks: dict[str, Any] = {"device": device} if choice.of_paper else {}
    blocks: dict[str, Any] = {"block_sizes": tuple(block_sizes)} if choice.fuses else {}
    if name in ESTIMATORS:
        return choice.make(**blocks, **networks, random_state=seed)
    made = choice.make()
    return made.set_params(random_state=seed) if "random_state" in made.get_params() else made
