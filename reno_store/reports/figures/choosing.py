"""Which cells of a study are drawn where not all can be."""

from __future__ import annotations

from collections.abc import Iterable

from reno_store.studies import Cell, Study

__all__ = ["best_cell", "best_of_each_estimator"]


def best_cell(cells: Iterable[Cell]) -> Cell | None:
    """Find the computed cell of the highest mean accuracy; of several, the first.

    Collapsed cells count only where there are no others.
    """
    computed = [cell for cell in cells if cell.computed]
    return max(
        computed, key=lambda cell: (not cell.n_collapsed, cell.mean("accuracy")), default=None
    )


def best_of_each_estimator(study: Study, dataset: str, protocol: str) -> list[Cell]:
    """Find each estimator's best cell, in the order in which the study has the estimators."""
    cells = list(study.select(dataset=dataset, protocol=protocol, computed=True))
    estimators = dict.fromkeys(cell.estimator for cell in cells)
    found = [best_cell(cell for cell in cells if cell.estimator == name) for name in estimators]
    return [cell for cell in found if cell is not None]
