"""``reno-store info``: show a store's contents."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reno_store.runtime.places import Place
    from reno_store.store import ModelSummary

__all__ = ["info"]


@click.command(short_help="Show a store's contents.")
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(store: Path, as_json: bool) -> None:
    """Show the contents of STORE: datasets, models, clips done and missing.

    The exit code is 1 if part of it is damaged; the rest is listed anyway.
    """
    from reno_store.samples import open_store

    opened = open_store(store)
    summary = opened.summary()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in summary], indent=2))
    else:
        _print(opened.path, summary)
    if any(row.problem for row in summary):
        sys.exit(1)


def _print(store: Place, summary: list[ModelSummary]) -> None:
    if not summary:
        click.echo(f"{store}: empty")
    for number, row in enumerate(summary):
        if number == 0 or summary[number - 1].dataset != row.dataset:
            click.echo(
                f"{row.dataset}: {row.n_clips:,} clips, {row.n_labels} labels, "
                f"{row.n_speakers or 'unknown'} speakers"
            )
        if row.model and row.fingerprint:
            click.echo(
                f"  {row.model}: {row.n_done:,} done, {row.n_missing:,} missing, "
                f"{row.dim} dimensions, {_size(row.n_bytes)}, {_precision(row)}, "
                f"{_windows(row)}fingerprint {row.fingerprint}"
            )
        if row.problem:
            click.echo(f"  damaged: {row.problem}")


def _size(n_bytes: int) -> str:
    if n_bytes < 1e6:
        return f"{n_bytes / 1e3:,.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:,.2f} GB"


def _precision(row: ModelSummary) -> str:
    computed = row.precision or "unknown precision"
    return computed if computed == row.storage else f"{computed} stored as {row.storage}"


def _windows(row: ModelSummary) -> str:
    if row.window_s is None:
        return ""
    return f"windows of {row.window_s:g} s every {row.hop_s:g} s, "
