"""One estimator, one set of samples, one protocol -> a score a fold."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator

from reno_store.runtime.notebooks import html_table
from reno_store.runtime.progress import Counter
from reno_store.samples import Samples
from reno_store.studies.outcomes import run_fold
from reno_store.studies.protocols import PROTOCOLS, split
from reno_store.studies.scores import METRIC_TITLES, METRICS, FoldScore, Metric

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A cross-validated estimator.

    Attributes
    ----------
    dataset : str
        Name of the dataset.
    models : tuple[str, ...]
        The foundation models whose embeddings it saw.
    estimator : str
        What it is called.
    protocol : str
        Name of the protocol.
    seed : int
        Seed of the folds.
    standardized : bool
        Whether each training fold's mean and standard deviation were used to scale X.
    folds : tuple[FoldScore, ...]
        Scores, in the order of the folds.
    parameters : Mapping[str, Any]
        Hyperparameters of the estimator.
    """

    dataset: str
    models: tuple[str, ...]
    estimator: str
    protocol: str
    seed: int
    standardized: bool
    folds: tuple[FoldScore, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, metric: Metric) -> list[float]:
        """Give each fold's score."""
        return [getattr(fold, metric) for fold in self.folds]

    def mean(self, metric: Metric) -> float:
        """Average over folds."""
        return statistics.fmean(self.scores(metric))

    def sd(self, metric: Metric) -> float:
        """Give the sample standard deviation over folds (n - 1)."""
        return statistics.stdev(self.scores(metric))

    @property
    def n_collapsed(self) -> int:
        """In how many folds the classifier has not learned."""
        return sum(fold.collapsed for fold in self.folds)

    def to_frame(self) -> pd.DataFrame:
        """Return the scores, in [0, 1], as a table with one row per fold.

        Returns
        -------
        pandas.DataFrame
            Columns ``dataset``, ``models`` (joined by ``+``), ``estimator``, ``protocol``,
            ``seed``, ``fold`` (from 1) and those of `FoldScore`.
        """
        same = {name: getattr(self, name) for name in ("dataset", "estimator", "protocol", "seed")}
        rows = [
            {**same, "models": "+".join(self.models), "fold": number, **asdict(score)}
            for number, score in enumerate(self.folds, start=1)
        ]
        scores = [each.name for each in fields(FoldScore)]
        return pd.DataFrame(
            rows,
            columns=["dataset", "models", "estimator", "protocol", "seed", "fold", *scores],
        )

    def _repr_html_(self) -> str:
        means = ", ".join(
            f"{METRIC_TITLES[metric]} {100 * self.mean(metric):.1f} %"
            + (f" ± {100 * self.sd(metric):.1f}" if len(self.folds) > 1 else "")
            for metric in METRICS
        )
        heading = (
            f"{self.estimator} on {' + '.join(self.models)} of {self.dataset}, protocol "
            f"{self.protocol}, seed {self.seed}: {means}"
        )
        table = self.to_frame().iloc[:, 5:]
        for metric in METRICS:
            table[metric] = (100 * table[metric]).map("{:.1f} %".format)
        return html_table(heading, table.rename(columns=METRIC_TITLES))

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        protocol = PROTOCOLS[self.protocol]
        return {
            **asdict(self),
            "protocol_description": protocol.description,
            "n_folds": len(self.folds),
            "mean": {metric: self.mean(metric) for metric in METRICS},
            "sd": {metric: self.sd(metric) for metric in METRICS},
        }


def evaluate(
    samples: Samples,
    estimator: BaseEstimator,
    *,
    name: str | None = None,
    protocol: str = "paper",
    n_folds: int = 5,
    seed: int = 0,
    standardize: bool = True,
    n_jobs: int = 1,
    counter: Counter | None = None,
) -> Evaluation:
    """Cross-validate an estimator.

    Parameters
    ----------
    samples : Samples
        From `EmbeddingStore.load`.
    estimator : sklearn classifier
        It is cloned for each fold. Where the protocol is speaker-disjoint and its ``fit``
        takes ``groups``, it gets the speakers of the training side, so that early stopping
        holds out whole speakers; where none can be spared, it holds out clips instead. A
        pipeline or search does not pass groups on to what is inside it.
    name : str, optional
        What to call it in the result; its class's name unless given.
    protocol : str
        A name in `PROTOCOLS`.
    n_folds : int
        How many folds; ``loso`` has one a speaker.
    seed : int
        Seed of the folds.
    standardize : bool
        Whether to scale X by the mean and standard deviation of each training fold.
    n_jobs : int
        Processes that share the folds; the scores do not depend on it.
    counter : Counter, optional
        Advanced by one for each fold that is finished.

    Returns
    -------
    Evaluation

    Raises
    ------
    ProtocolError
        If the samples cannot be divided so.
    """
    folds = split(protocol, samples.y, samples.groups, n_folds=n_folds, seed=seed)
    # One fold a task, so that a bar moves; workers are kept between calls.
    tasks = (
        delayed(run_fold)(
            estimator,
            [samples.X],
            samples.y,
            samples.groups,
            fold,
            protocol=protocol,
            standardize=standardize,
        )
        for fold in folds
    )
    scores = []
    for outcome in Parallel(n_jobs=n_jobs, return_as="generator")(tasks):
        scores.append(outcome.score)
        if counter is not None:
            counter.advance()
    return Evaluation(
        dataset=samples.dataset,
        models=samples.models,
        estimator=type(estimator).__name__ if name is None else name,
        protocol=protocol,
        seed=seed,
        standardized=standardize,
        folds=tuple(scores),
        parameters=estimator.get_params(),
    )
