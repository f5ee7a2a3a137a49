"""A dataset made ready for folds: what can be used of it, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import MissingEmbeddingsError, ProtocolError, Remedy, StoreError
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.samples import EmbeddingStore, Samples
from reno_store.samples.rare_labels import leave_out_rare
from reno_store.studies.models import paper_name_of
from reno_store.studies.protocols import Fold, split
from reno_store.studies.recipes import hash_array, hash_texts
from reno_store.studies.requests import StudyRequest
from reno_store.studies.study import DatasetFacts, ModelFacts

__all__ = ["Obstacle", "PreparedDataset", "facts_of", "prepare"]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something cannot be computed, and how to get it computed."""

    reason: str
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedDataset:
    """What folds of a dataset are cut from.

    Attributes
    ----------
    facts : DatasetFacts
        Counts.
    y, groups : numpy.ndarray of str, shape (n_clips,)
        Labels and speakers; `groups` is None where no speaker is known.
    clips : str
        Hash of the clips' ids, labels and speakers.
    blocks : Mapping[str, numpy.ndarray of float32, shape (n_clips, dim)]
        Model -> embeddings of those clips.
    hashes : Mapping[str, str]
        Model -> hash of its block.
    without : Mapping[str, Obstacle]
        Models that cannot be used, and why.
    folds : Mapping[tuple[str, int], list[Fold]]
        (protocol, seed) -> folds.
    refused : Mapping[str, Obstacle]
        Protocols that the clips cannot carry, and why.
    """

    facts: DatasetFacts
    y: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    clips: str
    blocks: Mapping[str, NDArray[np.float32]]
    hashes: Mapping[str, str]
    without: Mapping[str, Obstacle]
    folds: Mapping[tuple[str, int], list[Fold]]
    refused: Mapping[str, Obstacle]

    def obstacle(self, models: Sequence[str], protocol: str) -> Obstacle | None:
        """Say why models cannot be evaluated under a protocol; None where they can."""
        for name in models:
            if name in self.without:
                return self.without[name]
        return self.refused.get(protocol)


def prepare(
    request: StudyRequest, store: EmbeddingStore, dataset: str, models: Sequence[ModelFacts]
) -> PreparedDataset:
    """Load what a study needs of a dataset, and cut its folds.

    Raises
    ------
    UnknownNameError
        If the store has no such dataset.
    """
    without = _without(request, store, dataset, [model.name for model in models])
    usable = [model.name for model in models if model.name not in without]
    n_stored = store.n_clips(dataset)
    paper_name = paper_name_of(request, dataset)
    if usable:
        try:
            missing = "drop" if request.allow_missing else "raise"
            loaded = store.load(dataset, usable, missing=missing)  # type: ignore[arg-type]
            samples, rare = leave_out_rare(loaded, request.min_clips)
        # No clip has all of them, or no label as many clips as were asked for.
        except (MissingEmbeddingsError, ProtocolError) as error:
            without |= dict.fromkeys(usable, Obstacle(str(error)))
            usable = []
    if not usable:
        facts = DatasetFacts(dataset, n_stored, 0, 0, MappingProxyType({}), paper_name)
        empty = np.array([], np.str_)
        return PreparedDataset(facts, empty, None, "", {}, {}, without, {}, {})
    blocks = {each.models[0]: np.ascontiguousarray(each.X) for each in samples.split_models()}
    facts = facts_of(samples, n_stored, paper_name, rare)
    folds, refused = _folds(request, samples.y, samples.groups)
    return PreparedDataset(
        facts,
        samples.y,
        samples.groups,
        hash_texts(samples.clip_ids, samples.y, samples.groups),
        blocks,
        {name: hash_array(block) for name, block in blocks.items()},
        without,
        folds,
        refused,
    )


def facts_of(
    samples: Samples,
    n_stored: int,
    paper_name: str = "",
    rare_labels: Mapping[str, int] = MappingProxyType({}),
) -> DatasetFacts:
    """Count clips, speakers and labels of what was loaded.

    Parameters
    ----------
    samples : Samples
        Clips of one dataset.
    n_stored : int
        How many clips the store has of it.
    paper_name : str
        The paper's name for it, where it is one of its corpora.
    rare_labels : Mapping[str, int]
        Label that `leave_out_rare` left out -> its clips.
    """
    labels, counts = np.unique(samples.y, return_counts=True)
    speakers = set() if samples.groups is None else set(samples.groups.tolist()) - {""}
    return DatasetFacts(
        samples.dataset,
        n_clips=len(samples.y),
        n_left_out=n_stored - len(samples.y) - sum(rare_labels.values()),
        n_speakers=len(speakers),
        labels=dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        paper_name=paper_name,
        rare_labels=dict(rare_labels),
    )


def _folds(
    request: StudyRequest, y: NDArray[np.str_], groups: NDArray[np.str_] | None
) -> tuple[dict[tuple[str, int], list[Fold]], dict[str, Obstacle]]:
    folds, refused = {}, {}
    for protocol in request.protocols:
        for seed in request.seeds:
            try:
                folds[protocol, seed] = split(
                    protocol, y, groups, n_folds=request.n_folds, seed=seed
                )
            except ProtocolError as error:
                several = f" (seed {seed})" if len(request.seeds) > 1 else ""
                refused[protocol] = Obstacle(f"protocol {protocol}{several}: {error}")
                break
    return folds, refused


def _without(
    request: StudyRequest, store: EmbeddingStore, dataset: str, models: Sequence[str]
) -> dict[str, Obstacle]:
    """Say which models cannot be used, and why."""
    held, n_clips = store.models(dataset), store.n_clips(dataset)
    found = {}
    for name in models:
        remedy = _remedy(store, dataset, name)
        if name not in held:
            found[name] = Obstacle(f"{dataset} has no embeddings of {name}", remedy)
            continue
        try:
            n_missing = store.n_missing(dataset, name)
            store.load(dataset, name, missing="drop")
        except MissingEmbeddingsError:
            n_missing = n_clips
        except StoreError as error:
            found[name] = Obstacle(f"{dataset}, {name}: {error}")
            continue
        if n_missing and (n_missing == n_clips or not request.allow_missing):
            reason = f"{n_missing:,} of {n_clips:,} clips of {dataset} have no embedding of {name}"
            found[name] = Obstacle(reason, remedy)
    return found


def _remedy(store: EmbeddingStore, dataset: str, model: str) -> Remedy:
    entry = CATALOGUE.get(model)
    if entry is None:
        spec = f"{model}=SPEC"
    else:
        spec = f"{model}=ssam:CHECKPOINT" if entry.source == "authors" else model
    arguments = {"manifest": ..., "store": str(store.path), "dataset": dataset, "models": spec}
    return Remedy("Build them", arguments, "build_store")
