"""Pairs of corpora, prepared as datasets: the clips of both, in common words, and one fold.

The rows of the training corpora come first, then those of the test corpus, so that everything that
trains, keeps and shows the folds of a dataset does the same for a pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ProtocolError, Remedy, listed
from reno_store.samples import EmbeddingStore
from reno_store.studies.corpus_pairs import CorpusPair, Transfer, few_labels, shared_labels
from reno_store.studies.models import paper_name_of
from reno_store.studies.preparation import Obstacle, PreparedDataset, prepare
from reno_store.studies.recipes import hash_array, hash_texts
from reno_store.studies.requests import StudyRequest
from reno_store.studies.study import DatasetFacts, ModelFacts

__all__ = ["prepare_pairs"]

_NO_ROWS = np.array([], np.int64)


def prepare_pairs(
    request: StudyRequest,
    store: EmbeddingStore,
    pairs: Mapping[CorpusPair, Sequence[str]],
    models: Sequence[ModelFacts],
    *,
    strict: bool = False,
) -> Iterator[PreparedDataset]:
    """Load each corpus once, and yield each pair as a dataset with one fold per seed.

    Parameters
    ----------
    pairs : Mapping[CorpusPair, Sequence[str]]
        Pair -> protocols, as `StudyRequest.corpus_pairs` returns them.
    strict : bool
        Whether to raise what is otherwise an obstacle.

    Raises
    ------
    UnknownNameError
        If the store has no such dataset.
    MissingEmbeddingsError, StoreError, ProtocolError
        If `strict`, and embeddings are missing or damaged, or the corpora of a pair have fewer
        than two labels in common, or share recordings or speakers.
    """
    if not pairs:
        return
    # Rare labels are counted in common words, below.
    whole = replace(request, protocols=request.across, min_clips=1)
    names = dict.fromkeys(name for pair in pairs for name in (*pair.train_on, pair.test_on))
    corpora = {
        name: _Corpus(request, store, name, prepare(whole, store, name, models, strict=strict))
        for name in names
    }
    for pair, protocols in pairs.items():
        yield _prepare(request, pair, protocols, [corpora[name] for name in names], strict=strict)


@dataclass(eq=False)
class _Corpus:
    """A dataset, and its labels in common words."""

    request: StudyRequest
    store: EmbeddingStore
    name: str
    prepared: PreparedDataset

    @property
    def known_as(self) -> str:
        """The dataset's name in the label map: its own, or the one it has in the paper."""
        labels = self.request.label_map.labels
        return self.name if self.name in labels else paper_name_of(self.request, self.name)

    @cached_property
    def words(self) -> NDArray[np.str_]:
        """The label of each clip in common words; empty where it is left out."""
        word = self.request.label_map.word
        words = {label: word(self.known_as, label) for label in self.prepared.facts.labels}
        return np.array([words[label] for label in self.prepared.y.tolist()], np.str_)

    @cached_property
    def hashes(self) -> NDArray[np.str_]:
        """The hash of each clip's recording; empty where it is not known."""
        column = dict(
            zip(
                self.store.texts(self.name, "clip_id"),
                self.store.texts(self.name, "audio_sha256"),
                strict=True,
            )
        )
        return np.array([column[clip] for clip in self.prepared.clip_ids.tolist()], np.str_)

    @property
    def speakers(self) -> NDArray[np.str_]:
        """The speaker of each clip; empty where unknown."""
        groups = self.prepared.groups
        return np.array([""] * len(self.prepared.y), np.str_) if groups is None else groups

    def unknown_labels(self) -> tuple[str, ...]:
        """Return labels of the map that the dataset does not have, if it was loaded."""
        labels = self.prepared.facts.labels
        return tuple(self.request.label_map.unknown(self.known_as, labels)) if labels else ()


@dataclass(frozen=True, slots=True)
class _Part:
    """The clips of a corpus that a pair uses."""

    corpus: _Corpus
    rows: NDArray[np.int64]

    def unmatched(self) -> dict[str, int]:
        """Count the clips whose label is on one side only, by the corpus's own labels."""
        left = np.setdiff1d(np.arange(len(self.corpus.words)), self.rows)
        return dict(sorted(Counter(self.corpus.prepared.y[left].tolist()).items()))


