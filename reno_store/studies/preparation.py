"""A dataset loaded and divided into folds; what cannot be used, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import (
    MissingEmbeddingsError,
    ProtocolError,
    Remedy,
    RenoStoreError,
    StoreError,
)
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.samples import EmbeddingStore, Samples
from reno_store.samples.rare_labels import leave_out_rare
from reno_store.studies.models import paper_name_of
from reno_store.studies.protocols import Fold, split
from reno_store.studies.recipes import hash_array, hash_texts
from reno_store.studies.requests import StudyRequest
from reno_store.studies.study import DatasetFacts, ModelFacts

__all__ = ["Obstacle", "PreparedDataset", "prepare"]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something cannot be computed, and how to get it computed."""

    reason: str
    remedy: Remedy | None = None

    @classmethod
    def of(cls, error: RenoStoreError, where: str = "") -> Obstacle:
        """Make it of an error; its remedy is the first that names arguments or a function."""
        ways = [each.text for each in error.remedies]
        how = ", or ".join([*ways[:1], *(text[0].lower() + text[1:] for text in ways[1:])])
        said = " ".join([error.message, *filter(None, [how])])
        usable = (each for each in error.remedies if each.arguments or each.function)
        return cls(where + said.removesuffix("."), next(usable, None))


@dataclass(frozen=True, slots=True, eq=False)
class PreparedDataset:
    """A dataset's clips and embeddings, and its folds.

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
        Protocols that cannot divide the clips, and why.
    clip_ids : numpy.ndarray of str, shape (n_clips,)
        The clips.
    stored_in : tuple of (str, numpy.ndarray of int64)
        The datasets of the store that the clips come from, in order, with row numbers in each.
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
    clip_ids: NDArray[np.str_] = field(default_factory=lambda: np.array([], np.str_))
    stored_in: tuple[tuple[str, NDArray[np.int64]], ...] = ()

    def obstacle(self, models: Sequence[str], protocol: str) -> Obstacle | None:
        """Return why models cannot be evaluated under a protocol; None where they can."""
        for name in models:
            if name in self.without:
                return self.without[name]
        return self.refused.get(protocol)


def prepare(
    request: StudyRequest,
    store: EmbeddingStore,
    dataset: str,
    models: Sequence[ModelFacts],
    *,
    strict: bool = False,
) -> PreparedDataset:
    """Load each model's embeddings of a dataset once, and divide the clips into folds.

    Protocols across corpora make no folds here; `corpus_preparation` makes theirs.

    Parameters
    ----------
    strict : bool
        Whether to raise what is otherwise an obstacle.

    Raises
    ------
    UnknownNameError
        If the store has no such dataset.
    MissingEmbeddingsError, StoreError, ProtocolError
        If `strict`, and embeddings are missing or damaged, or the clips cannot be divided so.
    """
    names = [model.name for model in models]
    if strict:
        store.check_names(dataset, names)
        if not request.allow_missing and any(store.n_missing(dataset, name) for name in names):
            store.load(dataset, names)  # raises, and says which clips lack what
    loaded: dict[str, Samples] = {}
    without: dict[str, Obstacle] = {}
    for name in names:
        found = _load(request, store, dataset, name, strict=strict)
        if isinstance(found, Obstacle):
            if strict:
                raise MissingEmbeddingsError(found.reason + ".", *filter(None, [found.remedy]))
            without[name] = found
        else:
            loaded[name] = found
    rare: Mapping[str, int] = {}
    if loaded:
        try:
            samples, rare = leave_out_rare(_common(store, loaded), request.min_clips)
        except (MissingEmbeddingsError, ProtocolError) as error:
            if strict:
                raise
            without |= dict.fromkeys(loaded, Obstacle.of(error))
            loaded = {}
    n_stored, paper_name = store.n_clips(dataset), paper_name_of(request, dataset)
    if not loaded:
        facts = DatasetFacts(dataset, n_stored, 0, 0, MappingProxyType({}), paper_name)
        empty = np.array([], np.str_)
        return PreparedDataset(facts, empty, None, "", {}, {}, without, {}, {})
    blocks = {}
    for name in tuple(loaded):
        own = loaded.pop(name)
        rows = _rows(own, samples.clip_ids)
        blocks[name] = np.ascontiguousarray(own.X if len(rows) == len(own.y) else own.X[rows])
    folds, refused = _folds(request, samples.y, samples.groups, strict=strict)
    labels, counts = np.unique(samples.y, return_counts=True)
    speakers = set() if samples.groups is None else set(samples.groups.tolist()) - {""}
    facts = DatasetFacts(
        dataset,
        n_clips=len(samples.y),
        n_left_out=n_stored - len(samples.y) - sum(rare.values()),
        n_speakers=len(speakers),
        labels=dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        paper_name=paper_name,
        rare_labels=dict(rare),
    )
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
        samples.clip_ids,
        ((dataset, _stored_rows(store, dataset, samples.clip_ids)),),
    )


def _load(
    request: StudyRequest, store: EmbeddingStore, dataset: str, name: str, *, strict: bool
) -> Samples | Obstacle:
    """Load the embeddings that a model has, or return why it cannot be used."""
    remedy = _remedy(store, dataset, name)
    if name not in store.models(dataset):
        return Obstacle(f"{dataset} has no embeddings of {name}", remedy)
    n_clips = store.n_clips(dataset)
    try:
        n_missing = store.n_missing(dataset, name)
        if not n_missing or (request.allow_missing and n_missing < n_clips):
            return store.load(dataset, name, missing="drop")
    except StoreError as error:
        if strict:
            raise
        return Obstacle.of(error, f"{dataset}, {name}: ")
    reason = f"{n_missing:,} of {n_clips:,} clips of {dataset} have no embedding of {name}"
    if n_missing < n_clips:
        remedy = Remedy("Build again, or leave those clips out", {"allow_missing": True})
    return Obstacle(reason, remedy)


def _common(store: EmbeddingStore, loaded: Mapping[str, Samples]) -> Samples:
    """Return the clips that have an embedding of every model, without the embeddings."""
    first, *others = loaded.values()
    clip_ids = first.clip_ids
    for other in others:
        clip_ids = clip_ids[np.isin(clip_ids, other.clip_ids)]
    if not len(clip_ids):
        store.load(first.dataset, tuple(loaded), missing="drop")  # raises, and says which lack what
    bare = replace(first, X=np.empty((len(first.y), 0), np.float32))
    return bare.take(_rows(first, clip_ids))


def _rows(samples: Samples, clip_ids: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the rows of some of the clips."""
    return np.flatnonzero(np.isin(samples.clip_ids, clip_ids))


