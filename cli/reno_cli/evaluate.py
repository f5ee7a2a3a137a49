"""``reno-store evaluate``: cross-validate classifiers on a store."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reno_cli import options
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
    "a scikit-learn classifier by its class name (both ways). Repeatable; by default logreg and "
    "those of the first four that the number of models allows.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    default=("paper",),
    show_default=True,
    metavar="NAME",
    help=f"{options.PROTOCOL_HELP} Repeatable.",
)
@options.n_folds
@options.seeds
@options.standardize
@click.option("--allow-missing", is_flag=True, help="Leave out clips without an embedding.")
@options.min_clips
@options.device
@options.jobs
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
    min_clips: int,
    device: str,
    n_jobs: int,
    as_json: bool,
) -> None:
    """Cross-validate classifiers on the embeddings that STORE holds for DATASET."""
    from reno_store.studies.checking import check_comparison

    # Before the imports below, which take seconds.
    check_comparison(
        store,
        dataset,
        models=models,
        estimators=estimators,
        protocols=protocols,
        seed=seeds,
        device=device,
    )
    from reno_store.studies import evaluate_store
    from reno_store.studies.comparison_table import comparison_table

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
        min_clips=min_clips,
    )
    if as_json:
        click.echo(json.dumps(comparison.to_dict(), indent=2))
    else:
        print_wide(comparison_table(comparison))
