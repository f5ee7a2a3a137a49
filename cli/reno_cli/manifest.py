"""``reno-store manifest``: a folder of recordings -> a CSV."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reno_cli import options
from reno_cli.printing import listing_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reno_store.corpora import Count

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
@click.option(
    "--subset",
    metavar="NAME",
    help="Which extent of the corpus, where its card has several; its first by default.",
)
@click.option("--force", is_flag=True, help="Write over an existing CSV.")
@options.all_problems
def manifest(
    card: str, folder: Path, output: Path, subset: str | None, force: bool, all_problems: bool
) -> None:
    """List the recordings of FOLDER in a CSV, as CARD describes them.

    CARD is `folders` (each file's folder is its label), the name of a corpus such as
    `emogator` (`reno-store datasets` lists them), or the path of a TOML card of your own.
    """
    from reno_store.corpora import make_manifest, warn_of_variants

    with listing_problems(all_problems):
        made = make_manifest(card, folder, output, subset=subset, replace_existing=force)
    table = made.manifest
    speakers = f"{len(table.speakers):,} speakers" if table.speakers else "speakers unknown"
    click.echo(
        f"{made.path}: {len(table.clips):,} clips, {len(table.label_counts)} labels, {speakers}"
    )
    for line in _counted(made.scan.counts):
        click.echo(line)
    for warning in warn_of_variants(made.path, table.label_counts):
        click.echo(warning, err=True)
    for reason, number in sorted(made.scan.left_out.items()):
        click.echo(f"left out: {number:,} recordings: {reason}")
    if made.scan.ignored:
        click.echo(
            f"passed over: {len(made.scan.ignored):,} files that the card does not describe, "
            f"such as {made.scan.ignored[0]}"
        )
    where = ["--audio-folder", str(made.audio_folder)] if made.audio_folder else []
    words = ["reno-store", "build", str(made.path), *where, "--model", "mfcc", "--model", "logmel"]
    click.echo(f"next: {shlex.join([*words, '--store', f'{table.dataset}.zarr'])}")


def _counted(counts: Sequence[Count]) -> list[str]:
    """Lay out the clips of each label, and what the card expects beside what was found."""
    if all(count.expected is None for count in counts):
        return [f"  {count.found:>7,}  {count.what}" for count in counts if count.column]
    lines = ["    found  expected"]
    for count in counts:
        expected = "?" if count.expected is None else f"{count.expected:,}"
        of = "" if count.column in ("", "label") else f"{count.column} "
        mark = "  <- differs" if count.differs else ""
        lines.append(f"  {count.found:>7,}  {expected:>8}  {of}{count.what}{mark}")
    return lines
