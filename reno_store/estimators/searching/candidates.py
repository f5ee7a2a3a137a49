"""All candidates on all splits: fitted together where possible, scored by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection._validation import (
    _fit_and_score,
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from reno_store.errors import SearchError
from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.searching.planning import Parts, obstacle_of_candidate
from reno_store.estimators.searching.preparation import Split, Table, prepare
from reno_store.estimators.searching.training import Member, Outcome, fit_members, processes_for
from reno_store.runtime.progress import counting

__all__ = ["Evaluated", "evaluate_candidates"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """Results of all candidates.

    Attributes
    ----------
    scored : list of dict
        Results of scikit-learn's scoring, candidate by candidate, split by split.
    n_batched, n_plain : int
        Number of fits done together, and one by one.
    n_repeated : int
        Number of fits done together that are copies of an identical one.
    reasons : tuple of str
        Why fits were done one by one; each reason once.
    """

    scored: list[dict[str, Any]]
    n_batched: int
    n_plain: int
    n_repeated: int
    reasons: tuple[str, ...]


def evaluate_candidates(
    search: Any,
    parts: Parts,
    candidates: Sequence[Mapping[str, Any]],
    X: Any,
    y: Any,
    splits: Sequence[tuple[Any, Any]],
    speakers: NDArray[np.generic] | None,
    *,
    obstacle: str,
    scorers: Any,
    fit_params: Mapping[str, Any],
    score_params: Mapping[str, Any],
) -> Evaluated:
    """Fit and score every candidate on every split.

    Parameters
    ----------
    search : RENOGridSearchCV
        The search, with its settings.
    parts : Parts
        Its estimator, taken apart.
    candidates : Sequence of Mapping
        Parameters to try.
    X, y : array-like
        All rows.
    splits : Sequence of (train, test)
        Row numbers.
    speakers : numpy.ndarray or None
        Groups for ``fit``.
    obstacle : str
        Why nothing can be fitted together; empty where it can be.
    scorers, fit_params, score_params
        As prepared by scikit-learn's search.
    """
    job = _Job(search, X, y, splits, scorers, fit_params, score_params, len(candidates))
    obstacles = [obstacle or obstacle_of_candidate(parts, candidate) for candidate in candidates]
    reasons = [each for each in obstacles if each]
    together = [place for place, each in enumerate(obstacles) if not each]
    scored: dict[tuple[int, int], dict[str, Any]] = {}
    trains = [_row_numbers(train, len(y)) for train, _ in splits]
    n, n_repeated = len(together) * len(splits), 0
    with counting("fitting", n, unit="fits", show=None if search.verbose else False) as counter:
        for table in prepare(parts, X, y, speakers, trains) if together else ():
            reasons += [split.obstacle for split in table.splits if split.obstacle]
            members = [
                Member(place, split.number, _classifier(search.estimator, parts, candidates[place]))
                for place in together
                for split in table.splits
                if not split.obstacle
            ]
            how = {"n_jobs": search.n_jobs, "max_memory": search.max_memory, "counter": counter}
            for outcomes in fit_members(members, table, **how):
                counter.rename("scoring")
                scored |= _scored(job, parts, table, candidates, outcomes)
                counter.rename("fitting")
                n_repeated += sum(outcome.is_repeated for outcome in outcomes)
    n_batched = len(scored)
    plain = [
        each for each in product(range(len(candidates)), range(len(splits))) if each not in scored
    ]
    done = Parallel(n_jobs=search.n_jobs, pre_dispatch=search.pre_dispatch)(
        job.task(clone(search.estimator), candidates[place], place, split) for place, split in plain
    )
    scored |= dict(zip(plain, done, strict=True))
    found = [scored[each] for each in sorted(scored)]
    if not found:
        raise SearchError(f"cv={search.cv!r} has no splits; expected at least one.")
    _warn_or_raise_about_fit_failures(found, search.error_score)
    if callable(search.scoring):
        _insert_error_scores(found, search.error_score)
    return Evaluated(found, n_batched, len(plain), n_repeated, tuple(dict.fromkeys(reasons)))


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Arguments shared by every candidate and split."""

    search: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    scorers: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    n_candidates: int

    def task(self, estimator: Any, candidate: Mapping[str, Any], place: int, split: int) -> Any:
        """Return a call of scikit-learn's fit-and-score, for this process or another."""
        train, test = self.splits[split]
        return delayed(_fit_and_score)(
            estimator,
            self.X,
            self.y,
            scorer=self.scorers,
            train=train,
            test=test,
            verbose=self.search.verbose,
            parameters=candidate,
            fit_params=self.fit_params,
            score_params=self.score_params,
            return_train_score=self.search.return_train_score,
            return_n_test_samples=True,
            return_times=True,
            split_progress=(split, len(self.splits)),
            candidate_progress=(place, self.n_candidates),
            error_score=self.search.error_score,
        )


