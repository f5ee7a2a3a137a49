"""``reno-store info``: what a store holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

__all__ = ["info"]


@click.command(short_help="Say what a store holds.")
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(store: Path, as_json: bool) -> None:
    """Say what STORE holds: datasets, models, clips done and missing."""
    from reno_store.samples import open_store

    summary = open_store(store).summary()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in summary], indent=2))
        return
    if not summary:
        click.echo(f"{store}: empty")
    for number, row in enumerate(summary):
        if number == 0 or summary[number - 1].dataset != row.dataset:
            click.echo(
                f"{row.dataset}: {row.n_clips:,} clips, {row.n_labels} labels, "
                f"{row.n_speakers or 'unknown'} speakers"
            )
        if row.model:
            click.echo(
                f"  {row.model}: {row.n_done:,} done, {row.n_missing:,} missing, "
                f"{row.dim} numbers a clip, fingerprint {row.fingerprint}"
            )
