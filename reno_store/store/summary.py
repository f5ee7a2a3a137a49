"""What is in a store, at a glance: the table behind ``reno-store info``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reno_store.store.fingerprints import short_fingerprint
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
    fingerprint : str
        First digits of the fingerprint's hash.
    """

    dataset: str
    model: str
    n_clips: int
    n_done: int
    n_missing: int
    n_labels: int
    n_speakers: int
    dim: int
    fingerprint: str


def summarize(reader: StoreReader) -> list[ModelSummary]:
    """Summarise each (dataset, model), sorted by name."""
    rows = []
    for dataset in reader.datasets():
        n_clips = reader.n_clips(dataset)
        counts = {"n_labels": 0, "n_speakers": 0}
        for column, name in (("label", "n_labels"), ("speaker", "n_speakers")):
            if column in reader.columns(dataset):
                counts[name] = len(set(reader.column(dataset, column)) - {""})
        for model in reader.models(dataset) or ("",):
            n_done = int(np.count_nonzero(reader.done(dataset, model))) if model else 0
            rows.append(
                ModelSummary(
                    dataset=dataset,
                    model=model,
                    n_clips=n_clips,
                    n_done=n_done,
                    n_missing=n_clips - n_done,
                    dim=reader.dim(dataset, model) if model else 0,
                    fingerprint=short_fingerprint(reader.fingerprint(dataset, model))
                    if model
                    else "",
                    **counts,
                )
            )
    return rows
