"""``reno-store tables``: the paper's Tables I and II for the embeddings in a store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reno_cli import options, study_options
from reno_cli.printing import check_output, print_wide
from reno_store.studies.classifiers import DEFAULT_ESTIMATORS

if TYPE_CHECKING:
    from reno_store.studies import Study

__all__ = ["tables"]

_FORM_OF_ENDING = {".md": "markdown", ".csv": "csv", ".tex": "latex", ".json": "json"}


def _paper_names(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Read which of the paper's datasets a dataset is."""
    names = {}
    for value in values:
        dataset, sign, name = value.partition("=")
        if not (dataset and sign and name):
            raise click.BadParameter(f"{value!r}: expected DATASET=NAME, as in mine=jnv")
        names[dataset] = name
    return names


@click.command(short_help="Tables I and II of the paper, for the embeddings in a store.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A model. Repeatable; by default all of the store and, for the paper's datasets, "
    "all of the paper's.",
)
@click.option(
    "--pair",
    "pairs",
    multiple=True,
    metavar="NAME,NAME",
    help="Two models to fuse, or more. Repeatable; by default every two, but not two Audio-Mambas.",
)
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    metavar="NAME",
    help="Evaluate this in addition to fcn, cnn, concat, reno and logreg: svm, rf, or a "
    "scikit-learn classifier by its class name. Repeatable.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(DEFAULT_ESTIMATORS),
    help="Which of the five to leave out. Repeatable.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    default=("paper", "speaker"),
    show_default=True,
    metavar="NAME",
    help=f"{options.PROTOCOL_HELP} Across corpora: cross-corpus (train on each dataset, test on "
    "each other) or leave-one-corpus-out (train on all others). Repeatable.",
)
@study_options.across
@study_options.shared
@click.option(
    "--as-in-paper",
    "paper_names",
    multiple=True,
    callback=_paper_names,
    metavar="DATASET=NAME",
    help="Which of the paper's datasets (asvp-esd, jnv, vivae) a dataset is, if its name does not "
    "show it. Repeatable.",
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
    pairs: tuple[str, ...],
    estimators: tuple[str, ...],
    without: tuple[str, ...],
    results: Path | None,
    n_jobs: int,
    dask: str | None,
    label_map: dict[str, Any],
    form: str | None,
    output: Path | None,
    **others: Any,
) -> None:
    """Make the paper's Tables I and II of the datasets of STORE (all of them, unless named).

    Each finished fold is kept, and shared with `evaluate` and `grid`: an interrupted run continues
    where it was, and nothing is trained twice. Cells that cannot be computed say why. The exit code
    is 1 if none could.
    """
    from reno_store.samples import open_store
    from reno_store.studies import StudyRequest

    form = _form(form, output)
    if output is not None:
        check_output(output)
    kept = [name for name in DEFAULT_ESTIMATORS if name not in without]
    request = StudyRequest(
        datasets=datasets or open_store(store).datasets,
        models=models,
        pairs=tuple(tuple(each.split(",")) for each in pairs),
        estimators=tuple(dict.fromkeys((*kept, *estimators))),
        **label_map,
        **others,
    )
    study_options.check(store, request)
    from reno_store.studies import run_study

    study = study_options.run(
        lambda client: run_study(store, request, results=results, n_jobs=n_jobs, client=client),
        n_jobs,
        dask,
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


def _show(study: Study, form: str, output: Path | None) -> None:
    from reno_cli.study_commands import ShellCommands
    from reno_store.conclusions import answers_of, claims_of, compare_study
    from reno_store.reports.tables import render, study_renderable
    from reno_store.runtime.writing import write_output

    comparisons, commands = compare_study(study), ShellCommands()
    conclusions: dict[str, Any] = {
        "answers": answers_of(study, comparisons),
        "claims": claims_of(study, comparisons),
        "comparisons": comparisons,
    }
    if output is None and form == "terminal":
        print_wide(study_renderable(study, **conclusions, commands=commands))
        return
    text = render(study, form, **conclusions, commands=commands)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_output(output, text.encode())
        click.echo(output)