def _prepare(
    request: StudyRequest,
    pair: CorpusPair,
    protocols: Sequence[str],
    corpora: Sequence[_Corpus],
    *,
    strict: bool,
) -> PreparedDataset:
    by_name = {corpus.name: corpus for corpus in corpora}
    chosen = [by_name[name] for name in (*pair.train_on, pair.test_on)]
    without: dict[str, Obstacle] = {}
    for corpus in chosen:
        without = {**corpus.prepared.without, **without}
    train_words = np.concatenate([corpus.words for corpus in chosen[:-1]])
    labels, rare = shared_labels(train_words, chosen[-1].words, request.min_clips)
    parts = [_Part(each, np.flatnonzero(np.isin(each.words, labels))) for each in chosen]
    kept_words = [part.corpus.words[part.rows] for part in parts]
    n_train = sum(len(words) for words in kept_words[:-1])
    obstacle = None
    if all(len(corpus.words) for corpus in chosen):
        if len(labels) < 2:
            obstacle = _too_few(request, pair, labels, train_words, chosen[-1].words)
        obstacle = obstacle or _shared_recordings(pair, parts)
        if request.shared_speaker_ids:
            obstacle = obstacle or _shared_speakers(pair, parts)
    if obstacle is not None and strict:
        raise ProtocolError(obstacle.reason + ".", *filter(None, [obstacle.remedy]))
    facts = _facts(request, pair, parts, rare)
    y = np.concatenate(kept_words)
    speakers = _speakers(request, parts)
    clip_ids = np.concatenate([part.corpus.prepared.clip_ids[part.rows] for part in parts])
    # Early stopping holds out whole speakers where all that are trained on are known.
    groups = speakers if (speakers[:n_train] != "").all() and len(speakers) else None
    usable = [] if obstacle else [name for name in chosen[0].prepared.blocks if name not in without]
    blocks = {
        name: np.concatenate([part.corpus.prepared.blocks[name][part.rows] for part in parts])
        for name in usable
    }
    fold = (np.arange(n_train), np.arange(n_train, len(y)))
    return PreparedDataset(
        facts,
        y,
        groups,
        hash_texts(clip_ids, y, groups),
        blocks,
        {name: hash_array(block) for name, block in blocks.items()},
        without,
        {(protocol, seed): [fold] for protocol in protocols for seed in request.seeds},
        dict.fromkeys(protocols, obstacle) if obstacle else {},
        clip_ids,
        tuple(
            (name, rows[part.rows])
            for part in parts
            for name, rows in part.corpus.prepared.stored_in
        ),
    )


def _facts(
    request: StudyRequest, pair: CorpusPair, parts: Sequence[_Part], rare: Mapping[str, int]
) -> DatasetFacts:
    words = [part.corpus.words[part.rows] for part in parts]
    tested, trained = _counts(words[-1:]), _counts(words[:-1])
    speakers = parts[-1].corpus.speakers[parts[-1].rows]
    ids = [set(part.corpus.speakers[part.rows].tolist()) - {""} for part in parts]
    same = sorted(set(chain(*ids[:-1])) & ids[-1])
    corpora = [part.corpus for part in parts]
    unmatched = {part.corpus.name: part.unmatched() for part in parts}
    return DatasetFacts(
        pair.name,
        n_clips=len(words[-1]),
        n_left_out=sum(each.prepared.facts.n_left_out for each in corpora),
        n_speakers=len(set(speakers.tolist()) - {""}),
        labels=tested,
        rare_labels=dict(rare),
        transfer=Transfer(
            pair,
            n_train=sum(trained.values()),
            train_labels=trained,
            unmatched={name: own for name, own in unmatched.items() if own},
            same_ids=() if request.shared_speaker_ids else tuple(same),
            unhashed=tuple(
                part.corpus.name for part in parts if "" in part.corpus.hashes[part.rows].tolist()
            ),
            map_source=request.label_map.source or "given" * bool(request.label_map.labels),
            unknown={each.name: unknown for each in corpora if (unknown := each.unknown_labels())},
        ),
    )


def _counts(words: Sequence[NDArray[np.str_]]) -> dict[str, int]:
    return dict(sorted(Counter(chain(*(each.tolist() for each in words))).items()))


def _speakers(request: StudyRequest, parts: Sequence[_Part]) -> NDArray[np.str_]:
    """Return the speaker of each clip; numbers keep equal ids of different corpora apart."""
    found = []
    for number, part in enumerate(parts):
        before = "" if request.shared_speaker_ids else f"{number}:"
        ids = part.corpus.speakers[part.rows].tolist()
        found.append(np.array([f"{before}{each}" if each else "" for each in ids], np.str_))
    return np.concatenate(found)


def _too_few(
    request: StudyRequest,
    pair: CorpusPair,
    labels: NDArray[np.str_],
    train: NDArray[np.str_],
    test: NDArray[np.str_],
) -> Obstacle:
    reason = few_labels(pair, labels, train, test)
    if request.min_clips > 1:
        reason += f" A label needs {request.min_clips:,} clips on each side"
    remedy = Remedy("Give common words for their labels", {"label_map": ...})
    return Obstacle(reason.removesuffix("."), remedy)


def _shared_recordings(pair: CorpusPair, parts: Sequence[_Part]) -> Obstacle | None:
    tested = {digest: clip for digest, clip in zip(*_hashed(parts[-1]), strict=True) if digest}
    same = [
        f"{part.corpus.name}/{clip} = {pair.test_on}/{tested[digest]}"
        for part in parts[:-1]
        for digest, clip in zip(*_hashed(part), strict=True)
        if digest in tested
    ]
    if not same:
        return None
    return Obstacle(
        f"{pair.name}: {len(same):,} recordings would be trained on and tested: {listed(same)}",
        Remedy("Leave them out of one of the manifests and build that dataset again"),
    )


def _hashed(part: _Part) -> tuple[list[str], list[str]]:
    corpus = part.corpus
    return corpus.hashes[part.rows].tolist(), corpus.prepared.clip_ids[part.rows].tolist()


def _shared_speakers(pair: CorpusPair, parts: Sequence[_Part]) -> Obstacle | None:
    tested = set(parts[-1].corpus.speakers[parts[-1].rows].tolist()) - {""}
    trained = {
        speaker for part in parts[:-1] for speaker in part.corpus.speakers[part.rows].tolist()
    }
    if not (same := sorted(tested & trained)):
        return None
    return Obstacle(
        f"{pair.name}: {len(same):,} speakers would be trained on and tested: {listed(same)}",
        Remedy("If equal ids are different people", {"shared_speaker_ids": False}),
    )
