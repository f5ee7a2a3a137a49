"""A request -> a study: folds that were kept are taken, the others trained and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from reno_store import __version__
from reno_store.devices import resolve_device
from reno_store.errors import LedgerError, RenoStoreError, UnknownNameError
from reno_store.evaluation import FoldOutcome
from reno_store.evaluation.outcomes import run_fold
from reno_store.evaluation.protocols import Fold
from reno_store.ledger import Ledger
from reno_store.progress import counting, tell
from reno_store.samples import EmbeddingStore, open_store
from reno_store.studies.models import facts_of_models, pairs_of
from reno_store.studies.planning import FoldTask, plan_cells, plan_folds
from reno_store.studies.preparation import PreparedDataset, prepare
from reno_store.studies.recipes import outcome_from_json, outcome_to_json
from reno_store.studies.requests import StudyRequest
from reno_store.studies.study import Cell, DatasetFacts, Study

__all__ = ["recall_study", "results_folder", "run_study"]

_LAST_REQUEST = "last-request"
_PACKAGES = ("numpy", "scikit-learn", "skorch", "torch", "zarr")


def results_folder(store: str | Path) -> Path:
    """Say where the results of a store are kept: ``my.results`` beside ``my.zarr``."""
    store = Path(store)
    name = store.resolve().name
    return store.resolve().parent / f"{name.removesuffix('.zarr')}.results"


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
    """
    opened = open_store(store)
    ledger = Ledger(results_folder(store) if results is None else results)
    # "auto" may be something else where the results are read.
    request = replace(request, device=resolve_device(request.device))
    return _Run(opened, request, ledger, n_jobs, progress).study()


def recall_study(
    store: str | Path,
    *,
    results: str | Path | None = None,
    datasets: Sequence[str] = (),
) -> Study:
    """Give the study that was asked for last, as far as it was finished; train nothing.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store unless given.
    datasets : Sequence[str]
        Which of its datasets; all unless given.

    Raises
    ------
    LedgerError
        If nothing was asked yet.
    UnknownNameError
        If a dataset was not part of it.
    """
    opened = open_store(store)
    ledger = Ledger(results_folder(store) if results is None else results)
    told = ledger.find_note(_LAST_REQUEST)
    if told is None:
        raise LedgerError(
            f"no results of store {store} in {ledger.folder}. Compute them first: reno-store "
            f"tables {store} {' '.join(datasets or opened.datasets)}"
        )
    try:
        request = StudyRequest.from_dict(told)
    except (ValueError, TypeError, KeyError) as error:
        raise LedgerError(
            f"{ledger.folder}: what was asked last cannot be understood: {error}. Ask again: "
            "reno-store tables."
        ) from None
    for name in datasets:
        if name not in request.datasets:
            raise UnknownNameError.among("dataset of the last tables", name, request.datasets)
    if datasets:
        names = {name: of for name, of in request.paper_names.items() if name in datasets}
        request = replace(request, datasets=tuple(datasets), paper_names=names)
    return _Run(opened, request, ledger, n_jobs=1, progress=None, train=False).study()


