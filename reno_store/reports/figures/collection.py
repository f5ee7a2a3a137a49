"""All figures of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reno_store.conclusions import standings_of
from reno_store.reports.figures.class_f1 import class_f1_figure
from reno_store.reports.figures.confusion import confusion_figure
from reno_store.reports.figures.files import Figure, name_apart
from reno_store.reports.figures.maps import FEWEST_CLIPS, LayOut, map_figure
from reno_store.reports.figures.neighbours import embed_in_plane
from reno_store.reports.figures.scores import scores_figure
from reno_store.reports.figures.training import training_figure
from reno_store.reports.figures.transfer import transfer_figures
from reno_store.samples import Samples
from reno_store.studies import Cell, Study

__all__ = ["best_cell", "figures_of"]


def figures_of(
    study: Study,
    embeddings: Callable[[str, str], Samples] | None = None,
    seed: int = 0,
    *,
    lay_out: LayOut = embed_in_plane,
    every_confusion: bool = False,
) -> tuple[Figure, ...]:
    """Return a study's figures; nothing is drawn yet.

    Matrices across corpora first. For each dataset: all scores, confusion matrices, maps, F1 by
    class, training. Cells that were not computed are skipped.

    Parameters
    ----------
    study : Study
        Computed or not.
    embeddings : Callable, optional
        (dataset, model) -> samples; called for each model of a computed cell. Without it there
        are no maps.
    seed : int
        Seed of the maps.
    lay_out : Callable
        Computes a map; `kept_maps` returns one that keeps them.
    every_confusion : bool
        Whether every computed cell has a confusion matrix. By default, for each dataset and
        protocol, only the best cell of a single model and the best one of RENO have.

    Returns
    -------
    tuple[Figure, ...]
        With names that differ, also where case does not count.

    Raises
    ------
    Whatever `embeddings` raises.
    """
    figures: list[Figure] = []
    standings = standings_of(study)
    for facts in study.datasets:
        cells = list(study.select(dataset=facts.name, computed=True))
        protocols = [*dict.fromkeys(cell.protocol for cell in cells)]
        own = [each for each in standings if each.cell.dataset == facts.name]
        if own and facts.transfer is None:
            figures.append(scores_figure(own, facts))
        chosen = cells if every_confusion else _worth_a_look(cells, protocols)
        figures += map(confusion_figure, chosen)
        if embeddings is not None and facts.transfer is None:
            figures += _maps(study, facts.name, cells, embeddings, seed, lay_out)
        best = [best_of_each_estimator(study, facts.name, protocol) for protocol in protocols]
        figures += map(class_f1_figure, best)
        figures += [figure for each in best if (figure := training_figure(each)) is not None]
    return name_apart([*transfer_figures(study), *figures])


def _worth_a_look(cells: list[Cell], protocols: list[str]) -> Iterator[Cell]:
    for protocol in protocols:
        here = [cell for cell in cells if cell.protocol == protocol]
        alone = best_cell(cell for cell in here if len(cell.models) == 1)
        reno = best_cell(cell for cell in here if cell.estimator == "reno")
        yield from (cell for cell in (alone, reno) if cell is not None)


def _maps(
    study: Study,
    dataset: str,
    cells: list[Cell],
    embeddings: Callable[[str, str], Samples],
    seed: int,
    lay_out: LayOut,
) -> Iterator[Figure]:
    used = {model for cell in cells for model in cell.models}
    for model in study.models:
        if model.name not in used:
            continue
        samples = embeddings(dataset, model.name)
        if len(samples.y) >= FEWEST_CLIPS:
            yield map_figure(
                samples.X,
                samples.y,
                samples.groups,
                dataset=dataset,
                model=model.name,
                seed=seed,
                lay_out=lay_out,
            )


def best_cell(cells: Iterable[Cell]) -> Cell | None:
    """Return the computed cell with the highest mean accuracy; of several, the first.

    Collapsed cells count only where there are no others.
    """
    computed = [cell for cell in cells if cell.computed]
    return max(
        computed, key=lambda cell: (not cell.n_collapsed, cell.mean("accuracy")), default=None
    )


def best_of_each_estimator(study: Study, dataset: str, protocol: str) -> list[Cell]:
    """Return each estimator's best cell, in the order of the study."""
    cells = list(study.select(dataset=dataset, protocol=protocol, computed=True))
    estimators = dict.fromkeys(cell.estimator for cell in cells)
    found = [best_cell(cell for cell in cells if cell.estimator == name) for name in estimators]
    return [cell for cell in found if cell is not None]
