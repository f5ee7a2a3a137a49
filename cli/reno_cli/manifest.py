"""``reno-store manifest``: a folder of recordings -> a CSV."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

__all__ = ["manifest"]


@click.command(short_help="List a folder's recordings in a CSV.")
@click.argument("card")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The CSV to write; best above the recordings, so that it is complete in itself.",
)
@click.option("--force", is_flag=True, help="Write over an existing CSV.")
def manifest(card: str, folder: Path, output: Path, force: bool) -> None:
    """List the recordings of FOLDER in a CSV, as CARD describes them.

    CARD is `folders` (each file's folder is its label), the name of a corpus such as
    `emogator`, or the path of a TOML card of your own.
    """
    from reno_store.manifests import make_manifest

    made = make_manifest(card, folder, output, replace_existing=force)
    table = made.manifest
    speakers = f"{len(table.speakers):,} speakers" if table.speakers else "speakers unknown"
    click.echo(
        f"{made.path}: {len(table.clips):,} clips, {len(table.label_counts)} labels, {speakers}"
    )
    for label, count in table.label_counts.items():
        click.echo(f"  {count:>7,}  {label}")
    for difference in made.scan.differences:
        click.echo(f"differs from the card: {difference}")
    if made.scan.ignored:
        click.echo(
            f"passed over: {len(made.scan.ignored):,} files that the card does not describe, "
            f"such as {made.scan.ignored[0]}"
        )
    where = ["--audio-folder", str(made.audio_folder)] if made.audio_folder else []
    words = ["reno-store", "build", str(made.path), *where, "--model", "mfcc", "--model", "logmel"]
    click.echo(f"next: {shlex.join([*words, '--store', f'{table.dataset}.zarr'])}")
