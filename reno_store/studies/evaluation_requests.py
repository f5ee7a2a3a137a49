"""The request of `evaluate_store`: each of the models alone, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reno_store.errors import ProtocolError, Remedy
from reno_store.studies.classifiers import DEFAULT_ESTIMATORS, find_estimator
from reno_store.studies.request_checks import as_names
from reno_store.studies.requests import Named, StudyRequest

__all__ = ["evaluation_request"]


def evaluation_request(
    dataset: str,
    models: str | Sequence[str],
    estimators: Sequence[Named] = (),
    **others: Any,
) -> StudyRequest:
    """Make the request of `evaluate_store`: each of the models alone, and all of them together.

    Parameters
    ----------
    dataset : str
        Name of a dataset.
    models : str or Sequence[str]
        Names of models, at least one.
    estimators : Sequence[str or (str, estimator)]
        By default the paper's networks that the number of models allows, and the linear probe.
    **others
        Further fields of the request.

    Raises
    ------
    ProtocolError
        If there is no model, or only one for an estimator that fuses models.
    RenoStoreError
        As for `StudyRequest`.
    """
    names = as_names(models)
    if not names:
        raise ProtocolError("expected at least one model, got none.")
    chosen = as_names(estimators) or tuple(
        name for name in DEFAULT_ESTIMATORS if len(names) > 1 or not find_estimator(name).fuses
    )
    for each in chosen if len(names) == 1 else ():
        if find_estimator(each).fuses:
            name = each if isinstance(each, str) else each[0]
            raise ProtocolError(
                f"{name} fuses models and needs at least two, got 1.",
                Remedy("Name another model", {"models": ...}),
                Remedy("Use estimators of one model", {"estimators": ("fcn", "cnn")}),
            )
    pairs = (names,) if len(names) > 1 else ()
    return StudyRequest((dataset,), names, pairs, chosen, **others)
