"""A study as one JSON document: every number that its tables show, and every fold's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from reno_store.conclusions import Claim, Comparison
from reno_store.reports.tables.layout import views_of
from reno_store.reports.tables.measures import MeasuredCell, MeasuredTable, measure_study
from reno_store.studies import METRICS, Cell, DatasetFacts, FoldOutcome, ModelFacts, Study

__all__ = ["to_json"]

_UNITS = "Scores are in per cent, differences and intervals in points."


def to_json(
    study: Study, *, claims: Sequence[Claim] = (), comparisons: Sequence[Comparison] = ()
) -> str:
    """Write a study as JSON.

    Scores are in per cent, differences in points. What is no finite number is ``null``. What
    each clip was predicted to be and the course of training are left out; they stand where
    ``results`` says.

    Parameters
    ----------
    study : Study
        Computed or not.
    claims, comparisons : Sequence
        What it allows one to conclude.
    """
    told = {
        "units": _UNITS,
        "command": study.command,
        "store": study.store,
        "results": study.results,
        "request": study.request.to_dict(),
        "versions": study.versions,
        "notes": study.notes,
        "datasets": [
            {**_facts(facts), "majority": 100 * facts.majority} for facts in study.datasets
        ],
        "models": [_facts(facts) for facts in study.models],
        "tables": [
            {
                "table": view.number,
                "dataset": view.dataset,
                "protocol": view.protocol,
                "title": view.title,
                "notes": view.notes,
            }
            for view in views_of(study)
        ],
        "cells": [_cell(table, row) for table in measure_study(study) for row in table.rows],
        "claims": [_claim(claim) for claim in claims],
        "comparisons": [_comparison(comparison) for comparison in comparisons],
    }
    return json.dumps(_plain(told), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _facts(facts: DatasetFacts | ModelFacts) -> dict[str, Any]:
    # dataclasses.asdict cannot copy every Mapping.
    return {each.name: getattr(facts, each.name) for each in fields(facts)}


def _where(cell: Cell) -> dict[str, Any]:
    return {
        "dataset": cell.dataset,
        "protocol": cell.protocol,
        "estimator": cell.estimator,
        "models": cell.models,
    }


def _cell(table: MeasuredTable, row: MeasuredCell) -> dict[str, Any]:
    cell = row.cell
    return {
        "table": table.number,
        **_where(cell),
        "seeds": cell.seeds,
        "n": cell.n,
        "n_collapsed": cell.n_collapsed,
        "parameters": cell.parameters,
        "scores": {
            measure.metric: {
                "mean": measure.mean,
                "sd": measure.sd,
                "paper": measure.paper,
                "difference": measure.difference,
                "best": measure.best,
            }
            for measure in row.measures
        },
        "folds": [
            {"seed": seed, "fold": number, **_fold(outcome)}
            for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=False)
            for number, outcome in enumerate(outcomes, start=1)
        ],
        "labels": cell.labels,
        "confusion": cell.confusion().to_numpy() if cell.computed else None,
        "reason": cell.reason,
        "command": cell.command,
    }


def _fold(outcome: FoldOutcome) -> dict[str, Any]:
    score = outcome.score
    return {
        **{metric: 100 * getattr(score, metric) for metric in METRICS},
        "n_train": score.n_train,
        "n_test": score.n_test,
        "n_labels": score.n_labels,
        "speaker": score.speaker,
        "collapsed": score.collapsed,
        "seconds": outcome.seconds,
        "n_parameters": outcome.n_parameters,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    told = claim.to_dict()
    return {**told, "mean_difference": _in_points(told["mean_difference"])}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    told = comparison.to_dict()
    return {
        **told,
        "difference": _in_points(told["difference"]),
        "interval": [_in_points(end) for end in told["interval"]],
    }


def _in_points(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows; numbers that are not finite into None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
