"""A study: the results of a request, cell by cell, with the outcome of every fold.

Tables, statistics, figures and the page are made from this alone, so they all show the same
numbers.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reno_store.errors import Remedy
from reno_store.runtime.numbers import count, plain
from reno_store.runtime.places import Place
from reno_store.studies.corpus_pairs import Transfer
from reno_store.studies.requests import StudyRequest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from reno_store.reports.displays import ConfusionDisplay, ScoresDisplay
    from reno_store.studies.outcomes import FoldOutcome
    from reno_store.studies.scores import Metric

__all__ = ["Cell", "DatasetFacts", "Family", "ModelFacts", "Study", "settings_text"]

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


@dataclass(frozen=True, slots=True)
class Study:
    """The results of a request.

    Attributes
    ----------
    store : Path
        The store's folder.
    results : Path
        Folder of kept results.
    request : StudyRequest
        What was evaluated.
    datasets : tuple[DatasetFacts, ...]
        In the order of the request; then pairs of corpora.
    models : tuple[ModelFacts, ...]
        In the paper's order, then by name.
    cells : tuple[Cell, ...]
        By dataset, protocol, estimator and models.
    n_served, n_trained : int
        Folds that were reused, and folds that were trained for this study.
    notes : tuple[str, ...]
        Further remarks, such as on damaged results.
    versions : Mapping[str, str]
        Package -> version.
    """

    store: Place
    results: Path
    request: StudyRequest
    datasets: tuple[DatasetFacts, ...]
    models: tuple[ModelFacts, ...]
    cells: tuple[Cell, ...]
    n_served: int = 0
    n_trained: int = 0
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join(each.name for each in self.datasets)
        n_computed = sum(cell.computed for cell in self.cells)
        return f"<Study of {names}: {n_computed} of {count(len(self.cells), 'cell')} computed>"

    def select(
        self,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        estimator: str | None = None,
        models: tuple[str, ...] | None = None,
        settings: Mapping[str, Any] | None = None,
        computed: bool | None = None,
    ) -> Iterator[Cell]:
        """Yield the cells that match, in order."""
        wanted: dict[str, Any] = {"dataset": dataset, "protocol": protocol, "estimator": estimator}
        wanted |= {"models": models, "settings": settings, "computed": computed}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for cell in self.cells:
            if all(getattr(cell, name) == value for name, value in wanted.items()):
                yield cell

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of its datasets: those that have results, else those of its pairs of corpora."""
        alone = tuple(each.name for each in self.datasets if each.transfer is None)
        return alone or self.request.datasets

    def dataset(self, name: str) -> DatasetFacts:
        """Return a dataset by name."""
        return next(each for each in self.datasets if each.name == name)

    def model(self, name: str) -> ModelFacts:
        """Return a model by name."""
        return next(each for each in self.models if each.name == name)

    def to_frame(self, *, folds: bool = False) -> pd.DataFrame:
        """Return the scores, in [0, 1], as a table.

        Parameters
        ----------
        folds : bool
            Whether there is one row per fold of each cell. By default there is one per cell.

        Returns
        -------
        pandas.DataFrame
            Columns ``dataset``, ``protocol``, ``estimator``, ``settings`` (such as
            ``beta=1.5, lam=0.4``, empty by default), ``models`` (joined by ``+``), and

            - per cell: mean and ``_sd`` (n - 1) of ``accuracy``, ``macro_f1`` and
              ``balanced_accuracy`` over the folds of all seeds, ``n`` (folds),
              ``n_collapsed`` and ``reason`` (why it was not computed). Scores of cells that
              were not computed are NaN.
            - per fold: ``seed``, ``fold`` (from 1), ``speaker``, the three scores,
              ``n_train``, ``n_test``, ``n_labels`` and ``collapsed``.
        """
        from reno_store.studies.frames import frame_of_cells, frame_of_folds

        return frame_of_folds(self.cells) if folds else frame_of_cells(self.cells)

    def leaderboard(
        self,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        metric: Metric = "accuracy",
    ) -> pd.DataFrame:
        """Return the computed cells, the best first, with intervals and what guessing scores.

        Parameters
        ----------
        dataset, protocol : str, optional
            Only this dataset or protocol; all by default.
        metric : str
            ``"accuracy"``, ``"macro_f1"`` or ``"balanced_accuracy"``: what it is sorted by.

        Returns
        -------
        pandas.DataFrame
            One row per cell, sorted within each dataset and protocol; cells with a collapsed
            fold come last. All scores are in [0, 1]. Columns:

            - ``rank`` (from 1, within its dataset and protocol), ``dataset``, ``protocol``,
              ``estimator``, ``settings`` and ``models``, as in `to_frame`.
            - the metric, its mean over the folds of all seeds; ``low`` and ``high``, the ends of
              its 95 % confidence interval (Nadeau and Bengio's variance, because folds share
              training clips), NaN for a single fold.
            - ``chance``, one over the number of labels, and ``majority``, what always guessing
              the most frequent one scores; ``beats_guessing``, whether the score is higher at
              5 % (paired corrected test on the same folds, Holm over the cells of the dataset
              and protocol), NA where it cannot be tested.
            - the means of the other two metrics, ``n`` (folds) and ``n_collapsed``.

            Whether two intervals overlap is no test of their difference; `compare_study` tests
            differences.

        Raises
        ------
        UnknownNameError
            If the study has no such dataset or protocol, or there is no such metric.
        """
        from reno_store.reports.leaderboard import leaderboard_of

        return leaderboard_of(self, dataset=dataset, protocol=protocol, metric=metric)

    def plot_scores(
        self,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        metric: Metric = "accuracy",
        ax: Axes | None = None,
    ) -> ScoresDisplay:
        """Draw the score of every computed cell with its interval, sorted, next to guessing.

        Parameters
        ----------
        dataset : str, optional
            Which dataset; may be left out if only one has results.
        protocol : str, optional
            Only this protocol. By default all are drawn together, and ``speaker``, ``loso`` or
            ``paper``, the first that there is, sorts them.
        metric : str
            ``"accuracy"``, ``"macro_f1"`` or ``"balanced_accuracy"``.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        ScoresDisplay
            With the axes as ``ax_`` and the figure as ``figure_``.

        Raises
        ------
        UnknownNameError
            If the study has no such dataset or protocol, or there is no such metric.
        RenoStoreError
            If nothing was computed, or no dataset is named and several have results.
        """
        from reno_store.reports.displays import ScoresDisplay

        return ScoresDisplay.from_study(
            self, dataset=dataset, protocol=protocol, metric=metric, ax=ax
        )

    def plot_confusion(
        self,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        estimator: str | None = None,
        models: str | Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        ax: Axes | None = None,
    ) -> ConfusionDisplay:
        """Draw the confusion matrix of a cell: of those that match, the one that scores best.

        Parameters
        ----------
        dataset : str, optional
            Which dataset; may be left out if only one has results.
        protocol : str, optional
            Which protocol; by default ``speaker``, ``loso`` or ``paper``, the first that there
            is.
        estimator : str, optional
            Which estimator; any by default.
        models : str or Sequence[str], optional
            The model, or all that are fused, in their order; any by default.
        settings : Mapping[str, Any], optional
            The hyperparameters that the request set; any by default.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        ConfusionDisplay
            With the axes as ``ax_``, the figure as ``figure_`` and the cell as ``cell``.

        Raises
        ------
        UnknownNameError
            If the study has no such dataset, protocol, estimator or model.
        RenoStoreError
            If no computed cell matches, or no dataset is named and several have results.
        """
        from reno_store.reports.displays import ConfusionDisplay

        return ConfusionDisplay.from_study(
            self,
            dataset=dataset,
            protocol=protocol,
            estimator=estimator,
            models=models,
            settings=settings,
            ax=ax,
        )

    def _repr_html_(self) -> str:
        from reno_store.reports.leaderboard import html_of

        return html_of(self)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as text.

    Examples
    --------
    >>> settings_text({"beta": 1.5, "class_weight": "balanced"})
    'beta=1.5, class_weight=balanced'
    """
    return ", ".join(f"{name}={plain(value)}" for name, value in settings.items())
