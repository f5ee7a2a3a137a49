"""Find the candidates that can be fitted together, and why others cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing

from reno_store.estimators.base import EmbeddingClassifier

__all__ = [
    "Parts",
    "PlainFitsWarning",
    "column_names",
    "is_table",
    "obstacle_of_candidate",
    "parts_of",
    "speakers_of",
]


class PlainFitsWarning(UserWarning):
    """Some fits of a search are done one by one, as GridSearchCV does them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an estimator.

    Attributes
    ----------
    classifier : EmbeddingClassifier
        The classifier.
    step : str
        Its name in the pipeline; empty where there is none.
    pipeline : Pipeline or None
        The whole, if the classifier is its last step.
    """

    classifier: EmbeddingClassifier
    step: str = ""
    pipeline: Pipeline | None = None

    def is_of_classifier(self, name: str) -> bool:
        """Return whether a parameter belongs to the classifier."""
        return self.pipeline is None or name.startswith(f"{self.step}__")


def parts_of(estimator: BaseEstimator) -> Parts | str:
    """Return the parts of an estimator, or why its fits cannot be done together."""
    last, step, pipeline = estimator, "", None
    if isinstance(estimator, Pipeline):
        pipeline, (step, last) = estimator, estimator.steps[-1]
        if type(estimator) is not Pipeline or getattr(estimator, "transform_input", None):
            return (
                "only scikit-learn's own Pipeline, without transform_input, can be fitted together"
            )
    kind = type(last)
    if not isinstance(last, EmbeddingClassifier):
        return f"{kind.__name__} is not one of reno-store's classifiers"
    if (kind.fit, kind._fit) != (EmbeddingClassifier.fit, EmbeddingClassifier._fit):
        return f"{kind.__name__} overrides fit"
    return Parts(last, step, pipeline)


def obstacle_of_candidate(parts: Parts, candidate: Mapping[str, Any]) -> str:
    """Return why a candidate cannot be fitted together with others; empty where it can."""
    others = sorted(name for name in candidate if not parts.is_of_classifier(name))
    if others:
        return (
            f"{', '.join(others)} {'is' if len(others) == 1 else 'are'} not a parameter of the "
            f"last step {parts.step!r}"
        )
    return ""


def speakers_of(
    parts: Parts, fit_params: Mapping[str, Any]
) -> tuple[NDArray[np.generic] | None, str]:
    """Return the speakers among the parameters of ``fit``.

    Returns
    -------
    tuple of numpy.ndarray or None, and str
        The speakers, one per row of X; why ``fit`` cannot be called together with others,
        empty where it can.
    """
    given = {name: value for name, value in fit_params.items() if value is not None}
    if parts.pipeline is not None and given:
        steps = process_routing(parts.pipeline, "fit", **given) if _routes() else None
        if steps is not None:
            before = [name for name, _ in parts.pipeline.steps[:-1]]
            if any(any(steps[name].values()) for name in before):
                return None, "steps before the classifier take fit parameters"
            given = dict(steps[parts.step].fit)
        else:
            own = f"{parts.step}__"
            others = sorted(name for name in given if not name.startswith(own))
            if others:
                return None, f"fit parameters {', '.join(others)} go to steps before the last"
            given = {name.removeprefix(own): value for name, value in given.items()}
    others = sorted(given.keys() - {"groups"})
    if others:
        return None, f"the classifiers' fit takes only groups, got {', '.join(others)}"
    speakers = given.get("groups")
    return (None if speakers is None else np.asarray(speakers)), ""


def is_table(X: Any) -> bool:
    """Return whether X is an array or DataFrame of plain numbers, with two dimensions."""
    if isinstance(X, pd.DataFrame):
        named = {isinstance(name, str) for name in X.columns}
        return len(named) == 1 and all(
            isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in X.dtypes
        )
    # Rows of a memory map are plain arrays; other subclasses may behave differently.
    return type(X) in (np.ndarray, np.memmap) and X.ndim == 2 and X.dtype.kind in "fiub"


def column_names(X: Any) -> NDArray[np.object_] | None:
    """Return the column names of X that an estimator would see; None where it has none."""
    if isinstance(X, pd.DataFrame) and isinstance(X.columns[0], str):
        return np.asarray(X.columns, dtype=object)
    return None


def _routes() -> bool:
    from sklearn import get_config

    return bool(get_config()["enable_metadata_routing"])
