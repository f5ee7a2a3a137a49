"""The models of a study, and which of them are fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from reno_store.errors import UnknownNameError
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.samples import EmbeddingStore
from reno_store.store import short_fingerprint
from reno_store.studies.paper_values import PAPER_LETTERS, PAPER_PAIRS, paper_dataset
from reno_store.studies.requests import StudyRequest
from reno_store.studies.study import Family, ModelFacts

__all__ = ["PAPER_MODELS", "check_models", "facts_of_models", "pairs_of"]

PAPER_MODELS: Mapping[str, str] = {
    name: entry.paper_letter for name, entry in CATALOGUE.items() if entry.paper_letter
}
"""Catalogue name -> name in the paper's tables."""

_FAMILY_OF_KIND: Mapping[str, Family] = {"audio-mamba": "mamba", "huggingface": "attention"}


def check_models(request: StudyRequest, store: EmbeddingStore) -> None:
    """Check the names of datasets and models, without imports that take seconds.

    Raises
    ------
    UnknownNameError
        If the store has no such dataset, or a model is neither in one nor in the catalogue.
    """
    known = {*CATALOGUE, *(name for each in request.datasets for name in store.models(each))}
    for name in sorted({*request.models, *(name for pair in request.pairs for name in pair)}):
        if name not in known:
            raise UnknownNameError.among("model", name, known)


def facts_of_models(request: StudyRequest, store: EmbeddingStore) -> tuple[ModelFacts, ...]:
    """Return the models of a study, in the paper's order, then by name.

    Raises
    ------
    UnknownNameError
        If a model is neither in a dataset nor in the catalogue.
    StaleStoreError
        If a name means one model in one dataset and another in another.
    """
    check_models(request, store)
    held = {dataset: store.models(dataset) for dataset in request.datasets}
    names = set(request.models) or {name for models in held.values() for name in models}
    named_in_pairs = {name for pair in request.pairs for name in pair}
    if not request.models and any(paper_name_of(request, name) for name in request.datasets):
        names |= PAPER_MODELS.keys()
    facts = [_facts(name, held, store) for name in names | named_in_pairs]
    places = {letter: place for place, letter in enumerate(PAPER_LETTERS)}
    return tuple(sorted(facts, key=lambda each: (places.get(each.letter, len(places)), each.name)))


def pairs_of(request: StudyRequest, models: Sequence[ModelFacts]) -> tuple[tuple[str, ...], ...]:
    """Return which models are fused: those of the request, or all pairs but two Audio-Mambas.

    In the paper's order and, within a pair, with the paper's first model first.
    """
    if request.pairs:
        return request.pairs
    letter_of = {model.name: model.letter for model in models}
    pairs = []
    for first, second in combinations(models, 2):
        if first.family == second.family == "mamba":
            continue  # the paper: "we refrain from combining the MAFMs"
        turned = (second.letter, first.letter) in PAPER_PAIRS
        pairs.append((second.name, first.name) if turned else (first.name, second.name))
    places = {pair: place for place, pair in enumerate(PAPER_PAIRS)}

    def place(pair: tuple[str, ...]) -> int:
        return places.get(tuple(letter_of[name] for name in pair), len(places))

    return tuple(sorted(pairs, key=place))


def paper_name_of(request: StudyRequest, dataset: str) -> str:
    """Return which of the paper's datasets a dataset is; empty where none."""
    return request.paper_names.get(dataset) or paper_dataset(dataset)


def _facts(name: str, held: Mapping[str, Sequence[str]], store: EmbeddingStore) -> ModelFacts:
    having = [dataset for dataset, models in held.items() if name in models]
    letter = PAPER_MODELS.get(name, "")
    if not having:
        return ModelFacts(name, letter, _family_of_letter(letter))
    store.check_same_model(having, name)
    fingerprint = store.fingerprint(having[0], name)
    return ModelFacts(
        name,
        letter,
        _FAMILY_OF_KIND.get(str(fingerprint.get("kind")), ""),
        store.dim(having[0], name),
        short_fingerprint(fingerprint),
    )


def _family_of_letter(letter: str) -> Family:
    if not letter:
        return ""
    return "mamba" if letter.startswith("A(") else "attention"
