"""Who trains folds one by one: processes of this machine, or the workers of a Dask cluster.

Both give the same numbers: a fold is trained by one function, on one thread, from the same arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from reno_store.errors import ClusterError, Remedy, RenoStoreError, TrainingError
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.interrupts import ctrl_c_blocked
from reno_store.samples import open_store
from reno_store.studies.outcomes import Failure, Result, run_fold
from reno_store.studies.planning import FoldTask
from reno_store.studies.preparation import PreparedDataset
from reno_store.studies.protocols import Fold
from reno_store.studies.recipes import code_hash, hash_array

if TYPE_CHECKING:
    from distributed import Future

__all__ = ["ClusterFolds", "FoldWorkers", "ProcessFolds"]

_Rows: TypeAlias = Sequence[tuple[str, NDArray[np.int64]]]
_Environment: TypeAlias = Mapping[str, str]
_OWN = "code of reno-store"


class FoldWorkers(Protocol):
    """Trains folds of one dataset."""

    @property
    def n_processes(self) -> int:
        """How many folds are trained at once, roughly."""

    def train(self, tasks: Iterator[FoldTask]) -> Iterator[tuple[FoldTask, Result]]:
        """Train folds, asked for one by one when there is a process for each; in any order.

        Raises
        ------
        TrainingError, ClusterError
            If processes were lost.
        """


@dataclass(slots=True)
class ProcessFolds:
    """Folds in processes of this machine.

    Attributes
    ----------
    prepared : PreparedDataset
        The dataset.
    standardize : bool
        Whether X is scaled.
    n_jobs : int
        Number of processes.
    """

    prepared: PreparedDataset
    standardize: bool
    n_jobs: int

    @property
    def n_processes(self) -> int:
        """Return the number of processes."""
        return abs(self.n_jobs)

    def train(self, tasks: Iterator[FoldTask]) -> Iterator[tuple[FoldTask, Result]]:
        """Train folds; as `FoldWorkers`."""
        prepared = self.prepared
        begun: dict[str, FoldTask] = {}
        problems: list[Exception] = []

        def jobs() -> Iterator[Any]:
            try:
                for task in tasks:
                    begun[task.key] = task
                    blocks = [prepared.blocks[name] for name in task.models]
                    sides = (prepared.y, prepared.groups, task.rows)
                    yield delayed(_train)(
                        task.key, task.estimator, task.protocol, self.standardize, *sides, *blocks
                    )
            except Exception as error:  # joblib asks from a thread, and would wait for ever
                problems.append(error)

        # No fold is claimed before there is a process for it.
        parallel = Parallel(self.n_jobs, return_as="generator_unordered", pre_dispatch="n_jobs")
        try:
            with ctrl_c_blocked():
                results = parallel(jobs())
            for key, result in results:
                yield begun.pop(key), result
        except BrokenProcessPool:
            raise TrainingError(
                f"{prepared.facts.name}: a process that trained was killed, probably because "
                "memory ran out. The finished folds are kept.",
                Remedy(f"Use fewer processes than {self.n_jobs}", {"n_jobs": ...}),
            ) from None
        if problems:
            raise problems[0]


@dataclass(slots=True)
class ClusterFolds:
    """Folds on the workers of a Dask cluster.

    Labels, speakers and the rows of each fold are sent to the cluster once. A block of embeddings
    is read there, by a worker that finds the same numbers in the store, or else sent once too.

    Attributes
    ----------
    prepared : PreparedDataset
        The dataset.
    standardize : bool
        Whether X is scaled.
    cluster : Cluster
        The cluster.
    store : str or Path
        The store's folder.
    """

    prepared: PreparedDataset
    standardize: bool
    cluster: Cluster
    store: str | Path
    reads_store: bool = True
    _shared: dict[Any, Future[Any]] = field(default_factory=dict)

    @property
    def n_processes(self) -> int:
        """Return the number of workers that the cluster has now."""
        return max(1, self.cluster.n_workers())

    def train(self, tasks: Iterator[FoldTask]) -> Iterator[tuple[FoldTask, Result]]:
        """Train folds; as `FoldWorkers`."""
        todo: Iterator[FoldTask] | None = tasks
        while todo is not None:
            unread: list[FoldTask] = []
            calls = ((task, self._arguments(task)) for task in todo)
            for task, result in self.cluster.run(_train_on_worker, calls):
                if isinstance(result, _Unread):
                    self.reads_store = False
                    unread.append(task)
                elif isinstance(result, _OtherVersions):
                    raise ClusterError(
                        f"worker {result.worker} of the cluster would give other results: "
                        f"{result.differences}.",
                        Remedy("Install the same versions there"),
                    )
                else:
                    yield task, result
            todo = iter(unread) if unread else None

    def _arguments(self, task: FoldTask) -> tuple[Any, ...]:
        prepared = self.prepared
        if "sides" not in self._shared:
            self._shared["sides"] = self.cluster.share((prepared.y, prepared.groups))
            self._shared["stored in"] = self.cluster.share(prepared.stored_in)
        # Folds live as long as the dataset, so their identities are theirs.
        if id(task.rows) not in self._shared:
            self._shared[id(task.rows)] = self.cluster.share(task.rows)
        return (
            task.key,
            task.estimator,
            task.protocol,
            self.standardize,
            _expected(task.recipe),
            self._shared["sides"],
            self._shared[id(task.rows)],
            *(self._block(name) for name in task.models),
        )

    def _block(self, name: str) -> Future[Any]:
        place = (name, self.reads_store)
        if place not in self._shared:
            if self.reads_store:
                self._shared[place] = self.cluster.share_result(
                    _read_block,
                    str(self.store),
                    self._shared["stored in"],
                    name,
                    self.prepared.hashes[name],
                )
            else:
                self._shared.pop((name, True), None)
                self._shared[place] = self.cluster.share(self.prepared.blocks[name])
        return self._shared[place]


class _Unread:
    """A block that a worker could not read, or that it read otherwise."""


@dataclass(frozen=True, slots=True)
class _OtherVersions:
    """A worker whose results would be others."""

    worker: str
    differences: str


def _train(
    key: str,
    estimator: BaseEstimator,
    protocol: str,
    standardize: bool,
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    rows: Fold,
    *blocks: NDArray[np.float32],
) -> tuple[str, Result]:
    """Train one fold, in a process of its own where there are several."""
    try:
        outcome = run_fold(
            estimator, blocks, y, groups, rows, protocol=protocol, standardize=standardize
        )
    # Whatever an estimator raises must not stop the other folds.
    except Exception as error:
        return key, Failure.of(error)
    return key, outcome


def _train_on_worker(
    key: str,
    estimator: BaseEstimator,
    protocol: str,
    standardize: bool,
    expected: _Environment,
    sides: tuple[NDArray[np.str_], NDArray[np.str_] | None],
    rows: Fold,
    *blocks: NDArray[np.float32] | _Unread,
) -> Result | _Unread | _OtherVersions:
    from distributed import get_worker

    from reno_store.runtime.devices import one_thread

    own = {name: version(name) for name in expected if name != _OWN}
    own[_OWN] = code_hash()
    differences = [
        f"{name} is {own[name][:12]} there, {expected[name][:12]} here"
        for name in sorted(expected)
        if own[name] != expected[name]
    ]
    if differences:
        return _OtherVersions(get_worker().address, "; ".join(differences))
    read = [block for block in blocks if not isinstance(block, _Unread)]
    if len(read) < len(blocks):
        return _Unread()
    with one_thread():
        return _train(key, estimator, protocol, standardize, *sides, rows, *read)[1]


def _expected(recipe: Mapping[str, Any]) -> _Environment:
    """Return the versions that a fold's outcome depends on."""
    return {**recipe["packages"], _OWN: recipe["code"]}


def _read_block(
    store: str, stored_in: _Rows, name: str, sha256: str
) -> NDArray[np.float32] | _Unread:
    """Read a block of embeddings on a worker."""
    try:
        opened = open_store(store)
        parts = [opened.embeddings(dataset, name, rows) for dataset, rows in stored_in]
    except (RenoStoreError, OSError):  # such as another machine without this folder
        return _Unread()
    block = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return block if hash_array(block) == sha256 else _Unread()
