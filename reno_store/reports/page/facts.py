"""What the page says of data, models and protocols."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reno_store.reports.page.wording import NOTHING, write_estimator, write_list
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import PAPER_DATASETS, PROTOCOLS, DatasetFacts, Study

__all__ = [
    "DatasetLine",
    "ModelLine",
    "ProtocolLine",
    "datasets_of",
    "hyperparameters_of",
    "models_of",
    "protocols_of",
    "settings_of",
]

_PAPER_TITLES = dict(zip(PAPER_DATASETS, ("ASVP-ESD", "JNV", "VIVAE"), strict=True))
_FAMILIES = {"mamba": "Mamba-based (MAFM)", "attention": "attention-based (AAFM)", "": NOTHING}


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """A dataset, in words: counts, and ``"anger 50, fear 48"``."""

    name: str
    paper: str
    clips: str
    left_out: str
    speakers: str
    n_labels: str
    labels: str
    majority: str


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model, in words; `full` is its whole fingerprint as JSON, empty if it is not known."""

    name: str
    letter: str
    family: str
    dim: str
    fingerprint: str
    full: str


@dataclass(frozen=True, slots=True)
class ProtocolLine:
    """A protocol, in words, with what its scores allow one to conclude."""

    name: str
    folds: str
    description: str
    allows: str


def datasets_of(study: Study) -> tuple[DatasetLine, ...]:
    """Describe the datasets, in the study's order."""
    return tuple(
        DatasetLine(
            name=each.name,
            paper=_PAPER_TITLES.get(each.paper_name, NOTHING),
            clips=f"{each.n_clips:,}",
            left_out=f"{each.n_left_out:,}",
            speakers=f"{each.n_speakers:,}" if each.n_speakers else "unknown",
            n_labels=f"{len(each.labels):,}",
            labels=_labels(each, study.request.min_clips),
            majority=f"{100 * each.majority:.1f}",
        )
        for each in study.datasets
    )


def models_of(study: Study, fingerprints: Mapping[str, Mapping[str, Any]]) -> tuple[ModelLine, ...]:
    """Describe the models, in the study's order."""
    return tuple(
        ModelLine(
            name=each.name,
            letter=each.letter or NOTHING,
            family=_FAMILIES[each.family],
            dim=f"{each.dim:,}" if each.dim else NOTHING,
            fingerprint=each.fingerprint or "not in the store",
            full=_write_json(fingerprints[each.name]) if each.name in fingerprints else "",
        )
        for each in study.models
    )


def protocols_of(study: Study) -> tuple[ProtocolLine, ...]:
    """Describe the protocols, in the order in which they were asked for."""
    lines = []
    for name in study.request.protocols:
        protocol = PROTOCOLS[name]
        lines.append(
            ProtocolLine(
                name=name,
                folds="one a speaker"
                if protocol.one_fold_a_speaker
                else f"{study.request.n_folds}",
                description=protocol.description,
                allows="How well voices are recognised that were never heard in training."
                if protocol.speaker_disjoint
                else "How well further clips of much the same speakers are recognised; nothing "
                "sure of new speakers.",
            )
        )
    return tuple(lines)


def _labels(facts: DatasetFacts, min_clips: int) -> str:
    """Count the clips of each label, and name those that were left out."""
    labels = ", ".join(f"{label} {count:,}" for label, count in facts.labels.items())
    rare = rare_labels_note(facts.rare_labels, min_clips)
    return f"{labels}. {rare}" if rare else labels


def settings_of(study: Study) -> tuple[tuple[str, str], ...]:
    """Describe what holds for all cells alike, as headings and words."""
    request = study.request
    one = len(request.seeds) == 1
    return (
        ("Estimators", write_list(write_estimator(name) for name in request.estimator_names)),
        (
            "Seed" if one else "Seeds",
            f"{write_list(map(str, request.seeds))}, "
            + ("for" if one else "each for")
            + " the folds and for where training starts",
        ),
        (
            "Scaling",
            "embeddings are scaled by the mean and standard deviation of each training fold"
            if request.standardize
            else "embeddings are taken as they are stored",
        ),
        (
            "Missing embeddings",
            "clips that lack an embedding of any of a dataset's models are left out for all"
            if request.allow_missing
            else "a model that lacks clips of a dataset is not evaluated on it",
        ),
        ("Device", request.device),
    )


def hyperparameters_of(study: Study) -> tuple[tuple[str, str], ...]:
    """Give each estimator's hyperparameters, as JSON, as far as they are the same everywhere.

    What follows from the models, such as the sizes of their blocks, differs from cell to cell.
    """
    found = []
    for name in study.request.estimator_names:
        cells = list(study.select(estimator=name, computed=True))
        if not cells:
            continue
        first, *others = (cell.parameters for cell in cells)
        absent = object()
        same = {
            key: value
            for key, value in first.items()
            if all(other.get(key, absent) == value for other in others)
        }
        if same:
            found.append((write_estimator(name), _write_json(same)))
    return tuple(found)


def _write_json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), indent=2, sort_keys=True, ensure_ascii=False, default=str)
