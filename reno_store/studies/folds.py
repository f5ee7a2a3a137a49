"""Folds of a study: found in the ledger, or trained and kept one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from reno_store.errors import RenoStoreError, TrainingError
from reno_store.runtime.progress import counting
from reno_store.studies.ledger import Ledger
from reno_store.studies.outcome_json import outcome_from_json, outcome_to_json
from reno_store.studies.outcomes import FoldOutcome, run_fold
from reno_store.studies.planning import FoldTask
from reno_store.studies.preparation import PreparedDataset
from reno_store.studies.protocols import Fold

__all__ = ["Failure", "Result", "find_fold", "train_folds"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A fold whose training failed, and why."""

    reason: str


Result: TypeAlias = FoldOutcome | Failure


def find_fold(ledger: Ledger, task: FoldTask) -> Result | None:
    """Give what was kept of a fold; None if nothing.

    Raises
    ------
    LedgerError
        If the ledger cannot be read.
    """
    told = ledger.find(task.recipe)
    if told is None:
        return None
    return Failure(told["failure"]) if "failure" in told else outcome_from_json(told)


def train_folds(
    tasks: Sequence[FoldTask],
    prepared: PreparedDataset,
    ledger: Ledger,
    *,
    standardize: bool,
    n_jobs: int = 1,
    progress: bool | None = None,
) -> Iterator[tuple[FoldTask, Result]]:
    """Train folds of one dataset, and keep each as soon as it is finished.

    A fold that fails is kept as that and stops no other.

    Raises
    ------
    LedgerError
        If an outcome cannot be kept.
    TrainingError
        If a process that trained was killed.
    """
    jobs = (
        delayed(_train)(
            place,
            task.estimator,
            [prepared.blocks[name] for name in task.models],
            prepared.y,
            prepared.groups,
            task.rows,
            task.protocol,
            standardize,
        )
        for place, task in enumerate(tasks)
    )
    work = sum(task.work for task in tasks)
    title = f"training, {prepared.facts.name}"
    waiting = dict.fromkeys(range(len(tasks)))
    with counting(
        title, len(tasks), unit="folds", work=work, forecast_s=work / abs(n_jobs), show=progress
    ) as counter:
        counter.detail(tasks[0].title)
        try:
            for place, result in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs):
                failed = isinstance(result, Failure)
                told = {"failure": result.reason} if failed else outcome_to_json(result)
                ledger.keep(tasks[place].recipe, told)
                counter.advance(work=tasks[place].work)
                # Folds begin in order, so the first that is not finished is being trained.
                del waiting[place]
                counter.detail(tasks[next(iter(waiting))].title if waiting else "")
                yield tasks[place], result
        except BrokenProcessPool:
            raise TrainingError(
                f"{prepared.facts.name}: a process that trained was killed, probably for want of "
                f"memory. Use fewer than {n_jobs} --jobs; the folds that were finished are kept, "
                "and the same command goes on from there."
            ) from None


def _train(
    place: int,
    estimator: BaseEstimator,
    blocks: Sequence[NDArray[np.float32]],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    rows: Fold,
    protocol: str,
    standardize: bool,
) -> tuple[int, Result]:
    """Train one fold, in a process of its own where there are several."""
    try:
        outcome = run_fold(
            estimator, blocks, y, groups, rows, protocol=protocol, standardize=standardize
        )
    except (RenoStoreError, ValueError) as error:
        return place, Failure(f"training failed: {error}")
    # Whatever else an estimator raises must not take the other folds of hours with it.
    except Exception as error:
        return place, Failure(f"training failed: {type(error).__name__}: {error}")
    return place, outcome
