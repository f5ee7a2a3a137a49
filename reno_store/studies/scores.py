"""Scores of a fold: accuracy, macro-F1, balanced accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

__all__ = [
    "COLLAPSED",
    "COLLAPSED_NOTE",
    "METRICS",
    "METRIC_TITLES",
    "PAPER_METRICS",
    "FoldScore",
    "Metric",
    "score_fold",
]

Metric: TypeAlias = Literal["accuracy", "macro_f1", "balanced_accuracy"]
METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "balanced_accuracy")
PAPER_METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1")
COLLAPSED = " †"
"""Marks scores of classifiers that did not learn in some fold."""
COLLAPSED_NOTE = (
    "† Collapsed: {}. There the training loss never left that of guessing, or every clip got the "
    "same label, so the score says nothing about the embeddings and never counts as the best. "
    "docs/faq.md says what to try."
)
_FEWEST_CLIPS = 10
METRIC_TITLES: dict[Metric, str] = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
}


@dataclass(frozen=True, slots=True)
class FoldScore:
    """Scores of one fold.

    Attributes
    ----------
    accuracy : float
        Share of correct predictions, in [0, 1].
    macro_f1, balanced_accuracy : float
        The unweighted mean of the F1, and of the recall, of the classes that the fold tests.
    n_train, n_test : int
        Clips on either side.
    n_labels : int
        Classes that the fold tests. Speaker-disjoint folds cannot always test them all.
    speaker : str
        The speaker that was left out, where each fold tests one; empty otherwise.
    collapsed : bool
        Whether the classifier did not learn: its ``collapsed_`` is true, or it predicted one
        label for all of at least 10 clips of several labels.
    """

    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    n_train: int
    n_test: int
    n_labels: int
    speaker: str = ""
    collapsed: bool = False


def score_fold(
    true: NDArray[np.str_] | NDArray[np.int64],
    predicted: NDArray[np.str_] | NDArray[np.int64],
    *,
    n_train: int,
    speaker: str = "",
    collapsed: bool = False,
) -> FoldScore:
    """Score predictions.

    Parameters
    ----------
    true, predicted : numpy.ndarray, shape (n_test,)
        Labels, or their codes.
    n_train : int
        Clips that were trained on.
    speaker : str
        The speaker that was left out, where that is how folds are made.
    collapsed : bool
        The classifier's own ``collapsed_``.
    """
    tested = np.unique(true)
    over_tested = {"labels": tested, "average": "macro", "zero_division": 0.0}
    return FoldScore(
        accuracy=float(accuracy_score(true, predicted)),
        macro_f1=float(f1_score(true, predicted, **over_tested)),
        balanced_accuracy=float(recall_score(true, predicted, **over_tested)),
        n_train=n_train,
        n_test=len(true),
        n_labels=len(tested),
        speaker=speaker,
        collapsed=collapsed or _is_constant(tested, predicted),
    )


def _is_constant(tested: NDArray[Any], predicted: NDArray[Any]) -> bool:
    """Return whether one label was predicted for too many clips of several labels to be chance."""
    return (
        len(predicted) >= _FEWEST_CLIPS
        and len(tested) > 1
        and bool(np.all(predicted == predicted[0]))
    )
