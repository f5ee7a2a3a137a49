"""All candidates on all splits: fitted together where they can be, scored by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection._validation import (
    _fit_and_score,
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils.parallel import Parallel, delayed

from reno_store.errors import SearchError
from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.searching.handover import handed_over
from reno_store.estimators.searching.planning import Parts, obstacle_of_candidate
from reno_store.estimators.searching.preparation import Table, prepare
from reno_store.estimators.searching.training import Member, Outcome, fit_members, processes_for
from reno_store.runtime.progress import counting

__all__ = ["Evaluated", "evaluate_candidates"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """What all candidates gave.

    Attributes
    ----------
    scored : list of dict
        What scikit-learn's own scoring gives, candidate by candidate, split by split.
    n_batched, n_plain : int
        Fits done together, and one by one.
    n_repeated : int
        Of those done together: which repeat another, and were not done again.
    reasons : tuple of str
        Why the latter were; each once.
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
        Says how.
    parts : Parts
        Its estimator, taken apart.
    candidates : Sequence of Mapping
        Parameters to try.
    X, y : array-like
        All rows.
    splits : Sequence of (train, test)
        Row numbers.
    speakers : numpy.ndarray or None
        What ``fit`` gets as groups.
    obstacle : str
        Why nothing can be fitted together; empty where it can.
    scorers, fit_params, score_params
        As scikit-learn's search has settled them.
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
        raise SearchError(f"cv={search.cv!r} gives no splits; expected at least one.")
    _warn_or_raise_about_fit_failures(found, search.error_score)
    if callable(search.scoring):
        _insert_error_scores(found, search.error_score)
    return Evaluated(found, n_batched, len(plain), n_repeated, tuple(dict.fromkeys(reasons)))


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What is the same for every candidate and split."""

    search: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    scorers: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    n_candidates: int

    def task(self, estimator: Any, candidate: Mapping[str, Any], place: int, split: int) -> Any:
        """Make one call of scikit-learn's, to be done here or elsewhere."""
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
    """Score what was fitted together."""
    scored = {}
    splits = {split.number: split for split in table.splits}
    # An error loses its trace on the way to another process.
    for failed in (True, False):
        own = [each for each in outcomes if isinstance(each.fitted, Exception) == failed]
        tasks = []
        for outcome in own:
            place, split = outcome.member.candidate, outcome.member.split
            estimator = clone(job.search.estimator)
            handed_over(estimator, parts, splits[split], outcome)
            tasks.append(job.task(estimator, candidates[place], place, split))
        classifiers = [each.member.classifier for each in own]
        n_jobs = 1 if failed else processes_for(job.search.n_jobs, classifiers)
        for result, outcome in zip(Parallel(n_jobs=n_jobs)(tasks), own, strict=True):
            member = outcome.member
            scored[member.candidate, member.split] = {**result, "fit_time": outcome.seconds}
    return scored


def _classifier(estimator: Any, parts: Parts, candidate: Mapping[str, Any]) -> EmbeddingClassifier:
    """Make a candidate's classifier."""
    # Parameters may be estimators themselves, which must not be changed in the grid.
    whole: Any = clone(estimator).set_params(**clone(dict(candidate), safe=False))
    classifier: EmbeddingClassifier = whole if parts.pipeline is None else whole.steps[-1][1]
    return classifier


def _row_numbers(train: Any, n_rows: int) -> NDArray[np.int64]:
    """Give rows as numbers: splitters may give masks."""
    return np.asarray(np.arange(n_rows)[np.asarray(train)], dtype=np.int64)
