"""One fold: an estimator fitted on one side, its predictions on the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from reno_store.errors import HoldOutError, RenoStoreError
from reno_store.studies.protocols import PROTOCOLS, Fold
from reno_store.studies.scores import FoldScore, score_fold

__all__ = ["Failure", "FoldOutcome", "Result", "predict_fold", "run_fold", "side_by_side"]


@dataclass(frozen=True, slots=True)
class FoldOutcome:
    """The outcome of one fold.

    Attributes
    ----------
    score : FoldScore
        Its scores.
    true, predicted : tuple[int, ...]
        For each tested clip, in the order of the store, the index of its label and of the
        predicted label among the sorted labels of all clips.
    history : tuple[Mapping[str, float], ...]
        The estimator's ``history_``, a dict per epoch; empty where it has none.
    seconds : float
        Time for fitting and predicting.
    n_parameters : int or None
        Number of the network's weights; None for other estimators.
    confidence : tuple[float, ...]
        For each tested clip, the probability of the predicted label, to three digits. Empty where
        the estimator has no ``predict_proba``, and in outcomes that were kept without it.
    """

    score: FoldScore
    true: tuple[int, ...]
    predicted: tuple[int, ...]
    history: tuple[Mapping[str, float], ...] = ()
    seconds: float = 0.0
    n_parameters: int | None = None
    confidence: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A fold whose training failed, and why."""

    reason: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Make it of what an estimator raised."""
        kind = "" if isinstance(error, RenoStoreError | ValueError) else f"{type(error).__name__}: "
        return cls(f"training failed: {kind}{error}")


Result: TypeAlias = FoldOutcome | Failure


def run_fold(
    estimator: BaseEstimator,
    blocks: Sequence[NDArray[np.float32]],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    fold: Fold,
    *,
    protocol: str,
    standardize: bool = True,
) -> FoldOutcome:
    """Fit a clone on the fold's training side and predict its test side.

    Parameters
    ----------
    estimator : sklearn classifier
        Where the protocol is speaker-disjoint and its ``fit`` takes ``groups``, it gets the
        speakers of the training side, so that early stopping holds out whole speakers; where
        none can be spared, it holds out clips instead.
    blocks : sequence of numpy.ndarray, shape (n_clips, dim) each
        Embeddings, a block per model; side by side they are X.
    y, groups : numpy.ndarray of str, shape (n_clips,)
        Labels and speakers.
    fold : (train, test)
        Row numbers.
    protocol : str
        A name in `PROTOCOLS`.
    standardize : bool
        Whether to scale X by the mean and standard deviation of the training side.
    """
    began = time.perf_counter()
    train, test = fold
    disjoint = PROTOCOLS[protocol].speaker_disjoint
    model = clone(
        make_pipeline(StandardScaler(), estimator) if standardize else make_pipeline(estimator)
    )
    X = side_by_side(blocks, train)
    # One thread, so that sums are added up in the same order however many processes share
    # the machine. A collapsed fit is marked in the outcome.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(X, y[train], **_fit_groups(model, groups if disjoint else None, train))
        except HoldOutError:
            model.fit(X, y[train])
        seconds = time.perf_counter() - began
        return predict_fold(
            model, side_by_side(blocks, test), y, groups, fold, protocol=protocol, seconds=seconds
        )


def predict_fold(
    model: Any,
    X: NDArray[Any],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    fold: Fold,
    *,
    protocol: str,
    seconds: float,
) -> FoldOutcome:
    """Return the outcome of a fold: predict its test side with a fitted model, and score it.

    Parameters
    ----------
    model : sklearn classifier or Pipeline
        Fitted on the fold's training side.
    X : numpy.ndarray, shape (len(test), n_features)
        The test side.
    y, groups : numpy.ndarray of str, shape (n_clips,)
        Labels and speakers of all clips.
    fold : (train, test)
        Row numbers.
    protocol : str
        A name in `PROTOCOLS`.
    seconds : float
        Time for fitting; the time for predicting is added.
    """
    train, test = fold
    labels, codes = np.unique(y, return_inverse=True)
    began = time.perf_counter()
    answers = model.predict(X)
    predicted = np.searchsorted(labels, answers)
    fitted = model.steps[-1][1] if isinstance(model, Pipeline) else model
    left_out = groups is not None and PROTOCOLS[protocol].one_fold_a_speaker
    return FoldOutcome(
        score=score_fold(
            codes[test],
            predicted,
            n_train=len(train),
            speaker=str(groups[test[0]]) if left_out and groups is not None else "",
            collapsed=bool(getattr(fitted, "collapsed_", False)),
        ),
        true=tuple(codes[test].tolist()),
        predicted=tuple(predicted.tolist()),
        history=tuple(getattr(fitted, "history_", ())),
        seconds=seconds + time.perf_counter() - began,
        n_parameters=getattr(fitted, "n_parameters_", None),
        confidence=_confidence(model, X, answers),
    )


def _confidence(model: Any, X: NDArray[Any], answers: NDArray[Any]) -> tuple[float, ...]:
    if not hasattr(model, "predict_proba"):
        return ()
    columns = np.searchsorted(model.classes_, answers)
    probabilities = np.asarray(model.predict_proba(X))[np.arange(len(X)), columns]
    return tuple(round(float(each), 3) for each in probabilities)


def side_by_side(
    blocks: Sequence[NDArray[np.float32]], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return rows of X: blocks of columns, one per model."""
    if len(blocks) == 1:
        return np.asarray(blocks[0][rows])
    return np.concatenate([block[rows] for block in blocks], axis=1)


def _fit_groups(
    model: Any, groups: NDArray[np.str_] | None, train: NDArray[np.int64]
) -> dict[str, Any]:
    step, estimator = model.steps[-1]
    if groups is None or not has_fit_parameter(estimator, "groups"):
        return {}
    return {f"{step}__groups": groups[train]}
