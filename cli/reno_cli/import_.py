"""``reno-store import``: import embeddings computed elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reno_cli import options
from reno_cli.printing import listing_problems

__all__ = ["import_"]


@click.command("import", short_help="Import embeddings computed elsewhere.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=click.Path(path_type=Path), help="The store.")
@click.option("--dataset", required=True, help="Name of the dataset in the store.")
@click.option("--model", required=True, help="Name of the model in the store.")
@click.option(
    "--provenance",
    required=True,
    metavar="TEXT",
    help="Their origin: model, version, layer, pooling. Kept in the fingerprint.",
)
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    help="The clips, with labels and speakers; not needed for a dataset in the store.",
)
@click.option(
    "--audio-folder",
    type=click.Path(path_type=Path),
    help="The folder that the manifest's paths are relative to; by default the manifest's own.",
)
@click.option(
    "--ids",
    type=click.Path(path_type=Path),
    help="The clip of each row of a matrix: .txt (one id per line), .json (a list, or id: row), "
    ".csv (a column clip_id).",
)
@click.option("--array", metavar="NAME", help="Name of the matrix in a file with several.")
@click.option(
    "--allow-unknown", is_flag=True, help="Leave out embeddings of clips the dataset lacks."
)
@click.option(
    "--storage", default="float32", show_default=True, metavar="NAME", help="float32 or float16."
)
@click.option(
    "--refresh",
    multiple=True,
    type=click.Choice(["labels"]),
    help="Accept labels and speakers of the manifest (or of SOURCE) where the store has others.",
)
@options.all_problems
def import_(all_problems: bool, **arguments: Any) -> None:
    """Store embeddings from SOURCE, a folder with one .npy per clip or a matrix with ids.

    A matrix is .npy, .npz, .parquet or .safetensors. They are marked as foreign. Nothing is
    stored unless every embedding is a vector of finite numbers and belongs to a clip.
    """
    from reno_store.exchange.importing import import_embeddings

    with listing_problems(all_problems):
        report = import_embeddings(**arguments)
    click.echo(
        f"{report.store}: {report.dataset}, {report.model}: {report.n_new:,} new, "
        f"{report.n_reused:,} existing, {report.n_missing:,} clips without"
    )
    key, clip_id = report.example
    click.echo(f"matched by {report.matched_by}: {key} is clip {clip_id}, for example")
    if report.n_unknown:
        click.echo(f"left out: {report.n_unknown:,} embeddings of clips that the dataset lacks")
