"""What a study shows across corpora: one sentence for a pair of datasets and a protocol."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.conclusions.names import cell_title
from reno_store.runtime.numbers import count, decimal
from reno_store.studies import Cell, DatasetFacts, Study

__all__ = ["Transferred", "transfer_sentences", "transferred"]


@dataclass(frozen=True, slots=True)
class Transferred:
    """The accuracies of all classifiers for a pair of corpora under one protocol.

    There is one fold, so nothing is tested. The highest of many accuracies was chosen on the clips
    that it is measured on, so the lowest and the median are given too.

    Attributes
    ----------
    facts : DatasetFacts
        The pair.
    protocol : str
        The protocol.
    cells : tuple[Cell, ...]
        Computed cells, at least one, the lowest accuracy first.
    """

    facts: DatasetFacts
    protocol: str
    cells: tuple[Cell, ...]

    @property
    def median(self) -> Cell:
        """The cell in the middle; of an even number, the lower one of both."""
        return self.cells[(len(self.cells) - 1) // 2]


def transferred(study: Study, facts: DatasetFacts) -> tuple[Transferred, ...]:
    """Return what a study shows for a pair of corpora, once for each of its protocols.

    Parameters
    ----------
    study : Study
        Cells that were not computed are skipped.
    facts : DatasetFacts
        The pair.

    Returns
    -------
    tuple of Transferred
        One per protocol that has a computed cell, in the order of the request.
    """
    found = []
    for protocol in study.request.across:
        cells = study.select(dataset=facts.name, protocol=protocol, computed=True)
        ordered = tuple(sorted(cells, key=lambda cell: cell.mean("accuracy")))
        if ordered:
            found.append(Transferred(facts, protocol, ordered))
    return tuple(found)


def transfer_sentences(study: Study, facts: DatasetFacts) -> list[str]:
    """Return the accuracies of a pair of corpora next to that of guessing, one per protocol.

    Parameters
    ----------
    study : Study
        Cells that were not computed are skipped.
    facts : DatasetFacts
        The pair.
    """
    return [_sentence(each) for each in transferred(study, facts)]


def _sentence(found: Transferred) -> str:
    facts, cells = found.facts, found.cells
    lowest, median, highest = (
        decimal(100 * cell.mean("accuracy")) for cell in (cells[0], found.median, cells[-1])
    )
    numbers = f"accuracy {highest} % with {cell_title(cells[-1])}"
    if len(cells) > 1:
        numbers += (
            f", the highest of {count(len(cells), 'classifier')} (median {median}, lowest {lowest})"
        )
    return (
        f"{facts.name}, protocol {found.protocol}: {numbers}; guessing the most frequent of "
        f"{count(len(facts.labels), 'label')} gives {decimal(100 * facts.majority)} %."
    )
