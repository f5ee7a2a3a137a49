"""An overview of a store: what it holds of each model, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reno_store.errors import StoreError, UnknownNameError
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
        Size on disk.
    precision : str
        Precision of the computation, from the fingerprint; empty if unknown.
    storage : str
        Precision on disk.
    fingerprint : str
        First digits of the fingerprint's hash.
    window_s, hop_s : float or None
        Length and hop of the windows of long recordings; None if they were embedded whole.
    problem : str
        What is damaged, so that some of the numbers above are unknown; empty otherwise.
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
    window_s: float | None = None
    hop_s: float | None = None
    problem: str = ""


def summarize(reader: StoreReader) -> list[ModelSummary]:
    """Summarize each (dataset, model), sorted by name; damage in one does not affect the others.

    What another process removes meanwhile is left out.
    """
    rows, reader = [], reader.settled()
    for name in reader.datasets:
        try:
            dataset = _dataset_summary(reader, name)
            models = reader.models(name)
        except UnknownNameError:
            continue
        except StoreError as error:
            rows.append(ModelSummary(name, problem=str(error)))
            continue
        summaries = [_model_summary(reader, dataset, model) for model in models]
        rows += [each for each in summaries if each is not None] or [dataset]
    lost = "its zarr.json is lost; restore it from a copy, or remove the rest"
    rows += [ModelSummary(name, problem=lost) for name in reader.lost_datasets()]
    return sorted(rows, key=lambda row: (row.dataset, row.model))


def _dataset_summary(reader: StoreReader, name: str) -> ModelSummary:
    n_clips = reader.n_clips(name)
    n_values, problem = {"label": 0, "speaker": 0}, ""
    for column in n_values:
        try:
            n_values[column] = reader.n_values(name, column) if n_clips else 0
        except StoreError as error:
            problem = str(error)
    return ModelSummary(
        name,
        n_clips=n_clips,
        n_missing=n_clips,
        n_labels=n_values["label"],
        n_speakers=n_values["speaker"],
        problem=problem,
    )


def _model_summary(reader: StoreReader, dataset: ModelSummary, model: str) -> ModelSummary | None:
    name = dataset.dataset
    try:
        fingerprint = reader.fingerprint(name, model)
        window_s, hop_s = _windows(fingerprint)
        n_done = int(np.count_nonzero(reader.done(name, model)))
        n_bytes = reader.n_bytes(name, model)
        if not n_bytes:  # its metadata were read before another process has removed it
            return None
        return replace(
            dataset,
            model=model,
            n_done=n_done,
            n_missing=dataset.n_clips - n_done,
            dim=reader.dim(name, model),
            n_bytes=n_bytes,
            precision=str(fingerprint.get("precision", "")),
            storage=storage_of(fingerprint).dtype,
            fingerprint=short_fingerprint(fingerprint),
            window_s=window_s,
            hop_s=hop_s,
        )
    except UnknownNameError:
        return None
    except StoreError as error:
        return replace(dataset, model=model, problem=dataset.problem or str(error))


def _windows(fingerprint: Mapping[str, Any]) -> tuple[float, float] | tuple[None, None]:
    """Return length and hop of windows; None where there are none or they make no sense."""
    match fingerprint.get("windows"):
        case {"window_s": int() | float() as window_s, "hop_s": int() | float() as hop_s}:
            return window_s, hop_s
    return None, None
