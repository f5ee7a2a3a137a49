"""Cross-validation of classifiers: on samples, or on a dataset of a store."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator

from reno_store.runtime.notebooks import html_table, html_text, html_view
from reno_store.runtime.places import Place
from reno_store.samples import Samples
from reno_store.studies.evaluation_requests import evaluation_request
from reno_store.studies.outcomes import run_fold
from reno_store.studies.protocols import PROTOCOLS, split
from reno_store.studies.requests import Named
from reno_store.studies.running import run_study
from reno_store.studies.scores import METRIC_TITLES, METRICS, FoldScore, Metric
from reno_store.studies.study import Study

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Evaluation", "evaluate", "evaluate_store"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A cross-validated estimator.

    Attributes
    ----------
    dataset : str
        Name of the dataset.
    models : tuple[str, ...]
        The foundation models whose embeddings X has.
    estimator : str
        Its name.
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
        """Return the score of each fold."""
        return [getattr(fold, metric) for fold in self.folds]

    def mean(self, metric: Metric) -> float:
        """Return the mean over folds."""
        return statistics.fmean(self.scores(metric))

    def sd(self, metric: Metric) -> float:
        """Return the sample standard deviation over folds (n - 1); NaN for a single fold."""
        return statistics.stdev(self.scores(metric)) if len(self.folds) > 1 else float("nan")

    @property
    def n_collapsed(self) -> int:
        """Number of folds in which the classifier did not learn."""
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
        title = f"{self.estimator} on {' + '.join(self.models)} of {self.dataset}"
        where = f"Protocol {self.protocol}, seed {self.seed}: {means}"
        table = self.to_frame().iloc[:, 5:]
        for metric in METRICS:
            table[metric] = (100 * table[metric]).map("{:.1f} %".format)
        headings = list(table.rename(columns=METRIC_TITLES).columns)
        rows = table.itertuples(index=False, name=None)
        return html_view(title, html_text(where), html_table(headings, rows))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values; a number that JSON does not have becomes None."""
        protocol = PROTOCOLS[self.protocol]
        return {
            **asdict(self),
            "protocol_description": protocol.description,
            "n_folds": len(self.folds),
            "mean": {metric: self.mean(metric) for metric in METRICS},
            "sd": {m: self.sd(m) if len(self.folds) > 1 else None for m in METRICS},
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
) -> Evaluation:
    """Cross-validate an estimator on samples; nothing is kept.

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
        Its name in the result; the name of its class unless given.
    protocol : str
        A name in `PROTOCOLS`.
    n_folds : int
        Number of folds; ``loso`` has one per speaker.
    seed : int
        Seed of the folds.
    standardize : bool
        Whether to scale X by the mean and standard deviation of each training fold.
    n_jobs : int
        Number of processes; the scores do not depend on it.

    Returns
    -------
    Evaluation

    Raises
    ------
    ProtocolError
        If the samples cannot be divided so.

    Examples
    --------
    >>> import reno_store as rs
    >>> from sklearn.linear_model import LogisticRegression
    >>> samples = rs.open_store("reno-demo/embeddings.zarr").load("synthetic", "mfcc")
    >>> classifier = LogisticRegression(max_iter=500)
    >>> evaluation = rs.evaluate(samples, classifier, protocol="speaker", n_folds=4)
    >>> len(evaluation.scores("accuracy")), evaluation.mean("accuracy") > 0.5
    (4, True)
    """
    folds = split(protocol, samples.y, samples.groups, n_folds=n_folds, seed=seed)
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
    outcomes = Parallel(n_jobs=n_jobs)(tasks)
    return Evaluation(
        dataset=samples.dataset,
        models=samples.models,
        estimator=type(estimator).__name__ if name is None else name,
        protocol=protocol,
        seed=seed,
        standardized=standardize,
        folds=tuple(outcome.score for outcome in outcomes),
        parameters=estimator.get_params(),
    )


def evaluate_store(
    store: str | Place,
    dataset: str,
    *,
    models: str | Sequence[str],
    estimators: Sequence[Named] = (),
    protocols: str | Sequence[str] = ("paper",),
    n_folds: int = 5,
    seed: int | Sequence[int] = 0,
    standardize: bool = True,
    device: str = "cpu",
    settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    missing: Literal["raise", "drop"] = "raise",
    min_clips: int = 1,
    results: str | Path | None = None,
    n_jobs: int = 1,
    client: Client | None = None,
    progress: bool | None = None,
) -> Study:
    """Cross-validate classifiers on a dataset of a store.

    Classifiers of one model (``fcn``, ``cnn``) are evaluated on each of the models; those
    that fuse (``concat``, ``reno``) on all of them together; others both ways. All use the same
    clips and the same folds, which are kept as those of `run_study` are, and shared with it.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    dataset : str
        Name of the dataset.
    models : str or Sequence[str]
        Names of models that the store has for it.
    estimators : Sequence[str or (str, estimator)]
        As in `StudyRequest`; by default the paper's networks that the number of models allows,
        and ``logreg``, the linear probe.
    protocols : str or Sequence[str]
        Names in `PROTOCOLS`.
    seed : int or Sequence[int]
        Seed of the folds and the estimators' ``random_state``. With several, everything is
        repeated with each.
    n_folds, standardize, device, settings, min_clips
        As in `StudyRequest`.
    missing : {"raise", "drop"}
        What to do with clips that lack an embedding of any of the models.
    results, n_jobs, client, progress
        As for `run_study`.

    Returns
    -------
    Study

    Raises
    ------
    UnknownNameError
        If the dataset, a model, an estimator or a protocol is unknown.
    SearchError
        If settings name unknown hyperparameters, or values that are not allowed.
    ProtocolError
        If the clips cannot be divided so, no label has `min_clips` clips, a fusion has fewer
        than two models, or a seed is given twice or out of range.
    MissingEmbeddingsError
        If clips lack an embedding and `missing` is ``"raise"``.
    LedgerError, TrainingError, ClusterError, DeviceError
        As for `run_study`.
    """
    request = evaluation_request(
        dataset,
        models,
        estimators,
        protocols=protocols,
        n_folds=n_folds,
        seeds=seed,
        standardize=standardize,
        device=device,
        settings=settings,
        allow_missing=missing == "drop",
        min_clips=min_clips,
    )
    return run_study(
        store,
        request,
        results=results,
        n_jobs=n_jobs,
        client=client,
        progress=progress,
        strict=True,
        remember=False,
    )
