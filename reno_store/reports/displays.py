"""Figures of a study for notebooks and scripts, with the conventions of scikit-learn's displays.

``from_study`` computes what is shown and draws it; ``plot`` draws it again, also on other axes.
Afterwards ``ax_`` and ``figure_`` are the axes and the figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reno_store.conclusions import Standing, standings_of
from reno_store.conclusions.answer import RANKS_FIRST
from reno_store.conclusions.names import cell_title
from reno_store.errors import Remedy, RenoStoreError, UnknownNameError
from reno_store.reports.figures.collection import best_cell
from reno_store.reports.figures.confusion import confusion_figure, draw_confusion, label_columns
from reno_store.reports.figures.scores import draw_scores, scores_figure
from reno_store.reports.figures.style import axes_size, drawing_state, fit, known_to_pyplot
from reno_store.reports.figures.text import wrap
from reno_store.reports.leaderboard import select_cells
from reno_store.studies import METRICS, Cell, DatasetFacts, Study
from reno_store.studies.scores import Metric

__all__ = ["ConfusionDisplay", "ScoresDisplay"]


class ScoresDisplay:
    """Every cell of a dataset: means as marks, 95 % intervals as lines, guessing dotted.

    Parameters
    ----------
    standings : Sequence[Standing]
        Of computed cells of one dataset and one metric, at least one; see `standings_of`.
    facts : DatasetFacts
        The dataset.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Their figure.
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, standings: Sequence[Standing], facts: DatasetFacts) -> None:
        self.standings = tuple(standings)
        self.facts = facts

    @classmethod
    def from_study(
        cls,
        study: Study,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        metric: Metric = "accuracy",
        ax: Axes | None = None,
    ) -> ScoresDisplay:
        """Draw the cells of a study; see `Study.plot_scores`."""
        if metric not in METRICS:
            raise UnknownNameError.among("metric", metric, METRICS)
        name = _only_dataset(study, dataset)
        chosen = {id(cell) for cell in _computed(study, name, protocol)}
        standings = [each for each in standings_of(study, metric) if id(each.cell) in chosen]
        return cls(standings, study.dataset(name)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> ScoresDisplay:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw, in the style that you have set. By default a new figure, as large as
            the number of cells needs.

        Returns
        -------
        ScoresDisplay
            Itself.
        """
        if ax is None:
            with known_to_pyplot():
                ax = scores_figure(self.standings, self.facts).draw().axes[0]
        else:
            draw_scores(ax, self.standings, self.facts)
        self.ax_, self.figure_ = ax, _figure_of(ax)
        return self


class ConfusionDisplay:
    """The confusion matrix of a cell: clips, and per cent of each true label.

    Parameters
    ----------
    cell : Cell
        A computed cell.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Their figure.
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    @classmethod
    def from_study(
        cls,
        study: Study,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        estimator: str | None = None,
        models: str | Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        ax: Axes | None = None,
    ) -> ConfusionDisplay:
        """Draw the best of the cells that match; see `Study.plot_confusion`."""
        cells = _computed(study, _only_dataset(study, dataset), protocol)
        if protocol is None:
            here = [cell.protocol for cell in cells]
            protocol = next((name for name in RANKS_FIRST if name in here), here[0])
        names = (models,) if isinstance(models, str) else models
        _check_choices("estimator", estimator, (cell.estimator for cell in cells))
        for model in names or ():
            _check_choices("model", model, (name for cell in cells for name in cell.models))
        matching = [
            cell
            for cell in cells
            if cell.protocol == protocol
            and estimator in (None, cell.estimator)
            and (names is None or tuple(names) == cell.models)
            and (settings is None or dict(settings) == dict(cell.settings))
        ]
        best = best_cell(matching)
        if best is None:
            wanted = {"estimator": estimator, "models": names, "settings": settings}
            shown = ", ".join(f"{name} {value!r}" for name, value in wanted.items() if value)
            known = "; ".join(cell_title(cell) for cell in cells if cell.protocol == protocol)
            raise RenoStoreError(
                f"no computed cell under protocol {protocol} has {shown}. Computed are: {known}."
            )
        return cls(best).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> ConfusionDisplay:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw, in the style that you have set. By default a new figure, as large as
            the number of labels needs.

        Returns
        -------
        ConfusionDisplay
            Itself.
        """
        title = f"{cell_title(self.cell)}, {self.cell.protocol}"
        if ax is None:
            with known_to_pyplot(), drawing_state():
                canvas = confusion_figure(self.cell).draw()
                ax = canvas.axes[0]
                height = axes_size(ax)[1]
                canvas.set_layout_engine("constrained")
                canvas.suptitle("\n".join(wrap(title, canvas.get_figwidth() - 0.1)))
                fit(ax, height=height)
        else:
            draw_confusion(ax, self.cell.confusion().to_numpy(), self.cell.labels)
            label_columns(ax, self.cell.labels, axes_size(ax)[0] / len(self.cell.labels))
            ax.set_title(title)
        self.ax_, self.figure_ = ax, _figure_of(ax)
        return self


def _only_dataset(study: Study, dataset: str | None) -> str:
    """Return the dataset that is named, or the only one with results."""
    computed = dict.fromkeys(cell.dataset for cell in study.cells if cell.computed)
    if dataset is None and len(computed) == 1:
        return next(iter(computed))
    if dataset is None:
        names = ", ".join(computed) or "none"
        raise RenoStoreError(
            f"the study has results of several datasets or none: {names}.",
            Remedy("Name one", {"dataset": ...}),
        )
    return dataset


def _computed(study: Study, dataset: str, protocol: str | None) -> list[Cell]:
    cells = select_cells(study, dataset=dataset, protocol=protocol)
    if not cells:
        under = f" under protocol {protocol}" if protocol else ""
        raise RenoStoreError(f"dataset {dataset} has no results{under}; `Cell.reason` says why.")
    return cells


def _check_choices(kind: str, name: str | None, choices: Any) -> None:
    known = set(choices)
    if name is not None and name not in known:
        raise UnknownNameError.among(f"{kind} of the study", name, known)


def _figure_of(ax: Axes) -> Figure:
    return cast("Figure", ax.get_figure(root=True))
