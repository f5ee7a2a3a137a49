"""Members of a search, a classifier for each candidate and split, fitted together."""

from __future__ import annotations

import time
from collections import Counter as Counted
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray

from reno_store.errors import SearchError
from reno_store.estimators.base import EmbeddingClassifier, FusionClassifier
from reno_store.estimators.blocks import resolve_block_sizes
from reno_store.estimators.same_fits import first_of_same
from reno_store.estimators.together import fit_together
from reno_store.progress import Counter
from reno_store.searching.preparation import Split, Table

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
        Its share of the time: of the call that fitted it, and of the steps before it.
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
    at_once: int | None = None,
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
    at_once : int, optional
        How many fits make a call; `MEMBERS_AT_ONCE` unless given.

    Yields
    ------
    list of Outcome
        Those of one call. Members whose fits are the same follow one another, else they are
        in the order of `members`.
    """
    splits = {split.number: split for split in table.splits}
    n_of_split = Counted(member.split for member in members)
    if table.X is None:
        counter.advance(len(members))
        yield [Outcome(each, _error(splits[each.split]), 0.0) for each in members]
        return
    for some in _calls(members, splits, MEMBERS_AT_ONCE if at_once is None else at_once):
        classifiers = [member.classifier for member, _ in some]
        began = time.perf_counter()
        fitted = _fit(
            classifiers,
            table,
            [splits[member.split].rows for member, _ in some],
            n_jobs=processes_for(n_jobs, classifiers),
            max_memory=max_memory,
            counter=counter,
        )
        share = (time.perf_counter() - began) / len(some)
        yield [
            Outcome(
                member,
                each,
                share + splits[member.split].seconds / n_of_split[member.split],
                is_repeated,
            )
            for (member, is_repeated), each in zip(some, fitted, strict=True)
        ]


def _calls(
    members: Sequence[Member], splits: Mapping[int, Split], at_once: int
) -> Iterator[list[tuple[Member, bool]]]:
    """Divide members among calls, those whose fits are the same next to one another.

    Each comes with whether it repeats one before it in its call. A call has as many fits as
    are asked for, and never more than `MEMBERS_AT_ONCE` networks.
    """
    rows = [splits[member.split].rows for member in members]
    alike: dict[int, list[Member]] = {}
    firsts = first_of_same([member.classifier for member in members], rows)
    for member, first in zip(members, firsts, strict=True):
        alike.setdefault(first, []).append(member)
    call: list[tuple[Member, bool]] = []
    n_fits = 0
    for group in alike.values():
        for place, member in enumerate(group):
            is_repeated = bool(place and call)
            if len(call) >= MEMBERS_AT_ONCE or (n_fits >= at_once and not is_repeated):
                yield call
                call, n_fits, is_repeated = [], 0, False
            call.append((member, is_repeated))
            n_fits += not is_repeated
    if call:
        yield call


def _error(split: Split) -> Exception:
    return split.error or SearchError(f"split {split.number}: {split.obstacle}")


def _fit(
    classifiers: Sequence[EmbeddingClassifier],
    table: Table,
    rows: Sequence[NDArray[np.int64]],
    **how: Any,
) -> list[EmbeddingClassifier | Exception]:
    """Fit together on a table whose columns may have names, which arrays do not carry."""
    found: list[EmbeddingClassifier | Exception] = list(classifiers)
    asked = {}
    X = np.asarray(table.X)
    if table.names is not None:
        for place, each in enumerate(classifiers):
            if isinstance(each, FusionClassifier):
                asked[place] = each.block_sizes
                try:
                    each.block_sizes = resolve_block_sizes(
                        each.block_sizes, X.shape[1], table.names.tolist()
                    )
                except ValueError as error:
                    found[place] = error
    able = [place for place, each in enumerate(found) if not isinstance(each, Exception)]
    fitted = fit_together(
        [classifiers[place] for place in able],
        X,
        table.y,
        [rows[place] for place in able],
        table.groups,
        **how,
    )
    for place, result in zip(able, fitted, strict=True):
        found[place] = result
        if table.names is not None and not isinstance(result, Exception):
            result.feature_names_in_ = table.names.copy()
            if isinstance(result, FusionClassifier):
                result.block_sizes = asked[place]
    return found
