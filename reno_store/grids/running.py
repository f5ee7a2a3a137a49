"""A request -> a grid: outcomes that were kept are taken, the others trained and kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from reno_store.errors import HoldOutError, RenoStoreError, SearchError
from reno_store.estimators import RENOClassifier
from reno_store.estimators.same_fits import settled
from reno_store.estimators.searching.planning import Parts
from reno_store.estimators.searching.preparation import Split, Table, prepare
from reno_store.estimators.searching.training import Member, Outcome, fit_members
from reno_store.grids.grid import Grid, Point
from reno_store.grids.requests import GridRequest
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.progress import Counter, counting, tell
from reno_store.samples import Samples, open_store
from reno_store.samples.rare_labels import leave_out_rare
from reno_store.studies import results_folder
from reno_store.studies.evaluation import FoldOutcome
from reno_store.studies.evaluation.outcomes import predict_fold
from reno_store.studies.evaluation.protocols import PROTOCOLS, Fold, split
from reno_store.studies.ledger import Ledger
from reno_store.studies.outcome_json import outcome_from_json, outcome_to_json
from reno_store.studies.planning import seconds_of_fit
from reno_store.studies.preparation import facts_of
from reno_store.studies.recipes import (
    code_hash,
    fold_recipe,
    hash_array,
    hash_texts,
    plain_parameters,
)

__all__ = ["run_grid"]

_CODE = ("grids/running.py",)
"""Where a changed line may change an outcome, besides what `fold_recipe` knows of."""


def run_grid(
    store: str | Path,
    request: GridRequest,
    *,
    results: str | Path | None = None,
    n_jobs: int = 1,
    max_memory: int | None = None,
    progress: bool | None = None,
) -> Grid:
    """Score every point of a grid: take the folds that were kept, train the others together.

    Whatever stops it, what is finished stays; asked again, it goes on where it was.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    request : GridRequest
        What is asked.
    results : str or Path, optional
        Folder of kept results; ``NAME.results`` beside the store unless given.
    n_jobs : int
        Processes that share the work on a CPU; -1: one a core.
    max_memory : int, optional
        Bytes that training may use beyond the data.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    Grid
        Points of which a fold failed say why.

    Raises
    ------
    UnknownNameError
        If there is no such dataset or model.
    MissingEmbeddingsError
        If clips lack an embedding and the request does not leave them out.
    ProtocolError
        If the clips cannot be divided so, or no label has `min_clips` clips.
    DeviceError
        If the device is not there.
    SearchError
        If every point failed.
    LedgerError
        If results cannot be kept.
    """
    request = replace(request, device=resolve_device(request.device))
    opened = open_store(store)
    missing = "drop" if request.allow_missing else "raise"
    loaded = opened.load(request.dataset, request.models, missing=missing)  # type: ignore[arg-type]
    samples, rare = leave_out_rare(loaded, request.min_clips)
    folds = [
        (seed, fold)
        for seed in request.seeds
        for fold in split(
            request.protocol, samples.y, samples.groups, n_folds=request.n_folds, seed=seed
        )
    ]
    ledger = Ledger(results_folder(store) if results is None else results)
    run = _Run(request, samples, folds, ledger)
    run.recall()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # outcomes say so
        run.train(n_jobs, max_memory, progress)
    points = tuple(run.point(place) for place in range(len(request.points)))
    if not any(point.outcomes for point in points):
        raise SearchError(f"every point of the grid failed. The first: {points[0].reason}")
    return Grid(
        store=opened.path,
        results=ledger.folder,
        request=request,
        facts=facts_of(samples, opened.n_clips(request.dataset), rare_labels=rare),
        points=points,
        n_folds=len(folds) // len(request.seeds),
        n_trained=run.n_trained,
        n_served=run.n_served,
        n_repeated=run.n_repeated,
        notes=ledger.damage("trained anew"),
    )


@dataclass(slots=True)
class _Run:
    """One pass over a request."""

    request: GridRequest
    samples: Samples
    folds: Sequence[tuple[int, Fold]]
    ledger: Ledger
    found: dict[tuple[int, int], FoldOutcome] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    recipes: dict[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)
    n_trained: int = 0
    n_served: int = 0
    n_repeated: int = 0

    def recall(self) -> None:
        """Take what was kept of every (point, fold)."""
        samples = self.samples
        clips = hash_texts(samples.clip_ids, samples.y, samples.groups)
        blocks = [hash_array(np.ascontiguousarray(each.X)) for each in samples.split_models()]
        recipes = [
            fold_recipe(
                clips=clips,
                blocks=blocks,
                estimator=self.classifier(0, number),
                protocol=self.request.protocol,
                fold=fold,
                standardize=self.request.standardize,
            )
            for number, (_, fold) in enumerate(self.folds)
        ]
        # Fitted together, a network may differ in its last digits from one alone.
        own: dict[str, Any] = {"fitted": "together", "code": code_hash(*_CODE)}
        for point in range(len(self.request.points)):
            # All else is the same for every point, and takes 10 ms to find out.
            for number, recipe in enumerate(recipes):
                own["parameters"] = plain_parameters(settled(self.classifier(point, number)))
                self.recipes[point, number] = {**recipe, **own}
                kept = self.ledger.find(self.recipes[point, number])
                if kept is not None:
                    self.found[point, number] = outcome_from_json(kept)
        self.n_served = len(self.found)

    def train(self, n_jobs: int, max_memory: int | None, progress: bool | None) -> None:
        """Train what was not kept, and keep each as soon as it is there."""
        todo = [each for each in self.recipes if each not in self.found]
        if not todo:
            return
        if self.n_served:
            tell(f"{len(todo):,} fits to train; {self.n_served:,} are kept already.")
        self.ledger.check()
        title = f"training, {self.request.dataset}"
        sizes = self.samples.block_sizes
        forecast_s = sum(
            seconds_of_fit("reno", sizes, len(self.folds[fold][1][0])) for _, fold in todo
        ) / abs(n_jobs)
        with counting(
            title, len(todo), unit="fits", forecast_s=forecast_s, show=progress
        ) as counter:
            self._fit(todo, counter, {"n_jobs": n_jobs, "max_memory": max_memory})

    def point(self, place: int) -> Point:
        """Put a point's folds together."""
        values = self.request.points[place]
        if place in self.failed:
            return Point(*values, outcomes=(), reason=self.failed[place])
        folds = range(len(self.folds))
        return Point(*values, outcomes=tuple(self.found[place, fold] for fold in folds))

    def classifier(self, place: int, fold: int) -> RENOClassifier:
        """Make a point's classifier for a fold, whose seed it has."""
        beta, delta, lam = self.request.points[place]
        return RENOClassifier(
            block_sizes=self.samples.block_sizes,
            beta=beta,
            delta=delta,
            lam=lam,
            device=self.request.device,
            random_state=self.folds[fold][0],
        )

    def _fit(
        self, todo: Sequence[tuple[int, int]], counter: Counter, how: Mapping[str, Any]
    ) -> None:
        """Fit together, fold after fold as far as memory allows."""
        numbers = sorted({number for _, number in todo})
        tables = prepare(
            self._parts(),
            self.samples.X,
            self.samples.y,
            self.samples.groups if PROTOCOLS[self.request.protocol].speaker_disjoint else None,
            [self.folds[number][1][0] for number in numbers],
        )
        while (table := _next(tables)) is not None:
            # Splits are numbered among those that are still to do.
            own = tuple(replace(each, number=numbers[each.number]) for each in table.splits)
            table, of = replace(table, splits=own), {each.number: each for each in own}
            counter.detail(self._title(sorted(of)))
            unspared: list[Member] = []
            take = partial(self._take, splits=of, unspared=unspared)
            members = [
                Member(point, number, self.classifier(point, number))
                for point, number in todo
                if number in of
            ]
            for _ in fit_members(members, table, counter=counter, finished=take, **how):
                pass
            # No speaker can be spared: clips are held out instead, as everywhere else.
            again = [
                replace(each, classifier=self.classifier(each.candidate, each.split))
                for each in unspared
            ]
            without = replace(table, groups=None)
            take_all = partial(self._take, splits=of, unspared=None)
            for _ in fit_members(again, without, counter=Counter(), finished=take_all, **how):
                pass

    def _title(self, numbers: Sequence[int]) -> str:
        """Say which folds are trained together."""
        names = [self._fold_name(number) for number in numbers]
        folds = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        return f"RENO on {' + '.join(self.request.models)}, {folds}, all points together"

    def _parts(self) -> Parts:
        classifier = self.classifier(0, 0)
        if not self.request.standardize:
            return Parts(classifier)
        pipeline = make_pipeline(StandardScaler(), classifier)
        return Parts(classifier, pipeline.steps[-1][0], pipeline)

    def _take(
        self, outcome: Outcome, splits: Mapping[int, Split], unspared: list[Member] | None
    ) -> None:
        """Keep an outcome; collect who wants other rows held out, where there is a list."""
        place = outcome.member.candidate, outcome.member.split
        if isinstance(outcome.fitted, HoldOutError) and unspared is not None:
            unspared.append(outcome.member)
            return
        if isinstance(outcome.fitted, Exception):
            if not isinstance(outcome.fitted, RenoStoreError | ValueError):
                raise outcome.fitted
            self.failed.setdefault(place[0], f"{self._fold_name(place[1])}: {outcome.fitted}")
            return
        # What a repeated fit predicts is kept already.
        kept = self.ledger.find(self.recipes[place]) if outcome.is_repeated else None
        told = self._scored(outcome, splits[place[1]]) if kept is None else outcome_from_json(kept)
        if kept is None:
            self.ledger.keep(self.recipes[place], outcome_to_json(told))
        self.found[place] = told
        self.n_repeated += outcome.is_repeated
        self.n_trained += not outcome.is_repeated

    def _fold_name(self, number: int) -> str:
        seed, n_seeds = self.folds[number][0], len(self.request.seeds)
        fold = f"fold {number % (len(self.folds) // n_seeds) + 1}"
        return f"seed {seed}, {fold}" if n_seeds > 1 else fold

    def _scored(self, outcome: Outcome, fold_split: Split) -> FoldOutcome:
        """Predict the test side, as `run_fold` does."""
        fold = self.folds[outcome.member.split][1]
        X: NDArray[Any] = self.samples.X[fold[1]]
        if fold_split.head is not None:
            X = fold_split.head.transform(X)
        return predict_fold(
            outcome.fitted,
            X,
            self.samples.y,
            self.samples.groups,
            fold,
            protocol=self.request.protocol,
            seconds=outcome.seconds,
        )


def _next(tables: Iterator[Table]) -> Table | None:
    # On one thread, so that a scaler's sums are the same wherever they are added up.
    with threadpool_limits(limits=1):
        return next(tables, None)
