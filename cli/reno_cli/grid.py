"""``reno-store grid``: evaluate an estimator over values of its hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reno_cli import options, study_options
from reno_cli.printing import check_output, print_wide

__all__ = ["grid"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_ENDINGS = (".pdf", ".png", ".svg")


def _values(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Read numbers with commas between them."""
    if value is None:
        return ()
    try:
        return tuple(map(float, value.split(",")))
    except ValueError:
        raise click.BadParameter(
            f"{value!r}: expected numbers with commas between them, such as 0.2,0.4"
        ) from None


def _of_reno(name: str, meaning: str, default: str) -> Callable[[_Command], _Command]:
    words = f"RENO's {meaning}; short for --set reno.{name}=... (default: {default})."
    return click.option(f"--{name}", callback=_values, metavar="NUMBERS", help=words)


def _figure(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Refuse an unknown ending before anything is trained."""
    if value is not None and value.suffix not in _ENDINGS:
        raise click.BadParameter(f"{value}: expected an ending of {', '.join(_ENDINGS)}")
    return value


@click.command(short_help="Evaluate hyperparameters: RENO's beta, delta and lambda, or others.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@study_options.models
@click.option(
    "--estimator",
    default="reno",
    show_default=True,
    metavar="NAME",
    help="What to evaluate, as in evaluate; --set gives its hyperparameters.",
)
@_of_reno("beta", "β, above 1", "1.5,2,3")
@_of_reno("delta", "δ, at least 0", "0.05,0.2,0.8")
@_of_reno("lam", "λ, from 0 to 1", "0.2,0.4,0.8")
@click.option(
    "--protocol",
    default="paper",
    show_default=True,
    metavar="NAME",
    help=options.PROTOCOL_HELP,
)
@study_options.shared
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
    estimator: str,
    settings: dict[str, dict[str, tuple[Any, ...]]],
    results: Path | None,
    n_jobs: int,
    dask: str | None,
    output: Path | None,
    figure: Path | None,
    **others: Any,
) -> None:
    """Evaluate every combination of hyperparameters on the embeddings in STORE of DATASET.

    By default these are RENO's β, δ and λ. Each finished fold is kept, and shared with `evaluate`
    and `tables`: an interrupted run continues where it was, and nothing is trained twice.
    """
    from reno_store.samples import open_store
    from reno_store.studies import grid_request

    for path in (output, figure):
        if path is not None:
            check_output(path)
    for name in settings:
        if name != estimator:
            raise click.UsageError(f"--set {name}.…: this grid is of {estimator}.")
    request = grid_request(
        dataset, models, estimator=estimator, settings=settings.get(estimator), **others
    )
    open_store(store).check_names(dataset, models)
    study_options.check(store, request)
    # After the checks: these imports take seconds.
    from reno_store.reports.tables.views import grid_renderable
    from reno_store.runtime.writing import write_output
    from reno_store.studies import Grid, cv_results_csv, run_grid

    study = study_options.run(
        lambda client: (
            run_grid(store, request, results=results, n_jobs=n_jobs, client=client).study
        ),
        n_jobs,
        dask,
    )
    found = Grid(study)
    print_wide(grid_renderable(found))
    if output is not None:
        write_output(output, cv_results_csv(found).encode())
        click.echo(output)
    if figure is not None:
        from reno_store.reports.figures import save_surface

        save_surface(found, figure)
        click.echo(figure)
