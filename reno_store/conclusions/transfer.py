"""What a study shows across corpora: one sentence for a pair of datasets and a protocol."""

from __future__ import annotations

from collections.abc import Sequence

from reno_store.conclusions.names import cell_title
from reno_store.runtime.numbers import count, decimal
from reno_store.studies import Cell, DatasetFacts, Study

__all__ = ["transfer_sentences"]


def transfer_sentences(study: Study, facts: DatasetFacts) -> list[str]:
    """Return the accuracies of a pair of corpora next to that of guessing.

    There is one fold, so nothing is tested. The highest of many accuracies was chosen on the clips
    that it is measured on, so the sentences give the lowest and the median too.

    Parameters
    ----------
    study : Study
        Cells that were not computed are skipped.
    facts : DatasetFacts
        The pair.

    Returns
    -------
    list of str
        One per protocol.
    """
    return [
        _sentence(facts, protocol, cells)
        for protocol in study.request.across
        if (cells := list(study.select(dataset=facts.name, protocol=protocol, computed=True)))
    ]


def _sentence(facts: DatasetFacts, protocol: str, cells: Sequence[Cell]) -> str:
    ordered = sorted(cells, key=lambda cell: cell.mean("accuracy"))
    lowest, median, highest = (
        decimal(100 * ordered[place].mean("accuracy")) for place in (0, (len(ordered) - 1) // 2, -1)
    )
    numbers = f"accuracy {highest} % with {cell_title(ordered[-1])}"
    if len(ordered) > 1:
        numbers += (
            f", the highest of {count(len(ordered), 'classifier')} (median {median}, lowest "
            f"{lowest})"
        )
    return (
        f"{facts.name}, protocol {protocol}: {numbers}; guessing the most frequent of "
        f"{count(len(facts.labels), 'label')} gives {decimal(100 * facts.majority)} %."
    )
