"""The study whose scores are in a recognizer's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reno_store.errors import ProtocolError, SearchError
from reno_store.studies.classifiers import find_estimator
from reno_store.studies.evaluation_requests import evaluation_request
from reno_store.studies.requests import StudyRequest

__all__ = ["PROTOCOLS", "recognizer_request"]

PROTOCOLS = ("paper", "speaker")
"""Protocols whose scores are in the card."""


def recognizer_request(
    dataset: str,
    models: Sequence[str],
    estimator: str,
    settings: Mapping[str, Any],
    **others: Any,
) -> StudyRequest:
    """Return the request whose scores are in the card; it checks names and hyperparameters.

    Raises
    ------
    SearchError
        If a hyperparameter has several values, is unknown, or has one that is not allowed.
    RenoStoreError
        As for `StudyRequest`.
    """
    if find_estimator(estimator).takes == "one" and len(models) > 1:
        raise ProtocolError(f"{estimator} takes the embeddings of one model, got {len(models)}.")
    request = evaluation_request(
        dataset,
        tuple(models),
        (estimator,),
        protocols=PROTOCOLS,
        settings={estimator: settings} if settings else {},
        alone=len(models) == 1,
        **others,
    )
    chosen = request.settings.get(estimator, {})
    if several := [name for name, values in chosen.items() if len(values) > 1]:
        raise SearchError(f"{', '.join(several)}: expected one value each, got several.")
    return request
