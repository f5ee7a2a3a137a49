"""A study as one JSON document: every number of its tables, and of every fold."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from reno_store.conclusions import Answer, Claim, Comparison, answers_of, compare_study
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.layout import tables_of
from reno_store.reports.tables.results import results_frame
from reno_store.studies import METRICS, Cell, DatasetFacts, FoldOutcome, Study

__all__ = ["conclusions_json", "to_json"]

_UNITS = "Scores are in per cent, differences and intervals in points."

_SCORES = ("mean", "sd", "paper", "difference", "best", "low", "high", "guessing", "beats_guessing")
_OF_FOLD = ("n_train", "n_test", "n_labels", "speaker", "collapsed")


def to_json(
    study: Study,
    *,
    answers: Sequence[Answer] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    commands: Commands | None = None,
) -> str:
    """Write a study as JSON.

    Scores are in per cent, differences and intervals in points. A number that is not finite
    is ``null``. Predictions of single clips and training histories are in the folder
    ``results``, not here.

    Parameters
    ----------
    study : Study
        Computed or not.
    answers, claims, comparisons : Sequence
        Its conclusions.
    commands : Commands, optional
        How to describe what to run; Python calls by default.
    """
    commands, frame = commands or PythonCalls(), results_frame(study)
    scores: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for place, row in zip(frame.index, frame.to_dict("records"), strict=True):
        scores[place][row["metric"]] = {name: row[name] for name in _SCORES}
    datasets = [{**_dataset(facts), "majority": 100 * facts.majority} for facts in study.datasets]
    document = {
        "units": _UNITS,
        "command": commands.study(study),
        "store": study.store,
        "results": study.results,
        "request": study.request.to_dict(),
        "versions": study.versions,
        "notes": study.notes,
        "datasets": datasets,
        "models": [_facts(facts) for facts in study.models],
        "tables": [
            {
                "table": table.number,
                "dataset": table.dataset,
                "protocol": table.protocol,
                "title": table.title,
                "notes": list(map(str, table.notes)),
            }
            for table in tables_of(study, commands)
        ],
        "cells": [
            {**_cell(cell, scores[place]), "command": commands.cell(study, cell)}
            for place, cell in enumerate(study.cells)
        ],
        "answers": [each.to_dict() for each in answers],
        "claims": list(map(_claim, claims)),
        "comparisons": list(map(_comparison, comparisons)),
    }
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _facts(facts: Any) -> dict[str, Any]:
    # dataclasses.asdict cannot copy every Mapping.
    return {each.name: getattr(facts, each.name) for each in fields(facts)}


def _dataset(facts: DatasetFacts) -> dict[str, Any]:
    values = _facts(facts)
    if (transfer := values.pop("transfer")) is not None:
        parts = _facts(transfer)
        values |= {**_facts(parts.pop("pair")), **parts}
    return values


def _cell(cell: Cell, scores: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "table": "I" if len(cell.models) == 1 else "II",
        **{name: getattr(cell, name) for name in ("dataset", "protocol", "estimator", "settings")},
        **{name: getattr(cell, name) for name in ("models", "seeds", "n", "n_collapsed")},
        "parameters": cell.parameters,
        "scores": scores,
        "folds": [
            {"seed": seed, "fold": number, **_fold(outcome)}
            for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=False)
            for number, outcome in enumerate(outcomes, start=1)
        ],
        "labels": cell.labels,
        "confusion": cell.confusion().to_numpy() if cell.computed else None,
        "reason": cell.reason,
    }


def _fold(outcome: FoldOutcome) -> dict[str, Any]:
    return {
        **{metric: 100 * getattr(outcome.score, metric) for metric in METRICS},
        **{name: getattr(outcome.score, name) for name in _OF_FOLD},
        "seconds": outcome.seconds,
        "n_parameters": outcome.n_parameters,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    tally = asdict(claim.tally)
    return {
        **{name: getattr(claim, name) for name in ("kind", "title", "dataset", "protocol")},
        "verdict": claim.verdict,
        "n_comparisons": tally.pop("n"),
        "n_inconclusive": claim.tally.n_inconclusive,
        **tally,
        "mean_difference": 100 * claim.tally.mean_difference,
        "sentence": claim.sentence,
    }


def conclusions_json(study: Study) -> dict[str, Any]:
    """Return the answers and comparisons of a study as JSON values, by accuracy.

    Parameters
    ----------
    study : Study
        Computed or not.
    """
    comparisons = compare_study(study)
    found = {
        "units": _UNITS,
        "answers": [each.to_dict() for each in answers_of(study, comparisons)],
        "comparisons": list(map(_comparison, comparisons)),
    }
    return dict(_plain(found))


def _comparison(comparison: Comparison) -> dict[str, Any]:
    kept = ("kind", "dataset", "protocol", "metric", "t", "df", "p", "p_holm", "paired")
    return {
        **{name: getattr(comparison, name) for name in (*kept, "verdict", "sentence")},
        "first": _side(comparison.first),
        "second": _side(comparison.second),
        "difference": 100 * comparison.difference,
        "interval": [100 * end for end in comparison.interval],
    }


def _side(cell: Cell) -> dict[str, Any]:
    names = ("protocol", "estimator", "settings", "models", "seeds")
    return {**{name: getattr(cell, name) for name in names}, "n_folds": cell.n}


def _plain(value: Any) -> Any:
    """Convert a value to JSON types; numbers that are not finite become None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
