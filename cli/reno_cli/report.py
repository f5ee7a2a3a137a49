"""``reno-store report``: the last study of a store as one page for a browser."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["report"]


@click.command(short_help="Write the last study of a store as one page for a browser.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The page, ending in .html. One that is there is replaced.",
)
@click.option(
    "--figures",
    "figures_folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the figures there too, as PDF and PNG.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where `tables` keeps its results, if it was told.",
)
def report(
    store: Path,
    datasets: tuple[str, ...],
    output: Path,
    figures_folder: Path | None,
    results: Path | None,
) -> None:
    """Write what `reno-store tables` was last asked of STORE as one self-contained page.

    Nothing is trained: scores are those that `tables` kept. With DATASET, the page is of
    these alone. It holds data, models, protocols, tables, conclusions, figures and the
    command of each number, and loads nothing from anywhere.
    """
    from reno_store.conclusions import claims_of, compare_study, summary
    from reno_store.figures import figures_of, save_figures, to_svg
    from reno_store.page import check_path, read_fingerprints, write_page
    from reno_store.samples import Samples, open_store
    from reno_store.studies import recall_study
    from reno_store.tables import views_of

    check_path(output)
    study = recall_study(store, results=results, datasets=datasets)
    opened = open_store(store)

    def load(dataset: str, model: str) -> Samples:
        return opened.load(dataset, [model], missing="drop")

    comparisons = compare_study(study)
    figures = figures_of(study, load)
    written = write_page(
        study,
        output,
        summary=summary(study, comparisons),
        views=views_of(study),
        claims=claims_of(study, comparisons),
        comparisons=comparisons,
        figures=figures,
        to_svg=to_svg,
        fingerprints=read_fingerprints(study),
    )
    if figures_folder is not None:
        save_figures(figures, figures_folder)
    click.echo(f"{written}")
