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
    help="The page, ending in .html. An existing file is replaced.",
)
@click.option(
    "--figures",
    "figures_folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Also write the figures to this folder, as PDF and PNG.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder of kept results; by default NAME.results next to the store.",
)
@click.option(
    "--maps/--no-maps",
    default=True,
    show_default=True,
    help="Draw t-SNE maps of the embeddings, which take some seconds per model the first time.",
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Put the first seconds of the most mistaken clips into the page. FOLDER is what the "
    "manifest's paths are relative to. Recordings are personal data: share such a page with care.",
)
def report(
    store: Path,
    datasets: tuple[str, ...],
    output: Path,
    figures_folder: Path | None,
    results: Path | None,
    maps: bool,
    audio: Path | None,
) -> None:
    """Write the last study of STORE as one self-contained page.

    Nothing is trained: the scores are those of the last `tables`. With DATASET, the page shows
    these datasets alone. It opens with the best classifier and what it can be told from, then has
    tables, comparisons, mistaken clips, figures and the command for each number. It loads nothing
    from the network.
    """
    from reno_store.runtime.locations import local_path
    from reno_store.studies.last_request import find_last_request

    for path in (output, figures_folder):
        if path is not None:
            local_path(path, "output")
    # Before the import below, which takes seconds.
    find_last_request(store, results, datasets)
    from reno_cli.study_commands import ShellCommands
    from reno_store.reports.page import write_report

    done = write_report(
        store,
        output,
        datasets=datasets,
        results=results,
        figures=figures_folder,
        maps=maps,
        audio=audio,
        commands=ShellCommands(),
    )
    click.echo(done.page)
    if done.figures:
        click.echo(f"{len(done.figures)} files in {figures_folder}")
