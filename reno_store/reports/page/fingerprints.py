"""What a store says of each model of a study, in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reno_store.store import StoreReader
from reno_store.studies import Study

__all__ = ["read_fingerprints"]


def read_fingerprints(study: Study) -> dict[str, Mapping[str, Any]]:
    """Read the fingerprint of each model from the study's store.

    Parameters
    ----------
    study : Study
        Its store is opened for reading.

    Returns
    -------
    dict of str to Mapping
        Model -> fingerprint, as the first of the study's datasets that has the model holds
        it. Models that no dataset has are left out.

    Raises
    ------
    StoreError
        If the store cannot be opened, or a fingerprint in it cannot be read.
    UnknownNameError
        If the store no longer has one of the datasets.
    """
    reader = StoreReader(study.store)
    found: dict[str, Mapping[str, Any]] = {}
    for dataset in study.datasets:
        held = reader.models(dataset.name)
        for model in study.models:
            if model.name in held and model.name not in found:
                found[model.name] = reader.fingerprint(dataset.name, model.name)
    return found
