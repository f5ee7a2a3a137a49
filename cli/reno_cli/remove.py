"""``reno-store remove``: remove a model or a dataset from a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reno_store.store import StoreReader

__all__ = ["remove"]


@click.command(short_help="Remove a model or a dataset from a store.")
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.option("--model", help="Only this model; by default the whole dataset.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def remove(store: Path, dataset: str, model: str | None, yes: bool) -> None:
    """Remove a model's embeddings from DATASET in STORE, or all of DATASET."""
    from reno_store.store import StoreReader, remove_from_store

    reader = StoreReader(store)
    n_models, n_done = _count(reader, dataset, model)
    what = f"{model} of {dataset}" if model else f"{dataset} with {n_models} models"
    what += f" ({n_done} embeddings)"
    if not yes:
        click.confirm(f"Remove {what} from {reader.path}?", abort=True)
    remove_from_store(store, dataset, model)
    click.echo(f"removed {what} from {reader.path}")


def _count(reader: StoreReader, dataset: str, model: str | None) -> tuple[int, str]:
    """Count the models and embeddings to remove; an unknown name is an error."""
    from reno_store.errors import StoreError, UnknownNameError

    names: tuple[str, ...] = () if model is None else (model,)
    try:
        names = names or reader.models(dataset)
        return len(names), f"{sum(int(reader.done(dataset, name).sum()) for name in names):,}"
    except UnknownNameError:
        if model is None and dataset not in reader.lost_datasets():
            raise
        if model is not None and model not in reader.remains(dataset):
            raise
    except StoreError:  # damaged: all the more reason to remove it
        pass
    return len(names), "an unknown number of"
