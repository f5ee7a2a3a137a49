"""Members of a search, a classifier for each candidate and split, fitted together."""

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
"""Fitted networks that are held before they are scored and let go: 1.5 GB of RENO's."""


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
    """What became of a member.

    Attributes
    ----------
    member : Member
        Which.
    fitted : EmbeddingClassifier or Exception
        The classifier, or what its fit raised.
    seconds : float
        The time of its epochs, in a stack its share of theirs, and its share of the time of
        the steps before it; 0 where it failed.
    is_repeated : bool
        Whether its fit is that of another member of the call, to the last bit, and was not
        done again.
    """

    member: Member
    fitted: EmbeddingClassifier | Exception
    seconds: float
    is_repeated: bool = False


def processes_for(n_jobs: int | None, classifiers: Sequence[EmbeddingClassifier]) -> int:
    """Say how many processes share the work; one where a GPU does it."""
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
    """Fit members together, some hundred at a time, so that not all networks are held.

    Parameters
    ----------
    members : Sequence[Member]
        On splits of the table.
    table : Table
        What they are fitted on.
    n_jobs : int, optional
        Processes that share the work on a CPU.
    max_memory : int, optional
        Bytes that may be used beyond the data.
    counter : Counter
        Advanced by one for each member.
    finished : callable, optional
        Told of each outcome as soon as it is there.

    Yields
    ------
    list of Outcome
        Those of one call, with their networks until the next is asked for. Members whose fits
        are the same follow one another, else they are in the order of `members`.
    """
    splits = {split.number: split for split in table.splits}
    tell = finished or (lambda outcome: None)
    if table.X is None:
        counter.advance(len(members))
        failed = [Outcome(each, _error(splits[each.split]), 0.0) for each in members]
        for outcome in failed:
            tell(outcome)
        yield failed
        return
    shares = _seconds_of_steps(members, table)
    for some in _calls(members, splits):
        classifiers = [member.classifier for member, _ in some]
        rows = [splits[member.split].rows for member, _ in some]
        outcomes = _Outcomes(some, shares, tell)
        how = {"n_jobs": processes_for(n_jobs, classifiers), "max_memory": max_memory}
        _fit(classifiers, table, rows, outcomes.take, counter, **how)
        yield outcomes.in_order()
        for classifier in classifiers:
            # Members are held by whoever asked for them; their networks need not be.
            classifier._forget()


class _Outcomes:
    """Those of one call, taken as they come."""

    def __init__(
        self,
        members: Sequence[tuple[Member, bool]],
        shares: Mapping[int, float],
        tell: Callable[[Outcome], None],
    ) -> None:
        self._members, self._shares, self._tell = members, shares, tell
        self._found: dict[int, Outcome] = {}

    def take(self, place: int, fitted: EmbeddingClassifier | Exception) -> None:
        member, is_repeated = self._members[place]
        seconds = _seconds_of(fitted) + self._shares[member.split]
        self._found[place] = Outcome(member, fitted, seconds, is_repeated)
        self._tell(self._found[place])

    def in_order(self) -> list[Outcome]:
        return [self._found[place] for place in range(len(self._members))]


def _seconds_of(fitted: EmbeddingClassifier | Exception) -> float:
    """Add up a fit's epochs; in a stack they are its share of everybody's."""
    if isinstance(fitted, Exception):
        return 0.0
    return sum(epoch["seconds"] for epoch in fitted.history_)


def _seconds_of_steps(members: Sequence[Member], table: Table) -> dict[int, float]:
    """Give each member of a split its share of the time of the steps before."""
    n_of_split = Counted(member.split for member in members)
    return {
        split.number: split.seconds / max(n_of_split[split.number], 1) for split in table.splits
    }


def _calls(
    members: Sequence[Member], splits: Mapping[int, Split]
) -> Iterator[list[tuple[Member, bool]]]:
    """Divide members among calls, those whose fits are the same next to one another.

    Each comes with whether it repeats one before it in its call.
    """
    rows = [splits[member.split].rows for member in members]
    alike: dict[int, list[Member]] = {}
    firsts = first_of_same([member.classifier for member in members], rows)
    for member, first in zip(members, firsts, strict=True):
        alike.setdefault(first, []).append(member)
    ordered = [
        (member, place > 0) for group in alike.values() for place, member in enumerate(group)
    ]
    for start in range(0, len(ordered), MEMBERS_AT_ONCE):
        first_of_call = ordered[start][0], False
        yield [first_of_call, *ordered[start + 1 : start + MEMBERS_AT_ONCE]]


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
    asked: dict[int, Any] = {}
    X, names = np.asarray(table.X), None if table.names is None else table.names.tolist()
    able = []
    for place, each in enumerate(classifiers):
        if names is not None and isinstance(each, FusionClassifier):
            asked[place] = each.block_sizes
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
        if place in asked:
            classifiers[place].block_sizes = asked[place]
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
