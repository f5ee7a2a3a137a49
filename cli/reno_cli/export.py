"""``reno-store export``: write embeddings to files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["export"]


@click.command(short_help="Write embeddings to npz, parquet, csv, safetensors or npy.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option("--model", "models", multiple=True, required=True, help="A model; may be repeated.")
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    help="The file (.npz, .parquet, .csv, .safetensors), or the folder of npy.",
)
@click.option(
    "--format",
    metavar="NAME",
    help="npz, parquet, csv, safetensors or npy (one file per clip); by default the file's ending.",
)
@click.option("--allow-missing", is_flag=True, help="Leave out clips that lack an embedding.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def export(allow_missing: bool, **arguments: Any) -> None:
    """Write the embeddings of DATASET in STORE, with all columns of the manifest."""
    from reno_store.exchange.exporting import export_samples

    n_clips = export_samples(**arguments, missing="drop" if allow_missing else "raise")
    models = ", ".join(arguments["models"])
    click.echo(f"{arguments['path']}: {n_clips:,} clips of {arguments['dataset']}: {models}")
