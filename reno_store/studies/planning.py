"""A request and prepared datasets -> cells, and the folds that each is made of."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from reno_store.studies.evaluation.classifiers import find_estimator, make_estimator
from reno_store.studies.evaluation.protocols import Fold
from reno_store.studies.preparation import PreparedDataset
from reno_store.studies.recipes import fold_recipe, plain_parameters
from reno_store.studies.requests import StudyRequest
from reno_store.studies.study import Cell, ModelFacts

__all__ = ["FoldTask", "plan_cells", "plan_folds", "seconds_of_fit"]


@dataclass(frozen=True, slots=True, eq=False)
class FoldTask:
    """One fold of one cell.

    Attributes
    ----------
    cell, seed, fold : int
        Places: of the cell in the plan, of the seed in the request, of the fold in the split.
    estimator : sklearn classifier
        Not fitted.
    models : tuple[str, ...]
        Whose blocks it sees.
    protocol : str
        Name of the protocol.
    rows : (train, test)
        Row numbers.
    recipe : Mapping[str, Any]
        Everything its outcome depends on.
    work : float
        About how many seconds it takes; networks stop early, so it may be far off.
    title : str
        What it is called while it is trained.
    """

    cell: int
    seed: int
    fold: int
    estimator: BaseEstimator
    models: tuple[str, ...]
    protocol: str
    rows: Fold
    recipe: Mapping[str, Any]
    work: float
    title: str = ""


def plan_cells(
    request: StudyRequest,
    store: Path,
    prepared: PreparedDataset,
    models: Sequence[ModelFacts],
    pairs: Sequence[tuple[str, str]],
    results: Path | None = None,
) -> list[Cell]:
    """List a dataset's cells by protocol, estimator and models; none computed yet."""
    cells = []
    for protocol in request.protocols:
        for name in request.estimators:
            takes = find_estimator(name).takes
            alone = [(model.name,) for model in models if takes != "several"]
            together = list(pairs) if takes != "one" else []
            for seen in [*alone, *together]:
                obstacle = prepared.obstacle(seen, protocol)
                parameters = {}
                if obstacle is None:
                    sizes = [prepared.blocks[each].shape[1] for each in seen]
                    estimator = make_estimator(name, sizes, seed=0, device=request.device)
                    parameters = plain_parameters(estimator)
                    parameters.pop("random_state", None)
                cells.append(
                    Cell(
                        dataset=prepared.facts.name,
                        protocol=protocol,
                        estimator=name,
                        models=tuple(seen),
                        seeds=request.seeds,
                        labels=tuple(prepared.facts.labels),
                        parameters=parameters,
                        reason=obstacle.reason if obstacle else "",
                        command=obstacle.command
                        if obstacle
                        else _command(
                            request, store, results, prepared.facts.name, protocol, name, seen
                        ),
                    )
                )
    return cells


def plan_folds(
    request: StudyRequest,
    prepared: PreparedDataset,
    cells: Sequence[Cell],
) -> Iterator[FoldTask]:
    """List the folds of a dataset's cells that can be computed."""
    for place, cell in enumerate(cells):
        if cell.reason:
            continue
        sizes = [prepared.blocks[name].shape[1] for name in cell.models]
        for seed_place, seed in enumerate(request.seeds):
            estimator = make_estimator(cell.estimator, sizes, seed=seed, device=request.device)
            for fold_place, rows in enumerate(prepared.folds[cell.protocol, seed]):
                yield FoldTask(
                    cell=place,
                    seed=seed_place,
                    fold=fold_place,
                    estimator=estimator,
                    models=cell.models,
                    protocol=cell.protocol,
                    rows=rows,
                    recipe=fold_recipe(
                        clips=prepared.clips,
                        blocks=[prepared.hashes[name] for name in cell.models],
                        estimator=estimator,
                        protocol=cell.protocol,
                        fold=rows,
                        standardize=request.standardize,
                    ),
                    work=seconds_of_fit(cell.estimator, sizes, len(rows[0])),
                    title=f"{find_estimator(cell.estimator).title} on {' + '.join(cell.models)}, "
                    f"protocol {cell.protocol}, seed {seed}, fold {fold_place + 1}",
                )


# Seconds for a thousand clips: a constant, what a thousand columns add, and what the square
# of a model's thousands of columns adds (attention over positions).
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


def _command(
    request: StudyRequest,
    store: Path,
    results: Path | None,
    dataset: str,
    protocol: str,
    estimator: str,
    models: Sequence[str],
) -> str:
    """Write the command that gives a cell's numbers anew, whatever has been kept."""
    if request.allow_missing:
        # Which clips are left out depends on all models together, so the study is the command.
        return request.command(store, results)
    words = ["reno-store", "evaluate", str(store), dataset]
    for name in models:
        words += ["--model", name]
    words += ["--estimator", estimator, "--protocol", protocol, "--folds", str(request.n_folds)]
    words += ["--seeds", ",".join(map(str, request.seeds))]
    words += [] if request.standardize else ["--as-stored"]
    words += [] if request.min_clips == 1 else ["--min-clips", str(request.min_clips)]
    words += [] if request.device == "cpu" else ["--device", request.device]
    return shlex.join(words)
