"""``reno-store evaluate``: cross-validate classifiers on a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reno_cli import options, study_options
from reno_cli.printing import print_wide

__all__ = ["evaluate"]


@click.command(short_help="Cross-validate classifiers on a store.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset", required=False)
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
    metavar="NAME",
    help=f"{options.PROTOCOL_HELP} Repeatable; by default paper.",
)
@study_options.across
@study_options.shared
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    store: Path,
    dataset: str | None,
    models: tuple[str, ...],
    estimators: tuple[str, ...],
    protocols: tuple[str, ...],
    train_on: tuple[str, ...],
    test_on: tuple[str, ...],
    label_map: dict[str, Any],
    as_json: bool,
    results: Path | None,
    n_jobs: int,
    dask: str | None,
    **others: Any,
) -> None:
    """Cross-validate classifiers on the embeddings in STORE of DATASET.

    With --train-on and --test-on in place of DATASET, classifiers are trained on all clips of some
    datasets and tested on all clips of another whose labels occur in both.

    Each finished fold is kept, and shared with `tables` and `grid`: nothing is trained twice. The
    exit code is 1 if no classifier could be trained.
    """
    from reno_store.samples import open_store
    from reno_store.studies.evaluation_requests import evaluation_request
    from reno_store.studies.requests import StudyRequest
    from reno_store.studies.transfer_requests import transfer_request

    _check_datasets(dataset, train_on, test_on)
    opened = open_store(store)
    for name in filter(None, (dataset, *train_on, *test_on)):
        opened.check_names(name, models)
    if dataset is not None:
        request: StudyRequest = evaluation_request(
            dataset,
            models,
            estimators,
            protocols=protocols or ("paper",),
            **label_map,
            **others,
        )
    elif protocols:
        raise click.UsageError("--train-on and --test-on make the fold; leave out --protocol.")
    else:
        request = transfer_request(train_on, test_on[0], models, estimators, **label_map, **others)
    study_options.check(store, request)
    # After the checks: these imports take seconds.
    from reno_store.reports.tables.document import conclusions_json
    from reno_store.reports.tables.views import evaluation_renderable
    from reno_store.studies import run_study, study_json

    study = study_options.run(
        lambda client: run_study(
            store,
            request,
            results=results,
            n_jobs=n_jobs,
            client=client,
            strict=True,
            remember=False,
        ),
        n_jobs,
        dask,
    )
    if as_json:
        values = {**study_json(study), "conclusions": conclusions_json(study)}
        click.echo(json.dumps(values, indent=2))
    else:
        print_wide(evaluation_renderable(study))
    if not any(cell.computed for cell in study.cells):
        sys.exit(1)


def _check_datasets(dataset: str | None, train_on: Sequence[str], test_on: Sequence[str]) -> None:
    """Check that there is one dataset, or datasets to train on and one to test on."""
    if dataset is not None and not (train_on or test_on):
        return
    if dataset is None and train_on and len(test_on) == 1:
        return
    got = [f"DATASET {dataset}"] * (dataset is not None)
    got += [f"--train-on {name}" for name in train_on] + [f"--test-on {name}" for name in test_on]
    raise click.UsageError(
        "expected DATASET, or --train-on (one or more) and one --test-on; got "
        f"{', '.join(got) or 'neither'}. `tables` evaluates several pairs."
    )
