"""``reno-store train``: a classifier on a store's embeddings -> a folder for `predict`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from reno_cli import options, study_options
from reno_cli.printing import leave_interrupted

__all__ = ["train"]


@click.command(short_help="Train a classifier for new recordings.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME[=SPEC]",
    help="A model in the store; with SPEC (such as hf:FOLDER) where the store does not show what "
    "it was loaded from. Repeatable.",
)
@click.option(
    "--estimator",
    default="reno",
    show_default=True,
    metavar="NAME",
    help="fcn or cnn (one model), concat or reno (several), svm, logreg or a scikit-learn "
    "classifier by its class name.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The new folder.",
)
@click.option("--force", is_flag=True, help="Replace a recognizer that is there.")
@study_options.settings(
    "ESTIMATOR.PARAMETER=VALUE", "A hyperparameter, such as reno.beta=1.5. Repeatable."
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    metavar="NUMBER",
    help="Seed of the classifier and of the folds.",
)
@options.standardize
@click.option(
    "--calibrate",
    is_flag=True,
    help="Make probabilities match how often they are right, on held-out speakers.",
)
@click.option("--no-scores", is_flag=True, help="Do not cross-validate for the model card.")
@options.n_folds
@click.option(
    "--allow-missing", is_flag=True, help="Leave out clips that lack an embedding of any model."
)
@options.min_clips
@click.option(
    "--license",
    "licence",
    default="other",
    show_default=True,
    metavar="NAME",
    help="Licence of the recognizer, for its model card.",
)
@options.device
@options.jobs
@study_options.results
def train(
    store: Path,
    dataset: str,
    models: tuple[str, ...],
    estimator: str,
    output: Path,
    force: bool,
    settings: dict[str, dict[str, tuple[Any, ...]]],
    no_scores: bool,
    allow_missing: bool,
    device: str,
    **others: Any,
) -> None:
    """Train a classifier on all clips of DATASET in STORE, for `reno-store predict`.

    The folder holds weights, a config and a model card with cross-validated scores. Folds that
    `evaluate`, `tables` or `grid` have trained are reused.
    """
    from reno_store.errors import SearchError
    from reno_store.recognition.models import stored_models
    from reno_store.recognition.requests import recognizer_request
    from reno_store.recognition.targets import check_target
    from reno_store.runtime.devices import check_device
    from reno_store.samples import open_store

    check_device(device)
    found = stored_models(open_store(store), dataset, models)
    names = [model.name for model in found]
    recognizer_request(dataset, names, estimator, settings.get(estimator, {}))
    if unknown := sorted(settings.keys() - {estimator}):
        raise SearchError(f"settings of {unknown[0]!r}: expected those of {estimator!r}.")
    check_target(output, overwrite=force)
    # After the checks: these imports take seconds.
    from reno_store.recognition import save_recognizer, train_recognizer

    with warnings.catch_warnings(record=True) as caught:
        try:
            recognizer = train_recognizer(
                store,
                dataset,
                models,
                estimator=estimator,
                settings=settings.get(estimator, {}),
                scores=not no_scores,
                missing="drop" if allow_missing else "raise",
                device=device,
                **others,
            )
        except KeyboardInterrupt:
            leave_interrupted()
    for warning in caught:  # such as that the classifier did not learn
        click.echo(f"warning: {warning.message}", err=True)
    folder = save_recognizer(recognizer, output, overwrite=force)
    click.echo(f"{folder}: {', '.join(map(str, recognizer.classes_))}")
    click.echo(f"next: reno-store predict {click.format_filename(output)} RECORDING ...", err=True)
