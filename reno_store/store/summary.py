"""What is in a store, at a glance: the table behind ``reno-store info``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reno_store.errors import StoreError
from reno_store.store.fingerprints import short_fingerprint
from reno_store.store.precision import storage_of
from reno_store.store.reader import StoreReader

__all__ = ["ModelSummary", "summarize"]


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model of one dataset.

    Attributes
    ----------
    dataset, model : str
        Names; `model` is empty for a dataset without models.
    n_clips, n_done, n_missing : int
        Clips of the dataset, those with an embedding, those without.
    n_labels, n_speakers : int
        Distinct labels and known speakers of the dataset.
    dim : int
        Length of an embedding.
    n_bytes : int
        Room that the model takes on disk.
    precision : str
        In which it was computed, as its fingerprint says; empty where it does not.
    storage : str
        In which it is stored.
    fingerprint : str
        First digits of the fingerprint's hash.
    problem : str
        What is damaged, so that the numbers above are not all known; empty when all is well.
    """

    dataset: str
    model: str = ""
    n_clips: int = 0
    n_done: int = 0
    n_missing: int = 0
    n_labels: int = 0
    n_speakers: int = 0
    dim: int = 0
    n_bytes: int = 0
    precision: str = ""
    storage: str = ""
    fingerprint: str = ""
    problem: str = ""


def summarize(reader: StoreReader) -> list[ModelSummary]:
    """Summarise each (dataset, model), sorted by name; damage in one does not hide the others."""
    rows = []
    for name in reader.datasets():
        try:
            dataset = _dataset_summary(reader, name)
            models = reader.models(name)
        except StoreError as error:
            rows.append(ModelSummary(name, problem=str(error)))
            continue
        rows += [_model_summary(reader, dataset, model) for model in models] or [dataset]
    lost = "its zarr.json is lost; restore it from a copy, or remove what is left"
    rows += [ModelSummary(name, problem=lost) for name in reader.lost_datasets()]
    return sorted(rows, key=lambda row: (row.dataset, row.model))


def _dataset_summary(reader: StoreReader, name: str) -> ModelSummary:
    n_clips = reader.n_clips(name)
    values, problem = {"label": 0, "speaker": 0}, ""
    for column in values:
        try:
            known = reader.texts(name, column) if n_clips else []
            values[column] = len(set(known) - {""})
        except StoreError as error:
            problem = str(error)
    return ModelSummary(
        name,
        n_clips=n_clips,
        n_missing=n_clips,
        n_labels=values["label"],
        n_speakers=values["speaker"],
        problem=problem,
    )


def _model_summary(reader: StoreReader, dataset: ModelSummary, model: str) -> ModelSummary:
    name = dataset.dataset
    try:
        fingerprint = reader.fingerprint(name, model)
        n_done = int(np.count_nonzero(reader.done(name, model)))
        return replace(
            dataset,
            model=model,
            n_done=n_done,
            n_missing=dataset.n_clips - n_done,
            dim=reader.dim(name, model),
            n_bytes=reader.n_bytes(name, model),
            precision=str(fingerprint.get("precision", "")),
            storage=storage_of(fingerprint).dtype,
            fingerprint=short_fingerprint(fingerprint),
        )
    except StoreError as error:
        return replace(dataset, model=model, problem=dataset.problem or str(error))
