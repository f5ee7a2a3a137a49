"""``reno-store tables``: the paper's Tables I and II for what a store holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reno_cli import options
from reno_cli.printing import check_output, leave_interrupted, print_wide, write_text

if TYPE_CHECKING:
    from reno_store.studies import Study, StudyRequest

__all__ = ["tables"]

_FORM_OF_ENDING = {".md": "markdown", ".csv": "csv", ".tex": "latex", ".json": "json"}
_DEFAULT_ESTIMATORS = ("fcn", "cnn", "concat", "reno", "logreg")


def _pairs(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Take pairs of models, with a comma between the two."""
    pairs = []
    for value in values:
        first, comma, second = value.partition(",")
        if not (first and comma and second) or "," in second:
            raise click.BadParameter(f"{value!r}: expected two models, as in mfcc,logmel")
        pairs.append((first, second))
    return tuple(pairs)


def _paper_names(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Take which of the paper's datasets a dataset is."""
    names = {}
    for value in values:
        dataset, sign, name = value.partition("=")
        if not (dataset and sign and name):
            raise click.BadParameter(f"{value!r}: expected DATASET=NAME, as in mine=jnv")
        names[dataset] = name
    return names


@click.command(short_help="Tables I and II of the paper, for what a store holds.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A model. Repeatable; by default all that the store holds and, for the paper's datasets, "
    "all of the paper's.",
)
@click.option(
    "--pair",
    "pairs",
    multiple=True,
    callback=_pairs,
    metavar="NAME,NAME",
    help="Two models to fuse. Repeatable; by default every two, but not two Audio-Mambas.",
)
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    metavar="NAME",
    help="What else to evaluate besides fcn, cnn, concat, reno and logreg: svm, rf, or a "
    "scikit-learn classifier by its class name. Repeatable.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(_DEFAULT_ESTIMATORS),
    help="Which of the five to leave out. Repeatable.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    default=("paper", "speaker"),
    show_default=True,
    metavar="NAME",
    help=f"{options.PROTOCOL_HELP} Repeatable.",
)
@options.n_folds
@options.seeds
@options.standardize
@click.option(
    "--allow-missing",
    is_flag=True,
    help="Leave clips out that lack an embedding of any model, for all models.",
)
@options.min_clips
@click.option(
    "--as-in-paper",
    "paper_names",
    multiple=True,
    callback=_paper_names,
    metavar="DATASET=NAME",
    help="Which of the paper's datasets (asvp-esd, jnv, vivae) a dataset is, if its name does not "
    "tell. Repeatable.",
)
@options.device
@options.jobs
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Folder in which each fold's outcome is kept; by default MY.results beside MY.zarr.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", *_FORM_OF_ENDING.values()]),
    help="What to print; by default terminal, or what the ending of --output names.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to a file instead: .md, .csv, .tex or .json.",
)
def tables(
    store: Path,
    datasets: tuple[str, ...],
    models: tuple[str, ...],
    pairs: tuple[tuple[str, str], ...],
    estimators: tuple[str, ...],
    without: tuple[str, ...],
    protocols: tuple[str, ...],
    n_folds: int,
    seeds: tuple[int, ...],
    standardize: bool,
    allow_missing: bool,
    min_clips: int,
    paper_names: dict[str, str],
    device: str,
    n_jobs: int,
    results: Path | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Make the paper's Tables I and II of the datasets of STORE (all of them, unless named).

    Each fold is kept when it is finished: what is interrupted goes on where it was, and what is
    there already is not computed again. Cells that cannot be computed say why. The exit code is 1
    if none could.
    """
    from reno_store.runtime.devices import check_device
    from reno_store.samples import open_store
    from reno_store.studies import StudyRequest
    from reno_store.studies.models import check_models

    form = _form(form, output)
    if output is not None:
        check_output(output)
    opened = open_store(store)
    request = StudyRequest(
        datasets=datasets or opened.datasets,
        models=models,
        pairs=pairs,
        estimators=tuple(
            dict.fromkeys(
                (*(each for each in _DEFAULT_ESTIMATORS if each not in without), *estimators)
            )
        ),
        protocols=protocols,
        n_folds=n_folds,
        seeds=seeds,
        standardize=standardize,
        allow_missing=allow_missing,
        min_clips=min_clips,
        paper_names=paper_names,
        device=device,
    )
    check_device(device)
    check_models(request, opened)
    study = _run(store, request, results, n_jobs)
    click.echo(
        f"{study.n_trained:,} folds trained, {study.n_served:,} kept from before; all are in "
        f"{study.results}",
        err=True,
    )
    _show(study, form, output)
    if not any(cell.computed for cell in study.cells):
        sys.exit(1)


def _form(form: str | None, output: Path | None) -> str:
    if output is None:
        return form or "terminal"
    form = form or _FORM_OF_ENDING.get(output.suffix)
    if form is None or form == "terminal":
        endings = ", ".join(_FORM_OF_ENDING)
        raise click.UsageError(f"--output {output}: expected an ending of {endings}, or --format.")
    return form


def _run(store: Path, request: StudyRequest, results: Path | None, n_jobs: int) -> Study:
    from reno_store.studies import run_study

    try:
        return run_study(store, request, results=results, n_jobs=n_jobs)
    except KeyboardInterrupt:
        leave_interrupted()


def _show(study: Study, form: str, output: Path | None) -> None:
    from reno_cli.report_commands import ShellCommands
    from reno_store.conclusions import claims_of, compare_study
    from reno_store.reports.tables import render, study_renderable

    comparisons = compare_study(study)
    claims, commands = claims_of(study, comparisons), ShellCommands()
    if output is None and form == "terminal":
        print_wide(
            study_renderable(study, claims=claims, comparisons=comparisons, commands=commands)
        )
        return
    text = render(study, form, claims=claims, comparisons=comparisons, commands=commands)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
        click.echo(output)