def _stored_rows(
    store: EmbeddingStore, dataset: str, clip_ids: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Return the row numbers of clips in the store."""
    if len(clip_ids) == store.n_clips(dataset):
        return np.arange(len(clip_ids))
    return np.flatnonzero(np.isin(np.array(store.texts(dataset, "clip_id")), clip_ids))


def _folds(
    request: StudyRequest,
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    *,
    strict: bool,
) -> tuple[dict[tuple[str, int], list[Fold]], dict[str, Obstacle]]:
    folds, refused = {}, {}
    for protocol in request.within:
        for seed in request.seeds:
            try:
                folds[protocol, seed] = split(
                    protocol, y, groups, n_folds=request.n_folds, seed=seed
                )
            except ProtocolError as error:
                if strict:
                    raise
                several = f" (seed {seed})" if len(request.seeds) > 1 else ""
                refused[protocol] = Obstacle.of(error, f"protocol {protocol}{several}: ")
                break
    return folds, refused


def _remedy(store: EmbeddingStore, dataset: str, model: str) -> Remedy:
    entry = CATALOGUE.get(model)
    if entry is None:
        spec = f"{model}=SPEC"
    else:
        spec = f"{model}=ssam:CHECKPOINT" if entry.source == "authors" else model
    arguments = {"manifest": ..., "store": str(store.path), "dataset": dataset, "models": spec}
    return Remedy("Build them", arguments, "build_store")
