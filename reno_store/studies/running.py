"""A request -> a study: kept folds are reused, the others trained and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from reno_store import __version__
from reno_store.errors import Remedy
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.places import BucketPlace, Place
from reno_store.runtime.progress import tell
from reno_store.samples import EmbeddingStore, open_store
from reno_store.studies.corpus_preparation import prepare_pairs
from reno_store.studies.fold_workers import ClusterFolds, FoldWorkers, ProcessFolds
from reno_store.studies.last_request import LAST_REQUEST, find_last_request
from reno_store.studies.ledger import Ledger
from reno_store.studies.models import facts_of_models, pairs_of
from reno_store.studies.outcomes import Failure, FoldOutcome, Result
from reno_store.studies.planning import FoldTask, plan_cells, plan_folds
from reno_store.studies.preparation import PreparedDataset, prepare
from reno_store.studies.requests import StudyRequest, results_folder
from reno_store.studies.study import Cell, DatasetFacts, ModelFacts, Study
from reno_store.studies.training import Training, find_fold

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["recall_study", "run_study"]

_PACKAGES = ("numpy", "scikit-learn", "skorch", "torch", "zarr")


def run_study(
    store: str | Place,
    request: StudyRequest,
    *,
    results: str | Path | None = None,
    n_jobs: int = 1,
    client: Client | None = None,
    progress: bool | None = None,
    strict: bool = False,
    remember: bool = True,
) -> Study:
    """Evaluate what a request names: reuse kept folds, train the others, keep each at once.

    Finished folds survive whatever stops it; the same call continues from there. Failed folds
    are tried again. Processes that run at the same time share the folds.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    request : StudyRequest
        What to evaluate.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store unless given.
    n_jobs : int
        Number of processes on a CPU; the scores do not depend on it.
    client : distributed.Client, optional
        A Dask cluster whose workers train the folds instead; the scores do not depend on it. Folds
        that are trained together on a GPU are trained in this process. It is not closed.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.
    strict : bool
        Whether to raise, before anything is trained, where a cell cannot be computed. Otherwise
        the cell has the reason.
    remember : bool
        Whether this is the study that `recall_study` returns from now on.

    Raises
    ------
    UnknownNameError
        If there is no such dataset, model, estimator or protocol.
    StaleStoreError
        If a name means one model in one dataset and another in another.
    DeviceError
        If there is no such device.
    LedgerError
        If results cannot be kept.
    TrainingError
        If a process that trained was killed.
    ClusterError
        If the cluster was lost, or has other versions of the packages.
    MissingEmbeddingsError, StoreError, ProtocolError
        If `strict`, and embeddings are missing or damaged, or clips cannot be divided so.

    Examples
    --------
    >>> import reno_store as rs
    >>> request = rs.StudyRequest("synthetic", models="mfcc", estimators="logreg", n_folds=2)
    >>> study = rs.run_study("reno-demo/embeddings.zarr", request, results="mfcc.results")
    >>> study.n_trained, rs.run_study(study.store, request, results="mfcc.results").n_trained
    (4, 0)
    """
    opened = open_store(store)
    ledger = Ledger(results_folder(store) if results is None else results)
    if results is None and isinstance(opened.path, BucketPlace):
        tell(f"results are kept in {ledger.folder}")
    # "auto" may be another device where the results are read.
    request = replace(request, device=resolve_device(request.device))
    cluster = None if client is None else Cluster(client)
    run = _Run(opened, request, ledger, n_jobs, cluster, progress, strict=strict, remember=remember)
    return run.study(request.datasets)


def recall_study(
    store: str | Path, *, results: str | Path | None = None, datasets: Sequence[str] = ()
) -> Study:
    """Return the last study of a store, as far as it was finished; train nothing.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store unless given.
    datasets : Sequence[str]
        Which of its datasets; all unless given. Models and pairs stay those of the study.

    Raises
    ------
    LedgerError
        If there was no study yet, or the note of it cannot be understood.
    UnknownNameError
        If a dataset was not part of it.
    """
    last = find_last_request(store, results, datasets)
    run = _Run(last.store, last.request, last.ledger, train=False, remember=False)
    return run.study(last.datasets, last.notes)


@dataclass(slots=True)
class _Run:
    """One pass over a request; `train` is whether to train what is not kept."""

    store: EmbeddingStore
    request: StudyRequest
    ledger: Ledger
    n_jobs: int = 1
    cluster: Cluster | None = None
    progress: bool | None = None
    strict: bool = False
    remember: bool = True
    train: bool = True
    n_served: int = 0
    n_trained: int = 0

    def study(self, datasets: Sequence[str], notes: tuple[str, ...] = ()) -> Study:
        """Make the study of some of the request's datasets."""
        request = self.request
        models = facts_of_models(request, self.store)
        pairs = pairs_of(request, models)
        if self.remember:
            self.ledger.keep_note(LAST_REQUEST, request.to_dict())
        facts: list[DatasetFacts] = []
        cells: list[Cell] = []
        for prepared, protocols in self._prepared(datasets, models):
            planned = plan_cells(request, prepared, models, pairs, protocols)
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

    def _prepared(
        self, datasets: Sequence[str], models: Sequence[ModelFacts]
    ) -> Iterator[tuple[PreparedDataset, tuple[str, ...]]]:
        """Yield the datasets, then the pairs of corpora that test one of them, with protocols."""
        request = self.request
        for name in datasets if request.within else ():
            yield prepare(request, self.store, name, models, strict=self.strict), request.within
        pairs = {
            pair: protocols
            for pair, protocols in request.corpus_pairs().items()
            if pair.test_on in datasets
        }
        prepared = prepare_pairs(request, self.store, pairs, models, strict=self.strict)
        yield from zip(prepared, pairs.values(), strict=True)

    def _filled(self, prepared: PreparedDataset, cells: list[Cell]) -> Iterator[Cell]:
        """Yield a dataset's cells with their outcomes, or with the reason why there are none."""
        tasks = list(plan_folds(self.request, prepared, cells))
        found: dict[str, Result | None] = {}
        for task in tasks:
            if task.key not in found:
                found[task.key] = find_fold(self.ledger, task)
        todo = {task.key: task for task in tasks if not isinstance(found[task.key], FoldOutcome)}
        if self.train and todo:
            self._train(prepared, list(todo.values()), found, len(found) - len(todo))
        self.n_served += sum(task.key not in todo for task in tasks)
        by_cell: dict[int, list[tuple[int, Result | None]]] = defaultdict(list)
        for task in tasks:
            by_cell[task.cell].append((task.seed, found[task.key]))
        for number, cell in enumerate(cells):
            yield self._fill(cell, by_cell[number])

    def _train(
        self,
        prepared: PreparedDataset,
        tasks: list[FoldTask],
        found: dict[str, Result | None],
        n_kept: int,
    ) -> None:
        self.ledger.check()
        if n_kept:
            name = prepared.facts.name
            tell(f"{name}: {len(tasks):,} folds to train; {n_kept:,} are kept already.")
        training = Training(
            prepared, self.ledger, self.request.standardize, self._workers(prepared), self.progress
        )
        n_outcomes = 0
        # Closed at once when interrupted, so that no claim stays behind in this process.
        with closing(training.run(tasks)) as results:
            for task, result in results:
                found[task.key] = result
                n_outcomes += isinstance(result, FoldOutcome)
        self.n_trained += training.n_trained
        self.n_served += n_outcomes - training.n_trained  # those that another process trained

    def _workers(self, prepared: PreparedDataset) -> FoldWorkers:
        standardize = self.request.standardize
        if self.cluster is None:
            return ProcessFolds(prepared, standardize, self.n_jobs)
        return ClusterFolds(prepared, standardize, self.cluster, str(self.store.path.resolve()))

    def _fill(self, cell: Cell, results: Sequence[tuple[int, Result | None]]) -> Cell:
        if cell.reason:
            return cell
        if any(result is None for _, result in results):
            arguments = {"store": str(self.store.path), "datasets": self.request.datasets}
            remedy = Remedy("Compute it", arguments, "run_study")
            return replace(cell, reason="not computed yet", remedy=remedy)
        for _, result in results:
            if isinstance(result, Failure):
                return replace(cell, reason=result.reason)
        outcomes: list[list[FoldOutcome]] = [[] for _ in self.request.seeds]
        for seed, result in results:
            if isinstance(result, FoldOutcome):
                outcomes[seed].append(result)
        return replace(cell, outcomes=tuple(map(tuple, outcomes)))
