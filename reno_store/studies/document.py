"""A study of one dataset or pair of corpora as JSON values, as ``evaluate --json`` prints it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reno_store import __version__
from reno_store.studies.evaluation import Evaluation
from reno_store.studies.scores import METRICS
from reno_store.studies.study import Cell, DatasetFacts, Study

__all__ = ["study_json"]


def study_json(study: Study) -> dict[str, Any]:
    """Return a study of one dataset as JSON values: every fold, and means over folds.

    Parameters
    ----------
    study : Study
        As `evaluate_store` returns it. Cells that were not computed have only their reason.
    """
    (facts,) = study.datasets
    computed = [cell for cell in study.cells if cell.computed]
    return {
        "reno_store_version": __version__,
        "dataset": facts.name,
        "n_clips": facts.n_clips,
        "n_labels": len(facts.labels),
        "n_speakers": facts.n_speakers,
        "n_left_out": facts.n_left_out,
        "majority": facts.majority,
        "fingerprints": {model.name: model.fingerprint for model in study.models},
        "min_clips": study.request.min_clips,
        "rare_labels": dict(facts.rare_labels),
        **_transfer(facts),
        "repeats": [
            {
                **_names(cell),
                "seeds": list(cell.seeds),
                "n_scores": cell.n,
                "n_collapsed": cell.n_collapsed,
                "mean": {metric: cell.mean(metric) for metric in METRICS},
                "sd": {m: cell.sd(m) if cell.n > 1 else None for m in METRICS},
            }
            for cell in computed
        ],
        "evaluations": [
            {
                **Evaluation(
                    dataset=cell.dataset,
                    models=cell.models,
                    estimator=cell.estimator,
                    protocol=cell.protocol,
                    seed=seed,
                    standardized=study.request.standardize,
                    folds=tuple(outcome.score for outcome in outcomes),
                    parameters={**cell.parameters, "random_state": seed},
                ).to_dict(),
                "settings": dict(cell.settings),
            }
            for cell in computed
            for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=True)
        ],
        "failed": [
            {**_names(cell), "reason": cell.reason} for cell in study.cells if not cell.computed
        ],
    }


def _transfer(facts: DatasetFacts) -> dict[str, Any]:
    """Return what is trained on, for a pair of corpora."""
    if facts.transfer is None:
        return {}
    values = asdict(facts.transfer)
    return {**values.pop("pair"), **values, "labels": dict(facts.labels)}


def _names(cell: Cell) -> dict[str, Any]:
    return {
        "protocol": cell.protocol,
        "estimator": cell.estimator,
        "settings": dict(cell.settings),
        "models": list(cell.models),
    }
