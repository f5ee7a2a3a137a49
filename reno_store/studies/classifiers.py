"""Classifiers with a name: the paper's four, classical baselines, scikit-learn's.

torch and scikit-learn are imported when a classifier is made, so that a mistyped name is
reported at once.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import reno_store
from reno_store.errors import ProtocolError, UnknownNameError, suggestion

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = [
    "DEFAULT_ESTIMATORS",
    "ESTIMATORS",
    "LINEAR_PROBE",
    "Choice",
    "describe_estimator",
    "find_estimator",
    "make_estimator",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """An estimator that can be evaluated.

    Attributes
    ----------
    title : str
        Its name in tables.
    make : Callable
        Makes it, with its defaults.
    takes : {"one", "several", "any"}
        How many models' embeddings it is trained on.
    source : str
        Class of one of the paper's four in `reno_store.estimators`; empty for others.
    """

    title: str
    make: Callable[[], BaseEstimator]
    takes: Literal["one", "several", "any"]
    source: str = ""

    @property
    def of_paper(self) -> bool:
        """Whether it is one of the paper's four."""
        return bool(self.source)

    @property
    def fuses(self) -> bool:
        """Whether it needs the embeddings of at least two models."""
        return self.takes == "several"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Hyperparameter -> default; those of the paper's four are read without loading torch."""
        if self.source:
            return _parameters_in_source(self.source)
        return dict(self.make().get_params())


def _make(module: str, name: str, **arguments: Any) -> BaseEstimator:
    made: BaseEstimator = getattr(import_module(module), name)(**arguments)
    return made


def _network(title: str, takes: Literal["one", "several"], source: str) -> Choice:
    return Choice(title, partial(_make, "reno_store.estimators", source), takes, source)


def _classical(title: str, module: str, name: str, **arguments: Any) -> Choice:
    return Choice(title, partial(_make, module, name, **arguments), "any")


@cache
def _parameters_in_source(name: str) -> Mapping[str, Any]:
    """Read the fields of a class of `reno_store.estimators` from its source.

    Loading it takes seconds, in which a user would wait for the report of a mistyped name.
    """
    folder = Path(reno_store.__file__).parent / "estimators"
    classes = {
        node.name: node
        for file in ("base.py", f"{name.removesuffix('Classifier').lower()}.py")
        for node in ast.parse((folder / file).read_bytes()).body
        if isinstance(node, ast.ClassDef)
    }

    def fields(node: ast.ClassDef) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in classes:
                found |= fields(classes[base.id])
        for line in node.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                name = line.target.id
                if line.value is not None and not name.startswith("_"):
                    found[name] = ast.literal_eval(line.value)
        return found

    return fields(classes[name])


ESTIMATORS: Mapping[str, Choice] = MappingProxyType(
    {
        "fcn": _network("FCN", "one", "FCNClassifier"),
        "cnn": _network("CNN", "one", "CNNClassifier"),
        "concat": _network("Concat", "several", "ConcatClassifier"),
        "reno": _network("RENO", "several", "RENOClassifier"),
        "svm": _classical("SVM (RBF)", "sklearn.svm", "SVC", kernel="rbf", C=1.0, gamma="scale"),
        "logreg": _classical(
            "logistic regression",
            "sklearn.linear_model",
            "LogisticRegression",
            C=1.0,
            max_iter=2_000,
        ),
        "rf": _classical(
            "random forest", "sklearn.ensemble", "RandomForestClassifier", n_estimators=500
        ),
    }
)

LINEAR_PROBE = "logreg"
"""The yardstick of the field (SUPERB, HEAR, MTEB): logistic regression on the embedding."""

DEFAULT_ESTIMATORS = (
    *(name for name, each in ESTIMATORS.items() if each.of_paper),
    LINEAR_PROBE,
)
"""The default: the paper's four, and the linear probe."""


def find_estimator(named: str | tuple[str, Any]) -> Choice:
    """Find an estimator by a name in `ESTIMATORS` or by that of a scikit-learn classifier.

    Parameters
    ----------
    named : str or (str, estimator)
        A name, or a name of the caller's choice and an estimator, which is cloned.

    Raises
    ------
    UnknownNameError
        If there is none, or it cannot be made without arguments.
    ProtocolError
        If what was given is not an estimator.

    Examples
    --------
    >>> find_estimator("reno").title, find_estimator("KNeighborsClassifier").takes
    ('RENO', 'any')
    """
    if not isinstance(named, str):
        return _given(named)
    if named in ESTIMATORS:
        return ESTIMATORS[named]
    # Looking classes up takes a second.
    is_like_a_class = named[:1].isupper() and named.lower() not in ESTIMATORS
    own = _classifiers_of_sklearn() if is_like_a_class else {}
    if named in own:
        return Choice(named, own[named], "any")
    nearest = suggestion(named, [*ESTIMATORS, *own])
    raise UnknownNameError(
        f"unknown estimator {named!r}{nearest} Choices: {', '.join(sorted(ESTIMATORS))}, or a "
        "classifier of scikit-learn that needs no arguments, such as KNeighborsClassifier."
    )


def describe_estimator(name: str) -> Choice:
    """Return the estimator of a cell; one that is not known by name is described by it alone."""
    try:
        return find_estimator(name)
    except UnknownNameError:
        return Choice(name, dict, "any")


def _given(named: tuple[str, Any]) -> Choice:
    """Describe an estimator that was given as an object."""
    from sklearn.base import clone

    from reno_store.estimators import ConcatClassifier, RENOClassifier

    if len(named) != 2 or not isinstance(named[0], str) or not hasattr(named[1], "get_params"):
        raise ProtocolError(f"expected an estimator's name, or a name and an estimator: {named!r}.")
    name, estimator = named
    fuses = isinstance(estimator, ConcatClassifier | RENOClassifier)
    return Choice(name, partial(clone, estimator), "several" if fuses else "any")


@cache
def _classifiers_of_sklearn() -> Mapping[str, type[BaseEstimator]]:
    """Return those that can be made without arguments."""
    from sklearn.utils import all_estimators

    found = [type_ for _, type_ in all_estimators(type_filter="classifier")]
    return {
        type_.__name__: type_
        for type_ in found
        if all(
            each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
            for each in inspect.signature(type_).parameters.values()
        )
    }


def make_estimator(
    named: str | tuple[str, Any],
    block_sizes: Sequence[int],
    *,
    seed: int,
    device: str = "cpu",
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> BaseEstimator:
    """Make an estimator.

    Parameters
    ----------
    named : str or (str, estimator)
        As for `find_estimator`.
    block_sizes : Sequence[int]
        Columns of each model that it is trained on; for those that have such a parameter.
    seed : int
        Its ``random_state``, where it has one.
    device : str
        Where networks are trained; for those that have such a parameter.
    settings : Mapping[str, Any]
        Further hyperparameters.
    """
    made = find_estimator(named).make()
    of_study = {"block_sizes": tuple(block_sizes), "device": device, "random_state": seed}
    known = made.get_params()
    own = {name: value for name, value in of_study.items() if name in known}
    own |= {name: seed for name in known if name.endswith("__random_state")}
    return made.set_params(**own, **settings)
