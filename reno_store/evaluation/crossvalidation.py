"""One estimator, one set of samples, one protocol -> a score a fold."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from reno_store.errors import HoldOutError
from reno_store.evaluation.protocols import PROTOCOLS, Fold, split
from reno_store.progress import Counter
from reno_store.samples import Samples

__all__ = ["METRICS", "Evaluation", "FoldScore", "Metric", "evaluate"]

Metric: TypeAlias = Literal["accuracy", "macro_f1"]
METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1")


@dataclass(frozen=True, slots=True)
class FoldScore:
    """Scores of one fold.

    Attributes
    ----------
    accuracy, macro_f1 : float
        Share of clips that are right, and the unweighted mean of the F1 of the classes that
        the fold tests, in [0, 1].
    n_train, n_test : int
        Clips on either side.
    n_labels : int
        Classes that the fold tests. Speaker-disjoint folds cannot always test them all.
    speaker : str
        The speaker that was left out, where each fold tests one; empty otherwise.
    """

    accuracy: float
    macro_f1: float
    n_train: int
    n_test: int
    n_labels: int
    speaker: str = ""


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
    groups = samples.groups if PROTOCOLS[protocol].speaker_disjoint else None
    model = make_pipeline(StandardScaler(), estimator) if standardize else make_pipeline(estimator)
    # One fold a task, so that a bar moves; workers are kept between calls.
    tasks = (delayed(_score_fold)(model, samples.X, samples.y, groups, fold) for fold in folds)
    scores = []
    finished = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    for score, (_, test) in zip(finished, folds, strict=True):
        if groups is not None and PROTOCOLS[protocol].one_fold_a_speaker:
            score = replace(score, speaker=str(groups[test[0]]))
        scores.append(score)
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


def _score_fold(
    model: Any,
    X: NDArray[np.float32],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    fold: Fold,
) -> FoldScore:
    train, test = fold
    model = clone(model)
    try:
        model.fit(X[train], y[train], **_fit_groups(model, groups, train))
    except HoldOutError:
        model.fit(X[train], y[train])
    predicted = model.predict(X[test])
    return FoldScore(
        accuracy=float(accuracy_score(y[test], predicted)),
        macro_f1=float(
            f1_score(
                y[test], predicted, labels=np.unique(y[test]), average="macro", zero_division=0.0
            )
        ),
        n_train=len(train),
        n_test=len(test),
        n_labels=len(np.unique(y[test])),
    )


def _fit_groups(
    model: Any, groups: NDArray[np.str_] | None, train: NDArray[np.int64]
) -> dict[str, Any]:
    step, estimator = model.steps[-1]
    if groups is None or not has_fit_parameter(estimator, "groups"):
        return {}
    return {f"{step}__groups": groups[train]}
