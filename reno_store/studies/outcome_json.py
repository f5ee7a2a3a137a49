"""Outcomes of folds as JSON values, as the ledger keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from reno_store.studies.outcomes import FoldOutcome
from reno_store.studies.scores import FoldScore

__all__ = ["outcome_from_json", "outcome_to_json"]


def outcome_to_json(outcome: FoldOutcome) -> dict[str, Any]:
    """Put an outcome as JSON values: None for what is not finite in a history."""
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
    """Give a number that JSON can hold."""
    return value if math.isfinite(value) else None


def outcome_from_json(told: Mapping[str, Any]) -> FoldOutcome:
    """Take back what `outcome_to_json` gave.

    Raises
    ------
    TypeError, KeyError
        If it is something else.
    """
    return FoldOutcome(
        score=FoldScore(**told["score"]),
        true=tuple(told["true"]),
        predicted=tuple(told["predicted"]),
        history=tuple(
            {name: float("nan") if value is None else value for name, value in epoch.items()}
            for epoch in told["history"]
        ),
        seconds=told["seconds"],
        n_parameters=told["n_parameters"],
    )
