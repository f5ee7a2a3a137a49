"""``reno-store evaluate``: cross-validate classifiers on a store."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from reno_cli import options, study_options
from reno_cli.printing import print_wide

__all__ = ["evaluate"]


@click.command(short_help="Cross-validate classifiers on a store.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@study_options.models
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
@study_options.shared
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    store: Path,
    dataset: str,
    models: tuple[str, ...],
    estimators: tuple[str, ...],
    as_json: bool,
    results: Path | None,
    n_jobs: int,
    **others: Any,
) -> None:
    """Cross-validate classifiers on the embeddings in STORE of DATASET.

    Each finished fold is kept, and shared with `tables` and `grid`: nothing is trained twice. The
    exit code is 1 if no classifier could be trained.
    """
    from reno_store.samples import open_store
    from reno_store.studies.requests import evaluation_request

    open_store(store).check_names(dataset, models)
    request = evaluation_request(dataset, models, estimators, **others)
    study_options.check(store, request)
    # After the checks: these imports take seconds.
    from reno_store.reports.tables.views import evaluation_renderable
    from reno_store.studies import run_study, study_json

    study = study_options.run(
        lambda: run_study(
            store, request, results=results, n_jobs=n_jobs, strict=True, remember=False
        )
    )
    if as_json:
        click.echo(json.dumps(study_json(study), indent=2))
    else:
        print_wide(evaluation_renderable(study))
    if not any(cell.computed for cell in study.cells):
        sys.exit(1)