@dataclass(slots=True)
class _Run:
    """One pass over a request."""

    store: EmbeddingStore
    request: StudyRequest
    ledger: Ledger
    n_jobs: int
    progress: bool | None
    train: bool = True
    n_served: int = 0
    n_trained: int = 0

    def study(self) -> Study:
        request = self.request
        models = facts_of_models(request, self.store)
        pairs = pairs_of(request, models)
        if self.train:
            self.ledger.keep_note(_LAST_REQUEST, request.to_dict())
        facts: list[DatasetFacts] = []
        cells: list[Cell] = []
        for name in request.datasets:
            prepared = prepare(request, self.store, name, models)
            planned = plan_cells(request, self.store.path, prepared, models, pairs)
            cells += self._filled(prepared, planned)
            facts.append(prepared.facts)
        return Study(
            store=self.store.path,
            results=self.ledger.folder,
            request=request,
            datasets=tuple(facts),
            models=models,
            cells=tuple(cells),
            n_served=self.n_served,
            n_trained=self.n_trained,
            notes=self._notes(),
            versions={
                "reno-store": __version__,
                **{package: version(package) for package in _PACKAGES},
            },
        )

    def _filled(self, prepared: PreparedDataset, cells: list[Cell]) -> Iterator[Cell]:
        """Give a dataset's cells with their outcomes."""
        found: dict[tuple[int, int, int], FoldOutcome] = {}
        todo = []
        for task in plan_folds(self.request, prepared, cells):
            kept = self._kept(task)
            if kept is None:
                todo.append(task)
            else:
                found[task.cell, task.seed, task.fold] = kept
        self.n_served += len(found)
        failed: dict[int, str] = {}
        if self.train:
            for task, outcome in self._trained(prepared, todo):
                if isinstance(outcome, str):
                    failed[task.cell] = outcome
                else:
                    found[task.cell, task.seed, task.fold] = outcome
        missing = {task.cell for task in todo} - failed.keys() if not self.train else set()
        for place, cell in enumerate(cells):
            if place in failed:
                yield replace(cell, reason=failed[place])
            elif place in missing:
                command = self.request.command(self.store.path)
                yield replace(cell, reason="not computed yet", command=command)
            elif cell.reason:
                yield cell
            else:
                yield replace(cell, outcomes=self._outcomes(prepared, cell, place, found))

    def _outcomes(
        self,
        prepared: PreparedDataset,
        cell: Cell,
        place: int,
        found: dict[tuple[int, int, int], FoldOutcome],
    ) -> tuple[tuple[FoldOutcome, ...], ...]:
        return tuple(
            tuple(
                found[place, seed_place, fold]
                for fold in range(len(prepared.folds[cell.protocol, seed]))
            )
            for seed_place, seed in enumerate(self.request.seeds)
        )

    def _kept(self, task: FoldTask) -> FoldOutcome | None:
        told = self.ledger.find(task.recipe)
        return None if told is None else outcome_from_json(told)

    def _trained(
        self, prepared: PreparedDataset, todo: Sequence[FoldTask]
    ) -> Iterator[tuple[FoldTask, FoldOutcome | str]]:
        """Train folds, and keep each as soon as it is finished."""
        if not todo:
            return
        if self.n_served:
            tell(f"{prepared.facts.name}: {len(todo):,} folds to train; others are kept already.")
        jobs = (
            delayed(_run)(
                place,
                task.estimator,
                [prepared.blocks[name] for name in task.models],
                prepared.y,
                prepared.groups,
                task.rows,
                task.protocol,
                self.request.standardize,
            )
            for place, task in enumerate(todo)
        )
        work = sum(task.work for task in todo)
        title = f"training, {prepared.facts.name}"
        with counting(title, len(todo), unit="folds", work=work, show=self.progress) as counter:
            finished = Parallel(n_jobs=self.n_jobs, return_as="generator_unordered")(jobs)
            for place, outcome in finished:
                task = todo[place]
                if not isinstance(outcome, str):
                    self.ledger.keep(task.recipe, outcome_to_json(outcome))
                    self.n_trained += 1
                counter.advance(work=task.work)
                yield task, outcome

    def _notes(self) -> tuple[str, ...]:
        if not self.ledger.damaged:
            return ()
        n_damaged, first = len(self.ledger.damaged), min(self.ledger.damaged)
        what = "were trained anew" if self.train else "are left out until tables trains them anew"
        return (f"{n_damaged} kept results were damaged and {what}, such as {first}.",)


def _run(
    place: int,
    estimator: BaseEstimator,
    blocks: Sequence[NDArray[np.float32]],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    rows: Fold,
    protocol: str,
    standardize: bool,
) -> tuple[int, FoldOutcome | str]:
    """Run a fold in a process of its own; a fold that fails says why, and stops no other."""
    try:
        outcome = run_fold(
            estimator, blocks, y, groups, rows, protocol=protocol, standardize=standardize
        )
    except (RenoStoreError, ValueError) as error:
        return place, f"training failed: {error}"
    return place, outcome
