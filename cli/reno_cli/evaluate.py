"""``reno-store evaluate``: cross-validate classifiers on a store."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reno_cli.options import numbers
from reno_cli.printing import print_wide

__all__ = ["evaluate"]


@click.command(short_help="Cross-validate classifiers on a store.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A model in the store. Give it once for each model.",
)
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    metavar="NAME",
    help="fcn or cnn (on each model), concat or reno (on all models together), svm, logreg, rf or "
    "a classifier of scikit-learn by its class's name (both ways). Repeatable; by default those of "
    "the first four that the number of models allows.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    default=("paper",),
    show_default=True,
    metavar="NAME",
    help="paper (stratified, shuffled), speaker (no speaker on both sides) or loso (leave one "
    "speaker out). Repeatable.",
)
@click.option(
    "--folds",
    "n_folds",
    default=5,
    show_default=True,
    type=int,
    help="How many folds; loso has one a speaker.",
)
@click.option(
    "--seed",
    "--seeds",
    "seeds",
    default="0",
    show_default=True,
    callback=numbers,
    metavar="NUMBERS",
    help="Seeds folds and classifiers. Several, as in 0,1,2, repeat everything with each.",
)
@click.option(
    "--standardize/--as-stored",
    default=True,
    show_default=True,
    help="Scale the embeddings by each training fold's mean and standard deviation, or not.",
)
@click.option("--allow-missing", is_flag=True, help="Leave out clips without an embedding.")
@click.option(
    "--device", default="cpu", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)
@click.option(
    "--jobs",
    "n_jobs",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Processes over the folds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    store: Path,
    dataset: str,
    models: tuple[str, ...],
    estimators: tuple[str, ...],
    protocols: tuple[str, ...],
    n_folds: int,
    seeds: tuple[int, ...],
    standardize: bool,
    allow_missing: bool,
    device: str,
    n_jobs: int,
    as_json: bool,
) -> None:
    """Cross-validate classifiers on the embeddings that STORE holds for DATASET."""
    from reno_store.evaluation import evaluate_store
    from reno_store.evaluation.tables import comparison_table

    comparison = evaluate_store(
        store,
        dataset,
        models=models,
        estimators=estimators,
        protocols=protocols,
        n_folds=n_folds,
        seed=seeds,
        standardize=standardize,
        device=device,
        n_jobs=n_jobs,
        missing="drop" if allow_missing else "raise",
    )
    if as_json:
        click.echo(json.dumps(comparison.to_dict(), indent=2))
    else:
        print_wide(comparison_table(comparison))
