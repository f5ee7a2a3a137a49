"""What a tracker logs of a study: a record for each computed cell, and one for the whole."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reno_store.conclusions import answers_of
from reno_store.conclusions.guessing import Standing, standings_of
from reno_store.conclusions.names import cell_title
from reno_store.reports.figures import Figure, confusion_figure, figures_of
from reno_store.reports.leaderboard import guesses_of
from reno_store.studies import METRICS, Cell, Study

__all__ = ["CellRecord", "StudyRecord", "record_study"]


@dataclass(frozen=True, slots=True)
class CellRecord:
    """A computed cell of a study, as a tracker logs it.

    Attributes
    ----------
    key : str
        Digest of everything below, so that the same result is recognized.
    title : str
        Such as ``"RENO on mfcc + logmel, speaker"``.
    parameters : Mapping[str, str]
        What was evaluated and how; hyperparameters begin with ``estimator.``.
    scores : Mapping[str, float]
        Means over folds in [0, 1] with ``_sd``, ``_low`` and ``_high`` (95 % interval), those
        of guessing, and counts. What is not known is left out.
    folds : tuple[Mapping[str, float], ...]
        The scores of each fold, seed by seed.
    figures : tuple[Figure, ...]
        Its confusion matrix.
    """

    key: str
    title: str
    parameters: Mapping[str, str]
    scores: Mapping[str, float]
    folds: tuple[Mapping[str, float], ...]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study, as a tracker logs it.

    Attributes
    ----------
    key : str
        Digest of the cells and tables.
    name : str
        Name of the store, without its ending.
    parameters : Mapping[str, str]
        What was requested, and the versions of packages.
    tables : Mapping[str, str]
        Name of a file -> CSV: the leaderboard, all cells, all folds.
    figures : tuple[Figure, ...]
        The figures of the study, without those of its cells and without maps.
    conclusions : str
        What the study shows for each dataset, a paragraph per sentence.
    cells : tuple[CellRecord, ...]
        In the order of the study.
    """

    key: str
    name: str
    parameters: Mapping[str, str]
    tables: Mapping[str, str]
    figures: tuple[Figure, ...]
    conclusions: str
    cells: tuple[CellRecord, ...]


def record_study(study: Study) -> StudyRecord:
    """Return what a tracker logs of a study; nothing is drawn yet."""
    standings: dict[int, list[Standing]] = defaultdict(list)
    for metric in METRICS:
        for each in standings_of(study, metric):
            standings[id(each.cell)].append(each)
    cells = tuple(
        _record_cell(study, cell, standings[id(cell)]) for cell in study.cells if cell.computed
    )
    tables = {
        "leaderboard.csv": study.leaderboard().to_csv(index=False),
        "cells.csv": study.to_frame().to_csv(index=False),
        "folds.csv": study.to_frame(folds=True).to_csv(index=False),
    }
    request = {name: _written(value) for name, value in study.request.to_dict().items()}
    versions = {f"version.{name}": value for name, value in study.versions.items()}
    figures = tuple(figure for figure in figures_of(study) if figure.kind != "confusion")
    key = _digest([[cell.key for cell in cells], tables])
    name = study.store.name.removesuffix(".zarr")
    sentences = [sentence for answer in answers_of(study) for sentence in answer.sentences]
    conclusions = "\n\n".join(sentences)
    return StudyRecord(key, name, {**request, **versions}, tables, figures, conclusions, cells)


def _record_cell(study: Study, cell: Cell, standings: Sequence[Standing]) -> CellRecord:
    request, facts = study.request, study.dataset(cell.dataset)
    parameters = {
        "dataset": cell.dataset,
        "protocol": cell.protocol,
        "estimator": cell.estimator,
        "models": "+".join(cell.models),
        "fingerprints": "+".join(study.model(name).fingerprint for name in cell.models),
        "seeds": _written(list(cell.seeds)),
        "n_clips": str(facts.n_clips),
        "n_labels": str(len(facts.labels)),
        "n_speakers": str(facts.n_speakers),
        "standardize": _written(request.standardize),
        "min_clips": str(request.min_clips),
        **{f"estimator.{name}": _written(value) for name, value in cell.parameters.items()},
    }
    scores: dict[str, float] = {}
    for each in standings:
        scores[each.metric], scores[f"{each.metric}_sd"] = each.score, cell.sd(each.metric)
        scores[f"{each.metric}_low"], scores[f"{each.metric}_high"] = each.interval
    scores["chance"], scores["majority"] = guesses_of(facts, "accuracy")
    scores |= {"n_scores": cell.n, "n_collapsed": cell.n_collapsed}
    scores["seconds"] = sum(fold.seconds for fold in cell.folds)
    known = {name: float(value) for name, value in scores.items() if math.isfinite(value)}
    outcomes = [[asdict(fold.score), fold.predicted] for fold in cell.folds]
    return CellRecord(
        key=_digest([parameters, outcomes]),
        title=f"{cell_title(cell)}, {cell.protocol}",
        parameters=parameters,
        scores=known,
        folds=tuple(
            {str(name): getattr(fold.score, name) for name in METRICS} for fold in cell.folds
        ),
        figures=(confusion_figure(cell),),
    )


def _written(value: Any) -> str:
    """Write a value as text: texts as they are, others as JSON where possible."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
