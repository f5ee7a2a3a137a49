"""A request -> a study: folds that were kept are taken, the others trained and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from reno_store import __version__
from reno_store.errors import Remedy
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.progress import tell
from reno_store.samples import EmbeddingStore, open_store
from reno_store.studies.folds import Failure, Result, find_fold, train_folds
from reno_store.studies.last_request import LAST_REQUEST
from reno_store.studies.ledger import Ledger
from reno_store.studies.models import facts_of_models, pairs_of
from reno_store.studies.outcomes import FoldOutcome
from reno_store.studies.planning import FoldTask, plan_cells, plan_folds
from reno_store.studies.preparation import PreparedDataset, prepare
from reno_store.studies.requests import StudyRequest, results_folder
from reno_store.studies.study import Cell, DatasetFacts, Study

__all__ = ["Run", "run_study"]

_PACKAGES = ("numpy", "scikit-learn", "skorch", "torch", "zarr")

_Place = tuple[int, int, int]
"""Of a cell, a seed and a fold."""


def run_study(
    store: str | Path,
    request: StudyRequest,
    *,
    results: str | Path | None = None,
    n_jobs: int = 1,
    progress: bool | None = None,
) -> Study:
    """Do what is asked: take the folds that were kept, train the others, keep each at once.

    Whatever stops it, folds that are finished stay; asked again, it goes on where it was.
    Folds that failed are tried again.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    request : StudyRequest
        What is asked.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store unless given.
    n_jobs : int
        Processes that share the folds; the scores do not depend on it.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    Study
        Cells that cannot be computed say why.

    Raises
    ------
    UnknownNameError
        If there is no such dataset, model, estimator or protocol.
    StaleStoreError
        If a name means one model in one dataset and another in another.
    DeviceError
        If the device is not there.
    LedgerError
        If results cannot be kept.
    TrainingError
        If a process that trained was killed.
    """
    opened = open_store(store)
    ledger = Ledger(results_folder(store) if results is None else results)
    # "auto" may be something else where the results are read.
    request = replace(request, device=resolve_device(request.device))
    return Run(opened, request, ledger, request.datasets, n_jobs, progress).study()


@dataclass(slots=True)
class Run:
    """One pass over a request.

    Attributes
    ----------
    store, request, ledger
        What is asked of what, and where outcomes are kept.
    datasets : Sequence[str]
        Which of the request's datasets; its models and pairs stay those of all.
    n_jobs, progress
        As for `run_study`.
    train : bool
        Whether to train what is not kept.
    """

    store: EmbeddingStore
    request: StudyRequest
    ledger: Ledger
    datasets: Sequence[str]
    n_jobs: int = 1
    progress: bool | None = None
    train: bool = True
    n_served: int = 0
    n_trained: int = 0

    def study(self, notes: tuple[str, ...] = ()) -> Study:
        """Make the study, with notes beside its own."""
        request = self.request
        models = facts_of_models(request, self.store)
        pairs = pairs_of(request, models)
        if self.train:
            self.ledger.keep_note(LAST_REQUEST, request.to_dict())
        facts: list[DatasetFacts] = []
        cells: list[Cell] = []
        for name in self.datasets:
            prepared = prepare(request, self.store, name, models)
            planned = plan_cells(request, prepared, models, pairs)
            cells += self._filled(prepared, planned)
            facts.append(prepared.facts)
        became = "trained again" if self.train else "left out"
        return Study(
            store=self.store.path,
            results=self.ledger.folder,
            request=request,
            datasets=tuple(facts),
            models=models,
            cells=tuple(cells),
            n_served=self.n_served,
            n_trained=self.n_trained,
            notes=(*notes, *self.ledger.damage(became)),
            versions={
                "reno-store": __version__,
                **{package: version(package) for package in _PACKAGES},
            },
        )

    def _filled(self, prepared: PreparedDataset, cells: list[Cell]) -> Iterator[Cell]:
        """Give a dataset's cells with their outcomes, or with the reason why there are none."""
        results: dict[_Place, Result | None] = {}
        todo = []
        for task in plan_folds(self.request, prepared, cells):
            found = find_fold(self.ledger, task)
            results[task.cell, task.seed, task.fold] = found
            if not isinstance(found, FoldOutcome):
                todo.append(task)
        n_found = len(results) - len(todo)
        self.n_served += n_found
        if self.train and todo:
            if n_found:
                name = prepared.facts.name
                tell(f"{name}: {len(todo):,} folds to train; {n_found:,} are kept already.")
            for task, result in self._trained(prepared, todo):
                results[task.cell, task.seed, task.fold] = result
                self.n_trained += isinstance(result, FoldOutcome)
        by_cell: dict[int, list[tuple[_Place, Result | None]]] = {}
        for place in sorted(results):
            by_cell.setdefault(place[0], []).append((place, results[place]))
        for number, cell in enumerate(cells):
            yield self._fill(cell, by_cell.get(number, []))

    def _trained(
        self, prepared: PreparedDataset, tasks: list[FoldTask]
    ) -> Iterator[tuple[FoldTask, Result]]:
        return train_folds(
            tasks,
            prepared,
            self.ledger,
            standardize=self.request.standardize,
            n_jobs=self.n_jobs,
            progress=self.progress,
        )

    def _fill(self, cell: Cell, results: list[tuple[_Place, Result | None]]) -> Cell:
        if cell.reason:
            return cell
        if any(result is None for _, result in results):
            arguments = {"store": str(self.store.path), "datasets": (cell.dataset,)}
            remedy = Remedy("Compute it", arguments, "run_study")
            return replace(cell, reason="not computed yet", remedy=remedy)
        failed = [result for _, result in results if isinstance(result, Failure)]
        if failed:
            return replace(cell, reason=failed[0].reason)
        outcomes: list[list[FoldOutcome]] = [[] for _ in self.request.seeds]
        for (_, seed, _), result in results:
            if isinstance(result, FoldOutcome):
                outcomes[seed].append(result)
        return replace(cell, outcomes=tuple(map(tuple, outcomes)))
