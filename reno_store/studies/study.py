"""A study: the results of a request, cell by cell, with the outcome of every fold.

Tables, statistics, figures and the page are made from this alone, so they all show the same
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reno_store.runtime.numbers import count
from reno_store.runtime.places import Place
from reno_store.studies.cells import Cell, DatasetFacts, Family, ModelFacts, settings_text
from reno_store.studies.requests import StudyRequest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from reno_store.reports.displays import ConfusionDisplay, ScoresDisplay
    from reno_store.studies.scores import Metric

__all__ = ["Cell", "DatasetFacts", "Family", "ModelFacts", "Study", "settings_text"]


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
