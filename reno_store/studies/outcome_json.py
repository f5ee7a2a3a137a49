"""Outcomes of folds as JSON values, as the ledger keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reno_store.studies.outcomes import FoldOutcome
from reno_store.studies.scores import FoldScore

__all__ = ["outcome_from_json", "outcome_to_json"]


def outcome_to_json(outcome: FoldOutcome) -> dict[str, Any]:
    """Return an outcome as JSON values; numbers of a history that are not finite become None."""
    history = [
        {name: value if math.isfinite(value) else None for name, value in epoch.items()}
        for epoch in outcome.history
    ]
    return {**asdict(outcome), "history": history}


def outcome_from_json(document: Mapping[str, Any]) -> FoldOutcome:
    """Make an outcome of what `outcome_to_json` returned.

    Raises
    ------
    TypeError, KeyError
        If it is something else.
    """
    history = tuple(
        {name: float("nan") if value is None else value for name, value in epoch.items()}
        for epoch in document["history"]
    )
    clips = {name: tuple(document[name]) for name in ("true", "predicted")}
    clips["confidence"] = tuple(document.get("confidence", ()))
    score = FoldScore(**document["score"])
    return FoldOutcome(**{**document, **clips, "score": score, "history": history})
