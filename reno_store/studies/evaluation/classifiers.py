"""The classifiers that have a name: the paper's four, classical baselines, scikit-learn's.

torch and scikit-learn are imported when a classifier is made, so that a mistyped name is
reported without waiting for them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from reno_store.errors import UnknownNameError, suggestion

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

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
        Makes it from keyword parameters.
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


def _fcn(**parameters: Any) -> BaseEstimator:
    from reno_store.estimators import FCNClassifier

    return FCNClassifier(**parameters)


def _cnn(**parameters: Any) -> BaseEstimator:
    from reno_store.estimators import CNNClassifier

    return CNNClassifier(**parameters)


def _concat(**parameters: Any) -> BaseEstimator:
    from reno_store.estimators import ConcatClassifier

    return ConcatClassifier(**parameters)


def _reno(**parameters: Any) -> BaseEstimator:
    from reno_store.estimators import RENOClassifier

    return RENOClassifier(**parameters)


def _svm(**parameters: Any) -> BaseEstimator:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", C=1.0, gamma="scale", **parameters)


def _logreg(**parameters: Any) -> BaseEstimator:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=2_000, **parameters)


def _forest(**parameters: Any) -> BaseEstimator:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=500, **parameters)


ESTIMATORS: Mapping[str, Choice] = MappingProxyType(
    {
        "fcn": Choice("FCN", _fcn, "one", of_paper=True),
        "cnn": Choice("CNN", _cnn, "one", of_paper=True),
        "concat": Choice("Concat", _concat, "several", of_paper=True),
        "reno": Choice("RENO", _reno, "several", of_paper=True),
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
    own: dict[str, Callable[..., BaseEstimator]] = {}
    if _is_like_a_class(name):
        own = {type_.__name__: type_ for type_ in _classifiers_of_sklearn()}
    if name in own:
        return Choice(name, own[name], "any", of_paper=False)
    nearest = suggestion(name, [*ESTIMATORS, *own])
    raise UnknownNameError(
        f"unknown estimator {name!r}{nearest} Choices: {', '.join(sorted(ESTIMATORS))}, or a "
        "classifier of scikit-learn that needs no arguments, such as KNeighborsClassifier."
    )


def _is_like_a_class(name: str) -> bool:
    """Tell whether a name may be that of a class, which takes a second to look up."""
    return name[:1].isupper() and name.lower() not in ESTIMATORS


@cache
def _classifiers_of_sklearn() -> tuple[type[BaseEstimator], ...]:
    """List those that can be made without arguments."""
    from sklearn.utils import all_estimators

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
