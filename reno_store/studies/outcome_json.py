"""Outcomes of folds as JSON values, as the ledger keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from reno_store.studies.outcomes import FoldOutcome
from reno_store.studies.scores import FoldScore

__all__ = ["outcome_from_json", "outcome_to_json"]


def outcome_to_json(outcome: FoldOutcome) -> dict[str, Any]:
    """Return an outcome as JSON values; numbers of a history that are not finite become None."""
    score = outcome.score
    return {
        "score": {name: getattr(score, name) for name in score.__slots__},
        "true": list(outcome.true),
        "predicted": list(outcome.predicted),
        "history": [
            {name: _finite(value) for name, value in epoch.items()} for epoch in outcome.history
        ],
        "seconds": outcome.seconds,
        "n_parameters": outcome.n_parameters,
    }


def _finite(value: float) -> float | None:
    """Return the number, or None if JSON has no such number."""
    return value if math.isfinite(value) else None


def outcome_from_json(document: Mapping[str, Any]) -> FoldOutcome:
    """Make an outcome of what `outcome_to_json` returned.

    Raises
    ------
    TypeError, KeyError
        If it is something else.
    """
    return FoldOutcome(
        score=FoldScore(**document["score"]),
        true=tuple(document["true"]),
        predicted=tuple(document["predicted"]),
        history=tuple(
            {name: float("nan") if value is None else value for name, value in epoch.items()}
            for epoch in document["history"]
        ),
        seconds=document["seconds"],
        n_parameters=document["n_parameters"],
    )
