"""Fit the members of a search together: a classifier per candidate and split."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray

from reno_store.errors import SearchError
from reno_store.estimators.base import EmbeddingClassifier, FusionClassifier
from reno_store.estimators.blocks import resolve_block_sizes
from reno_store.estimators.same_fits import first_of_same
from reno_store.estimators.searching.preparation import Split, Table
from reno_store.estimators.together import Finished, fit_together
from reno_store.runtime.progress import Counter

__all__ = ["Member", "Outcome", "fit_members", "processes_for"]

MEMBERS_AT_ONCE = 256
"""Fitted networks in memory before they are scored: 1.5 GB for RENO."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A classifier to fit on one split.

    Attributes
    ----------
    candidate, split : int
        Places in the lists of candidates and of splits.
    classifier : EmbeddingClassifier
        With the candidate's parameters, not fitted.
    """

    candidate: int
    split: int
    classifier: EmbeddingClassifier


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Result of a member.

    Attributes
    ----------
    member : Member
        The member.
    fitted : EmbeddingClassifier or Exception
        The classifier, or the error of its fit.
    seconds : float
        Time of its epochs (in a stack its share) and its share of the time of the steps
        before it; a failed fit counts no epochs.
    is_repeated : bool
        Whether its fit is identical to that of another member of the call, and was copied.
    """

    member: Member
    fitted: EmbeddingClassifier | Exception
    seconds: float
    is_repeated: bool = False


def processes_for(n_jobs: int | None, classifiers: Sequence[EmbeddingClassifier]) -> int:
    """Return how many processes share the work; one on a GPU."""
    on_cpu = all(str(each.device).startswith("cpu") for each in classifiers)
    return int(effective_n_jobs(n_jobs)) if on_cpu else 1


def fit_members(
    members: Sequence[Member],
    table: Table,
    *,
    n_jobs: int | None,
    max_memory: int | None,
    counter: Counter,
    finished: Callable[[Outcome], None] | None = None,
) -> Iterator[list[Outcome]]:
    """Fit members together, at most 256 at a time, which bounds the networks in memory.

    Parameters
    ----------
    members : Sequence[Member]
        On splits of the table.
    table : Table
        The training data.
    n_jobs : int, optional
        Processes that share the work on a CPU.
    max_memory : int, optional
        Bytes that may be used beyond the data.
    counter : Counter
        Advanced by one per member.
    finished : callable, optional
        Called with each outcome as soon as it is finished.

    Yields
    ------
    list of Outcome
        The outcomes of one call; their networks are deleted when the next is requested.
        Members with identical fits follow one another; otherwise the order is that of
        `members`.
    """
    splits = {split.number: split for split in table.splits}
    conclude = finished or (lambda outcome: None)
    if table.X is None:
        counter.advance(len(members))
        failed = [Outcome(each, _error(splits[each.split]), 0.0) for each in members]
        for outcome in failed:
            conclude(outcome)
        yield failed
        return
    n_of_split = Counted(member.split for member in members)
    ordered = _identical_together(members, splits)
    for start in range(0, len(ordered), MEMBERS_AT_ONCE):
        call = ordered[start : start + MEMBERS_AT_ONCE]
        found: dict[int, Outcome] = {}

        def take(
            place: int,
            fitted: EmbeddingClassifier | Exception,
            call: Sequence[tuple[Member, bool]] = call,
            found: dict[int, Outcome] = found,
        ) -> None:
            member, is_repeated = call[place]
            seconds = splits[member.split].seconds / n_of_split[member.split]
            if not isinstance(fitted, Exception):
                seconds += sum(epoch["seconds"] for epoch in fitted.history_)
            found[place] = Outcome(member, fitted, seconds, is_repeated and place > 0)
            conclude(found[place])

        classifiers = [member.classifier for member, _ in call]
        rows = [splits[member.split].rows for member, _ in call]
        how = {"n_jobs": processes_for(n_jobs, classifiers), "max_memory": max_memory}
        _fit(classifiers, table, rows, take, counter, **how)
        yield [found[place] for place in range(len(call))]
        for classifier in classifiers:
            # The caller may keep members, but not their networks.
            classifier._forget()


def _identical_together(
    members: Sequence[Member], splits: Mapping[int, Split]
) -> list[tuple[Member, bool]]:
    """Sort members with identical fits next to one another; mark those that repeat one."""
    rows = [splits[member.split].rows for member in members]
    alike: dict[int, list[Member]] = {}
    firsts = first_of_same([member.classifier for member in members], rows)
    for member, first in zip(members, firsts, strict=True):
        alike.setdefault(first, []).append(member)
    return [(member, place > 0) for group in alike.values() for place, member in enumerate(group)]


def _error(split: Split) -> Exception:
    return split.error or SearchError(f"split {split.number}: {split.obstacle}")


def _fit(
    classifiers: Sequence[EmbeddingClassifier],
    table: Table,
    rows: Sequence[NDArray[np.int64]],
    finished: Finished,
    counter: Counter,
    **how: Any,
) -> None:
    """Fit together on a table whose columns may have names, which arrays do not carry."""
    X, names = np.asarray(table.X), None if table.names is None else table.names.tolist()
    given: dict[int, Any] = {}
    able = []
    for place, each in enumerate(classifiers):
        if names is not None and isinstance(each, FusionClassifier):
            given[place] = each.block_sizes
            try:
                each.block_sizes = resolve_block_sizes(each.block_sizes, X.shape[1], names)
            except ValueError as error:
                counter.advance()
                finished(place, error)
                continue
        able.append(place)

    def name_columns(of_able: int, result: EmbeddingClassifier | Exception) -> None:
        place = able[of_able]
        if table.names is not None and not isinstance(result, Exception):
            result.feature_names_in_ = table.names.copy()
        if place in given:
            classifiers[place].block_sizes = given[place]
        finished(place, result)

    fit_together(
        [classifiers[place] for place in able],
        X,
        table.y,
        [rows[place] for place in able],
        table.groups,
        counter=counter,
        finished=name_columns,
        **how,
    )
