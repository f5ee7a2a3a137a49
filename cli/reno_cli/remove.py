"""``reno-store remove``: a model or a dataset out of a store."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["remove"]


@click.command(short_help="Remove a model or a dataset from a store.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option("--model", help="Only this model; the whole dataset unless given.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(store: Path, dataset: str, model: str | None, yes: bool) -> None:
    """Remove a model's embeddings from DATASET in STORE, or all of DATASET."""
    from reno_store.errors import StoreError
    from reno_store.progress import tell
    from reno_store.store import StoreReader, StoreWriter

    reader = StoreReader(store)
    models = reader.models(dataset) if model is None else (model,)
    try:
        n_done = f"{sum(int(reader.done(dataset, name).sum()) for name in models):,}"
    except StoreError:  # damaged: all the more reason to remove it
        n_done = "an unknown number of"
    what = f"{model} of {dataset}" if model else f"{dataset} with {len(models)} models"
    if not yes:
        click.confirm(f"Remove {what} ({n_done} embeddings) from {store}?", abort=True)
    with StoreWriter.open(store, tell=tell) as writer:
        if model is None:
            writer.remove_dataset(dataset)
        else:
            writer.remove_model(dataset, model)
    click.echo(f"removed {what} ({n_done} embeddings) from {store}")
