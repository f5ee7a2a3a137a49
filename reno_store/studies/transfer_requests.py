"""Requests that train on some datasets and test on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reno_store.errors import ProtocolError
from reno_store.studies.evaluation_requests import evaluation_request
from reno_store.studies.request_checks import as_names
from reno_store.studies.requests import Named, StudyRequest

__all__ = ["transfer_request"]


def transfer_request(
    train_on: str | Sequence[str],
    test_on: str,
    models: str | Sequence[str],
    estimators: Sequence[Named] = (),
    **others: Any,
) -> StudyRequest:
    """Make the request that trains on some datasets, together, and tests on another.

    Parameters
    ----------
    train_on : str or Sequence[str]
        Names of datasets, at least one.
    test_on : str
        Name of another dataset.
    models, estimators, **others
        As for `evaluation_request`.

    Raises
    ------
    ProtocolError
        If no dataset is trained on, or as for `evaluation_request`.
    RenoStoreError
        As for `StudyRequest`.

    Examples
    --------
    >>> transfer_request("vivae", "jnv", "mfcc").protocols
    ('cross-corpus',)
    """
    names = as_names(train_on)
    if test_on in names:
        raise ProtocolError(f"{test_on} cannot be trained on and tested on; name another dataset.")
    protocol = "leave-one-corpus-out" if len(names) > 1 else "cross-corpus"
    request = evaluation_request(test_on, models, estimators, **others)
    return replace(
        request,
        datasets=(*names, test_on),
        protocols=(protocol,),
        train_on=names,
        test_on=(test_on,),
    )