def _scored(
    job: _Job,
    parts: Parts,
    table: Table,
    candidates: Sequence[Mapping[str, Any]],
    outcomes: Sequence[Outcome],
) -> dict[tuple[int, int], dict[str, Any]]:
    """Score the members that were fitted together."""
    scored = {}
    splits = {split.number: split for split in table.splits}
    # An error would lose its trace in another process.
    for failed in (True, False):
        own = [each for each in outcomes if isinstance(each.fitted, Exception) == failed]
        tasks = []
        for outcome in own:
            place, split = outcome.member.candidate, outcome.member.split
            estimator = clone(job.search.estimator)
            _hand_over(estimator, parts, splits[split], outcome)
            tasks.append(job.task(estimator, candidates[place], place, split))
        classifiers = [each.member.classifier for each in own]
        n_jobs = 1 if failed else processes_for(job.search.n_jobs, classifiers)
        for result, outcome in zip(Parallel(n_jobs=n_jobs)(tasks), own, strict=True):
            member = outcome.member
            scored[member.candidate, member.split] = {**result, "fit_time": outcome.seconds}
    return scored


class _Handover:
    """Replaces one call of an estimator's ``fit``: returns what was fitted before."""

    def __init__(self, estimator: BaseEstimator, fitted: BaseEstimator | Exception) -> None:
        self.estimator, self.fitted = estimator, fitted
        self.traceback = fitted.__traceback__ if isinstance(fitted, Exception) else None

    def __call__(self, X: Any, y: Any = None, **fit_params: Any) -> BaseEstimator:
        del self.estimator.fit
        if isinstance(self.fitted, Exception):
            # Several fits may share one error, which would collect all their traces.
            raise self.fitted.with_traceback(self.traceback)
        vars(self.estimator).update(vars(self.fitted))
        return self.estimator


def _hand_over(
    estimator: BaseEstimator, parts: Parts, split: Split, outcome: Outcome
) -> BaseEstimator:
    """Let the next ``fit`` of an estimator return an outcome instead of training.

    Parameters
    ----------
    estimator : sklearn estimator
        A clone of the estimator of the search; changed in place and returned.
    parts : Parts
        The estimator of the search.
    split : Split
        Its split.
    outcome : Outcome
        The fitted classifier, or the error to raise.
    """
    fitted: BaseEstimator | Exception = outcome.fitted
    if parts.pipeline is not None and not isinstance(fitted, Exception):
        before = [] if split.head is None else list(split.head.steps)
        whole = Pipeline([*before, (parts.step, fitted)])
        vars(whole).update({**vars(parts.pipeline), "steps": whole.steps})
        fitted = whole
    # On the instance: scorers may look at its class.
    estimator.fit = _Handover(estimator, fitted)
    return estimator


def _classifier(estimator: Any, parts: Parts, candidate: Mapping[str, Any]) -> EmbeddingClassifier:
    """Make a candidate's classifier."""
    # Parameters may be estimators themselves, which must not be changed in the grid.
    whole: Any = clone(estimator).set_params(**clone(dict(candidate), safe=False))
    classifier: EmbeddingClassifier = whole if parts.pipeline is None else whole.steps[-1][1]
    return classifier


def _row_numbers(train: Any, n_rows: int) -> NDArray[np.int64]:
    """Return rows as numbers: splitters may return masks."""
    return np.asarray(np.arange(n_rows)[np.asarray(train)], dtype=np.int64)
