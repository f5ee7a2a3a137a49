"""``reno-store export``: write embeddings to files for other programs."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["export"]


@click.command(short_help="Write embeddings to npz, parquet, csv, safetensors or npy.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option("--model", "models", multiple=True, required=True, help="A model; may be repeated.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The file (.npz, .parquet, .csv, .safetensors), or the folder of npy.",
)
@click.option(
    "--format",
    "format_",
    metavar="NAME",
    help="npz, parquet, csv, safetensors or npy (one file per clip); by default the file's ending.",
)
@click.option("--allow-missing", is_flag=True, help="Leave out clips that lack an embedding.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def export(
    store: Path,
    dataset: str,
    models: tuple[str, ...],
    output: Path,
    format_: str | None,
    allow_missing: bool,
    force: bool,
) -> None:
    """Write the embeddings of DATASET in STORE, with all columns of the manifest."""
    from reno_store.exchange.exporting import export_samples

    n_clips = export_samples(
        store,
        dataset,
        models,
        output,
        format=format_,
        missing="drop" if allow_missing else "raise",
        force=force,
    )
    click.echo(f"{output}: {n_clips:,} clips of {dataset}: {', '.join(models)}")
