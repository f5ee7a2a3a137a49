"""What a study consists of: facts of its datasets and models, and its cells."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reno_store.errors import Remedy
from reno_store.runtime.numbers import plain
from reno_store.studies.corpus_pairs import Transfer

if TYPE_CHECKING:
    import pandas as pd

    from reno_store.studies.outcomes import FoldOutcome
    from reno_store.studies.scores import Metric

__all__ = ["Cell", "DatasetFacts", "Family", "ModelFacts", "settings_text"]

Family = Literal["mamba", "attention", ""]
"""MAFM, AAFM, or neither (mfcc, imported embeddings ...)."""


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset of a study, or a pair of corpora.

    Attributes
    ----------
    name : str
        Its name in the store.
    n_clips, n_left_out : int
        Clips that were used, and clips left out because they lack an embedding.
    n_speakers : int
        Known speakers among them.
    labels : Mapping[str, int]
        Label -> clips, sorted by label. Codes in a `FoldOutcome` are indices into it.
    paper_name : str
        ``"asvp-esd"``, ``"jnv"`` or ``"vivae"`` where it is one of the paper's datasets;
        empty otherwise.
    rare_labels : Mapping[str, int]
        Label that was left out because it has fewer than ``min_clips`` clips -> its clips.
    transfer : Transfer or None
        What is trained on, where this is a pair of corpora: then `name` is that of the pair,
        `labels` are in common words, and clips, speakers and labels are those that are tested.
    """

    name: str
    n_clips: int
    n_left_out: int
    n_speakers: int
    labels: Mapping[str, int]
    paper_name: str = ""
    rare_labels: Mapping[str, int] = field(default_factory=dict)
    transfer: Transfer | None = None

    @property
    def majority(self) -> float:
        """Share of the most frequent label: the accuracy of always guessing it."""
        return max(self.labels.values(), default=0) / max(1, self.n_clips)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A foundation model of a study.

    Attributes
    ----------
    name : str
        Its name in the store.
    letter : str
        Its name in the paper's tables, such as ``"A(T)"``; empty where it is not in them.
    family : {"mamba", "attention", ""}
        MAFM, AAFM, or neither.
    dim : int
        Length of an embedding; 0 where no dataset has it.
    fingerprint : str
        First digits of the fingerprint of its embeddings; empty where no dataset has it.
    """

    name: str
    letter: str = ""
    family: Family = ""
    dim: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One estimator on one or more models of one dataset under one protocol.

    Attributes
    ----------
    dataset, protocol, estimator : str
        Names, as in the request; `dataset` may be the name of a pair of corpora.
    models : tuple[str, ...]
        One model, or those that are fused, in the order of the blocks of X.
    seeds : tuple[int, ...]
        Seeds of the folds and of the estimators.
    labels : tuple[str, ...]
        The dataset's labels, sorted.
    outcomes : tuple[tuple[FoldOutcome, ...], ...]
        For each seed its folds, in order; empty where the cell was not computed.
    parameters : Mapping[str, Any]
        All hyperparameters of the estimator, but for its seed.
    settings : Mapping[str, Any]
        The hyperparameters that the request set; empty by default.
    reason : str
        Why it was not computed; empty where it was.
    remedy : Remedy or None
        How to get it computed, where the study knows.
    """

    dataset: str
    protocol: str
    estimator: str
    models: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    labels: tuple[str, ...] = ()
    outcomes: tuple[tuple[FoldOutcome, ...], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    remedy: Remedy | None = None

    def __repr__(self) -> str:
        names = (self.dataset, self.protocol, self.name, "+".join(self.models))
        scores = f"accuracy={self.mean('accuracy'):.3f}, n={self.n}" if self.computed else "none"
        return f"<Cell {', '.join(names)}: {scores}>"

    @property
    def name(self) -> str:
        """The estimator with its settings: ``"reno"``, ``"reno(beta=1.5, lam=0.4)"``."""
        settings = settings_text(self.settings)
        return f"{self.estimator}({settings})" if settings else self.estimator

    @property
    def computed(self) -> bool:
        """Whether there is an outcome for every fold of every seed."""
        return bool(self.outcomes)

    @property
    def folds(self) -> tuple[FoldOutcome, ...]:
        """All folds, seed by seed."""
        return tuple(outcome for outcomes in self.outcomes for outcome in outcomes)

    @property
    def n(self) -> int:
        """Number of folds, over all seeds."""
        return len(self.folds)

    @property
    def n_collapsed(self) -> int:
        """Number of folds, over all seeds, in which the classifier did not learn."""
        return sum(outcome.score.collapsed for outcome in self.folds)

    def scores(self, metric: Metric) -> list[float]:
        """Return the score of each fold in [0, 1], seed by seed."""
        return [float(getattr(outcome.score, metric)) for outcome in self.folds]

    def mean(self, metric: Metric) -> float:
        """Return the mean over the folds of all seeds, in [0, 1]."""
        return statistics.fmean(self.scores(metric))

    def sd(self, metric: Metric) -> float:
        """Return the sample standard deviation over the folds of all seeds (n - 1).

        A single fold has none: NaN.

        Folds share clips, so it must not be divided by the root of their number to get a
        standard error; `reno_store.conclusions` has the tests.
        """
        return statistics.stdev(self.scores(metric)) if self.n > 1 else float("nan")

    def confusion(self) -> pd.DataFrame:
        """Count clips by label and by predicted label, over the folds of all seeds.

        Returns
        -------
        pandas.DataFrame of int64, shape (n_labels, n_labels)
            The index (named ``true``) holds the true labels, the columns (named
            ``predicted``) the predicted ones, both in the order of `labels`.
        """
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        for outcome in self.folds:
            np.add.at(counts, (list(outcome.true), list(outcome.predicted)), 1)
        import pandas as pd

        labels = list(self.labels)
        return pd.DataFrame(
            counts,
            index=pd.Index(labels, name="true"),
            columns=pd.Index(labels, name="predicted"),
        )


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as text.

    Examples
    --------
    >>> settings_text({"beta": 1.5, "class_weight": "balanced"})
    'beta=1.5, class_weight=balanced'
    """
    return ", ".join(f"{name}={plain(value)}" for name, value in settings.items())
