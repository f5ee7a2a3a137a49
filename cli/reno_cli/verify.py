"""``reno-store verify``: find damage in a store."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

__all__ = ["verify"]


@click.command(short_help="Read everything in a store and list damage.")
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--dataset", help="Only this dataset.")
@click.option(
    "--audio",
    "audio_folder",
    type=click.Path(path_type=Path),
    help="The folder that the manifest's paths are relative to: compare its recordings' hashes.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Mark damaged embeddings as missing, so that the next build computes them again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def verify(
    store: Path, dataset: str | None, audio_folder: Path | None, repair: bool, as_json: bool
) -> None:
    """Read all of STORE: shapes, checksums, numbers, which rows are done.

    The exit code is 0 if there is no damage or all of it was repaired, 1 otherwise. Missing
    embeddings are counted, but are no damage.
    """
    from reno_store.exchange.verification import verify_store

    found = verify_store(store, audio_folder=audio_folder, dataset=dataset, repair=repair)
    if as_json:
        rows = {**asdict(found), "store": str(found.store), "is_sound": found.is_sound}
        click.echo(json.dumps(rows, indent=2))
    else:
        recordings = f", {found.n_recordings:,} recordings" if audio_folder else ""
        click.echo(
            f"{found.store}: {found.n_embeddings:,} embeddings read, {found.n_missing:,} missing"
            f"{recordings}; {_problems(len(found.findings))}"
        )
        for each in found.findings:
            where = f"{each.dataset}, {each.model}" if each.model else each.dataset
            outcome = "marked as missing; build again" if each.repaired else "damaged"
            click.echo(f"{outcome}: {where}: {each.problem}")
    if not found.is_sound:
        sys.exit(1)


def _problems(n: int) -> str:
    return "1 problem" if n == 1 else f"{n:,} problems"
