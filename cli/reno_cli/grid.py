"""``reno-store grid``: search over β, δ and λ."""

from __future__ import annotations

from pathlib import Path

import click

from reno_cli import options
from reno_cli.printing import check_output, leave_interrupted, print_wide, write_text

__all__ = ["grid"]

_ENDINGS = (".pdf", ".png", ".svg")


def _values(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, ...]:
    """Take numbers with commas between them."""
    try:
        return tuple(float(each) for each in value.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{value!r}: expected numbers with commas between them, such as 0.2,0.4"
        ) from None


def _figure(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Refuse an ending that says nothing before anything is trained."""
    if value is not None and value.suffix not in _ENDINGS:
        raise click.BadParameter(f"{value}: expected an ending of {', '.join(_ENDINGS)}")
    return value


@click.command(short_help="Search over beta, delta and lambda.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A model in the store. Give it once for each model to fuse.",
)
@click.option(
    "--beta",
    default="1.5,2,3",
    show_default=True,
    callback=_values,
    metavar="NUMBERS",
    help="β, above 1.",
)
@click.option(
    "--delta",
    default="0.05,0.2,0.8",
    show_default=True,
    callback=_values,
    metavar="NUMBERS",
    help="δ, at least 0.",
)
@click.option(
    "--lam",
    default="0.2,0.4,0.8",
    show_default=True,
    callback=_values,
    metavar="NUMBERS",
    help="λ, from 0 to 1.",
)
@click.option(
    "--protocol",
    default="paper",
    show_default=True,
    metavar="NAME",
    help=options.PROTOCOL_HELP,
)
@options.n_folds
@options.seeds
@options.standardize
@click.option("--allow-missing", is_flag=True, help="Leave out clips without an embedding.")
@options.min_clips
@options.device
@options.jobs
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where finished folds are kept; by default NAME.results beside the store.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write scikit-learn's cv_results_ as CSV too.",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    callback=_figure,
    metavar="FILE",
    help="Draw the surface too: .pdf, .png or .svg.",
)
def grid(
    store: Path,
    dataset: str,
    models: tuple[str, ...],
    beta: tuple[float, ...],
    delta: tuple[float, ...],
    lam: tuple[float, ...],
    protocol: str,
    n_folds: int,
    seeds: tuple[int, ...],
    standardize: bool,
    allow_missing: bool,
    min_clips: int,
    device: str,
    n_jobs: int,
    results: Path | None,
    output: Path | None,
    figure: Path | None,
) -> None:
    """Score RENO with every β, δ and λ on what STORE holds of DATASET.

    Each fold is kept when it is finished: what is interrupted goes on where it was, and what is
    there already is not computed again.
    """
    from reno_store.runtime.devices import check_device
    from reno_store.samples import open_store
    from reno_store.studies import grid_request

    for path in (output, figure):
        if path is not None:
            check_output(path)
    request = grid_request(
        dataset,
        models,
        beta=beta,
        delta=delta,
        lam=lam,
        protocol=protocol,
        n_folds=n_folds,
        seeds=seeds,
        standardize=standardize,
        allow_missing=allow_missing,
        min_clips=min_clips,
        device=device,
    )
    check_device(device)
    open_store(store).check_names(dataset, models)
    # After the checks: these imports take seconds.
    from reno_store.reports.tables import grid_renderable
    from reno_store.studies import cv_results_csv, run_grid

    try:
        found = run_grid(store, request, results=results, n_jobs=n_jobs)
    except KeyboardInterrupt:
        leave_interrupted()
    study = found.study
    click.echo(
        f"{study.n_trained:,} folds trained, {study.n_served:,} kept from before; all are in "
        f"{study.results}",
        err=True,
    )
    print_wide(grid_renderable(found))
    if output is not None:
        write_text(output, cv_results_csv(found))
        click.echo(output)
    if figure is not None:
        from reno_store.reports.figures import save_surface

        save_surface(found, figure)
        click.echo(figure)
