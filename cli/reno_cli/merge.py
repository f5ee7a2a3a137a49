"""``reno-store merge``: merge one store into another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["merge"]


@click.command(short_help="Merge one store into another.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=click.Path(path_type=Path), help="The target.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; may be repeated.")
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
def merge(**arguments: Any) -> None:
    """Merge the clips and embeddings of the store SOURCE into another.

    Where both have a clip, a model or an embedding, they must agree; otherwise all conflicts
    are listed and nothing is changed. SOURCE does not change.
    """
    from reno_store.exchange.merging import merge_stores

    report = merge_stores(**arguments)
    click.echo(f"{report.store}: {report.n_new_clips:,} new clips")
    for each in report.models:
        if each.model:
            click.echo(
                f"  {each.dataset}, {each.model}: {each.n_new:,} new, {each.n_there:,} existing"
            )
