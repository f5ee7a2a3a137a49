"""Folds that are not kept yet: trained, and kept one by one.

On a CPU every fold is a task of its own, on one thread, in a process of this machine or on a worker
of a cluster. On a GPU the folds of the paper's networks are trained together as a stack in this
process, since one small network cannot keep a GPU busy.
"""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sklearn.exceptions import ConvergenceWarning

from reno_store.runtime.progress import Counter, counting
from reno_store.studies.fold_locks import FoldLocks
from reno_store.studies.fold_workers import FoldWorkers
from reno_store.studies.ledger import Ledger
from reno_store.studies.outcome_json import outcome_from_json, outcome_to_json
from reno_store.studies.outcomes import Failure, FoldOutcome, Result
from reno_store.studies.planning import FoldTask
from reno_store.studies.preparation import PreparedDataset
from reno_store.studies.stacking import fit_folds_together

__all__ = ["Training", "find_fold"]

_POLL_S = 0.5
_STACKED_BYTES = 2**30
"""Memory for the scaled training sides of the folds that are trained together."""
_MOST_TOGETHER = 500
"""Each has a lock, which is an open file; systems allow a process 1,024."""


def find_fold(ledger: Ledger, task: FoldTask) -> Result | None:
    """Return what was kept of a fold; None if nothing was.

    Raises
    ------
    LedgerError
        If the ledger cannot be read.
    """
    kept = ledger.find(task.recipe)
    if kept is None:
        return None
    return Failure(kept["failure"]) if "failure" in kept else outcome_from_json(kept)


@dataclass(slots=True)
class Training:
    """The training of one dataset's folds.

    Attributes
    ----------
    prepared : PreparedDataset
        The dataset.
    ledger : Ledger
        Where outcomes are kept.
    standardize : bool
        Whether X is scaled.
    workers : FoldWorkers
        What trains folds that are not trained together.
    progress : bool, optional
        Whether to show a progress bar.
    n_trained : int
        Folds that were trained here, so far.
    """

    prepared: PreparedDataset
    ledger: Ledger
    standardize: bool
    workers: FoldWorkers
    progress: bool | None = None
    n_trained: int = 0
    _locks: FoldLocks = field(init=False)
    _counter: Counter = field(init=False)

    def run(self, tasks: Sequence[FoldTask]) -> Generator[tuple[FoldTask, Result]]:
        """Train folds and keep each as soon as it is finished; yield them in any order.

        A fold that fails is kept as that and stops no other. Folds that another process is
        training are left to it, and waited for at the end.

        Raises
        ------
        LedgerError
            If an outcome cannot be kept.
        TrainingError, ClusterError
            If processes that trained were killed.
        """
        work = sum(task.work for task in tasks)
        n_processes = 1 if all(task.together for task in tasks) else self.workers.n_processes
        with (
            counting(
                f"training, {self.prepared.facts.name}",
                len(tasks),
                unit="folds",
                work=work,
                forecast_s=work / n_processes,
                show=self.progress,
            ) as self._counter,
            FoldLocks(self.ledger.folder) as self._locks,
        ):
            pending = list(tasks)
            while pending:
                done = set()
                for task, result in self._pass(pending):
                    done.add(task.key)
                    self._counter.advance(work=task.work)
                    yield task, result
                pending = [task for task in pending if task.key not in done]
                if pending and not done:
                    self._counter.detail("waiting for folds that another process is training")
                    time.sleep(_POLL_S)

    def _pass(self, pending: Sequence[FoldTask]) -> Iterator[tuple[FoldTask, Result]]:
        """Train what nobody else is training, and take what others have finished."""
        finished: list[tuple[FoldTask, Result]] = []
        mine = self._claimed([task for task in pending if not task.together], finished)
        if (first := next(mine, None)) is not None:
            yield from self._train_apart(chain([first], mine))
        for part in self._parts([task for task in pending if task.together]):
            if own := list(self._claimed(part, finished)):
                yield from self._train_together(own)
        yield from finished

    def _claimed(
        self, tasks: Sequence[FoldTask], finished: list[tuple[FoldTask, Result]]
    ) -> Iterator[FoldTask]:
        """Claim tasks, one when each is about to be trained; pass over those of others."""
        for task in tasks:
            if self._locks.take(task.key):
                # Kept by another process since it was last looked for.
                found = find_fold(self.ledger, task)
                if not isinstance(found, FoldOutcome):
                    yield task
                    continue
                self._locks.release(task.key)
                finished.append((task, found))

    def _keep(self, task: FoldTask, result: Result) -> tuple[FoldTask, Result]:
        if isinstance(result, Failure):
            self.ledger.keep(task.recipe, {"failure": result.reason})
        else:
            self.ledger.keep(task.recipe, outcome_to_json(result))
            self.n_trained += 1
        self._locks.release(task.key)
        return task, result

    def _train_apart(self, tasks: Iterator[FoldTask]) -> Iterator[tuple[FoldTask, Result]]:
        begun: dict[str, str] = {}

        def show() -> None:
            self._counter.detail("".join(list(begun.values())[:1]))

        def begin() -> Iterator[FoldTask]:
            for task in tasks:
                begun[task.key] = task.title
                show()
                yield task

        for task, result in self.workers.train(begin()):
            yield self._keep(task, result)
            del begun[task.key]
            show()

    def _parts(self, tasks: Sequence[FoldTask]) -> Iterator[list[FoldTask]]:
        """Divide tasks into stacks: the same models and protocol, and not too many rows."""
        groups = defaultdict(list)
        for task in tasks:
            groups[task.models, task.protocol].append(task)
        for (models, _), own in groups.items():
            n_bytes = 4 * sum(self.prepared.blocks[name].shape[1] for name in models)
            most = max(1, _STACKED_BYTES // (n_bytes * len(self.prepared.y)))
            folds = list(dict.fromkeys(id(task.rows) for task in own))
            for start in range(0, len(folds), most):
                chosen = set(folds[start : start + most])
                part = [task for task in own if id(task.rows) in chosen]
                for first in range(0, len(part), _MOST_TOGETHER):
                    yield part[first : first + _MOST_TOGETHER]

    def _train_together(self, tasks: Sequence[FoldTask]) -> Iterator[tuple[FoldTask, Result]]:
        self._counter.detail(f"{len(tasks):,} folds together, such as {tasks[0].title}")
        done: list[tuple[FoldTask, Result]] = []

        def finished(task: FoldTask, result: Result) -> None:
            done.append(self._keep(task, result))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # outcomes say so
            fit_folds_together(tasks, self.prepared, self.standardize, finished)
        yield from done
