"""A request and a prepared dataset -> cells, and the folds that each consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator

from reno_store.studies.classifiers import find_estimator, make_estimator
from reno_store.studies.ledger import hash_json
from reno_store.studies.preparation import PreparedDataset
from reno_store.studies.protocols import PROTOCOLS, Fold
from reno_store.studies.recipes import estimator_recipe, fold_recipe, plain_parameters
from reno_store.studies.requests import StudyRequest
from reno_store.studies.settings import combinations
from reno_store.studies.study import Cell, ModelFacts

__all__ = ["FoldTask", "plan_cells", "plan_folds", "seconds_of_fit"]


@dataclass(frozen=True, slots=True, eq=False)
class FoldTask:
    """One fold of one cell.

    Attributes
    ----------
    cell, seed, fold : int
        Index of the cell in the plan, of the seed in the request, of the fold in the split.
    estimator : sklearn classifier
        Not fitted.
    models : tuple[str, ...]
        Models whose blocks it is trained on.
    protocol : str
        Name of the protocol.
    rows : (train, test)
        Row numbers.
    recipe : Mapping[str, Any]
        Everything that its outcome depends on.
    key : str
        Hash of the recipe. Folds with one key have one outcome, such as those of RENO with λ = 1
        and any β and δ.
    together : bool
        Whether it is trained together with others, on a GPU.
    work : float
        Rough forecast of the seconds it takes; networks stop early, so it may be far off.
    title : str
        Its name in progress bars.
    """

    cell: int
    seed: int
    fold: int
    estimator: BaseEstimator
    models: tuple[str, ...]
    protocol: str
    rows: Fold
    recipe: Mapping[str, Any]
    key: str
    together: bool
    work: float
    title: str = ""


def plan_cells(
    request: StudyRequest,
    prepared: PreparedDataset,
    models: Sequence[ModelFacts],
    pairs: Sequence[tuple[str, ...]],
    protocols: Sequence[str] | None = None,
) -> list[Cell]:
    """List a dataset's cells by protocol, estimator, settings and models; none computed yet.

    Under the protocols that divide a single dataset, unless others are given.
    """
    alone = [(model.name,) for model in models]
    cells = []
    for protocol in request.within if protocols is None else protocols:
        for name, named in zip(request.estimator_names, request.estimators, strict=True):
            takes = find_estimator(named).takes
            by_itself = takes == "one" or (takes == "any" and request.alone)
            seen = [*alone * by_itself, *list(pairs) * (takes != "one")]
            for settings in combinations(request.settings.get(name, {})):
                for each in seen:
                    obstacle = prepared.obstacle(each, protocol)
                    parameters = {}
                    if obstacle is None:
                        estimator = _estimator(request, prepared, name, each, settings)
                        parameters = plain_parameters(estimator)
                        parameters.pop("random_state", None)
                    cells.append(
                        Cell(
                            dataset=prepared.facts.name,
                            protocol=protocol,
                            estimator=name,
                            models=tuple(each),
                            seeds=request.seeds,
                            labels=tuple(prepared.facts.labels),
                            parameters=parameters,
                            settings=settings,
                            reason=obstacle.reason if obstacle else "",
                            remedy=obstacle.remedy if obstacle else None,
                        )
                    )
    return cells


def plan_folds(
    request: StudyRequest, prepared: PreparedDataset, cells: Sequence[Cell]
) -> Iterator[FoldTask]:
    """Yield the folds of the cells that can be computed."""
    for place, cell in enumerate(cells):
        if cell.reason:
            continue
        sizes = [prepared.blocks[name].shape[1] for name in cell.models]
        title = find_estimator(request.named(cell.estimator)).title
        for seed_place, seed in enumerate(request.seeds):
            estimator = _estimator(
                request, prepared, cell.estimator, cell.models, cell.settings, seed
            )
            of_estimator = estimator_recipe(estimator)
            for fold_place, rows in enumerate(prepared.folds[cell.protocol, seed]):
                recipe = fold_recipe(
                    clips=prepared.clips,
                    blocks=[prepared.hashes[name] for name in cell.models],
                    estimator=of_estimator,
                    # The protocols across corpora share the folds of a pair.
                    protocol="cross-corpus" if PROTOCOLS[cell.protocol].across else cell.protocol,
                    fold=rows,
                    standardize=request.standardize,
                )
                yield FoldTask(
                    cell=place,
                    seed=seed_place,
                    fold=fold_place,
                    estimator=estimator,
                    models=cell.models,
                    protocol=cell.protocol,
                    rows=rows,
                    recipe=recipe,
                    key=hash_json(recipe),
                    together="fitted" in recipe,
                    work=seconds_of_fit(cell.estimator, sizes, len(rows[0])),
                    title=f"{cell.name.replace(cell.estimator, title, 1)} on "
                    f"{' + '.join(cell.models)}, protocol {cell.protocol}, seed {seed}, fold "
                    f"{fold_place + 1}",
                )


def _estimator(
    request: StudyRequest,
    prepared: PreparedDataset,
    name: str,
    models: Sequence[str],
    settings: Mapping[str, Any],
    seed: int = 0,
) -> BaseEstimator:
    sizes = [prepared.blocks[each].shape[1] for each in models]
    return make_estimator(
        request.named(name), sizes, seed=seed, device=request.device, settings=settings
    )


# Seconds per thousand clips: a constant, a term per thousand columns, and a term per square of
# each model's thousands of columns (attention over positions).
_SECONDS: Mapping[str, tuple[float, float, float]] = {
    "fcn": (0.8, 0.6, 0.0),
    "cnn": (2.0, 22.0, 0.0),
    "concat": (2.0, 16.0, 0.0),
    "reno": (8.0, 12.0, 22.0),
}
_SECONDS_OF_OTHERS = (0.5, 1.0, 0.0)


def seconds_of_fit(estimator: str, sizes: Sequence[int], n_train: int) -> float:
    """Forecast roughly how many seconds a fit takes on one core.

    Parameters
    ----------
    estimator : str
        Name of the estimator.
    sizes : Sequence[int]
        Columns of each model.
    n_train : int
        Clips to train on.
    """
    constant, linear, squared = _SECONDS.get(estimator, _SECONDS_OF_OTHERS)
    thousands = [size / 1000 for size in sizes]
    seconds = constant + linear * sum(thousands) + squared * sum(each**2 for each in thousands)
    return n_train / 1000 * seconds
