"""Which cells of a study stand against which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reno_store.conclusions.comparisons import Kind
from reno_store.studies import Cell, Study
from reno_store.studies.classifiers import LINEAR_PROBE

__all__ = ["Candidate", "candidates_of"]

_SINGLE = ("fcn", "cnn")
_NETWORKS = ("fcn", "cnn", "concat", "reno")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two computed cells to compare: the paper would have the first score higher.

    For ``"network-probe"`` the first is the network, for ``"paper-speaker"`` the cell of the
    paper's protocol.
    """

    kind: Kind
    first: Cell
    second: Cell


def candidates_of(study: Study) -> Iterator[Candidate]:
    """Give every pair of computed cells that a conclusion rests on.

    By dataset; in each by protocol, and the leak last; in each by kind, then in the order of
    the study's cells.
    """
    for dataset in study.datasets:
        computed = list(study.select(dataset=dataset.name, computed=True))
        for protocol in dict.fromkeys(cell.protocol for cell in computed):
            cells = [cell for cell in computed if cell.protocol == protocol]
            yield from _mamba_attention(study, cells)
            yield from _estimators("cnn-fcn", "cnn", "fcn", cells)
            yield from _estimators("reno-concat", "reno", "concat", cells)
            for network in _NETWORKS:
                yield from _estimators("network-probe", network, LINEAR_PROBE, cells)
        yield from _leaks(computed)


def _mamba_attention(study: Study, cells: Sequence[Cell]) -> Iterator[Candidate]:
    family = {model.name: model.family for model in study.models}
    for estimator in _SINGLE:
        alone = [cell for cell in cells if cell.estimator == estimator and len(cell.models) == 1]
        mambas = [cell for cell in alone if family.get(cell.models[0]) == "mamba"]
        others = [cell for cell in alone if family.get(cell.models[0]) == "attention"]
        for first in mambas:
            for second in others:
                yield Candidate("mamba-attention", first, second)


def _estimators(kind: Kind, first: str, second: str, cells: Sequence[Cell]) -> Iterator[Candidate]:
    others = {cell.models: cell for cell in cells if cell.estimator == second}
    for cell in cells:
        if cell.estimator == first and cell.models in others:
            yield Candidate(kind, cell, others[cell.models])


def _leaks(cells: Sequence[Cell]) -> Iterator[Candidate]:
    found = {(cell.protocol, cell.estimator, cell.models): cell for cell in cells}
    for cell in cells:
        if cell.protocol != "paper":
            continue
        for protocol in ("speaker", "loso"):
            if other := found.get((protocol, cell.estimator, cell.models)):
                yield Candidate("paper-speaker", cell, other)
                break
