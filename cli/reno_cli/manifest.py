"""``reno-store manifest``: folder of recordings -> CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reno_cli.options import all_problems as all_problems_option
from reno_cli.printing import listing_problems
from reno_cli.wording import command_line, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reno_store.corpora import Count

__all__ = ["manifest"]


@click.command(short_help="List the recordings of a folder in a CSV.")
@click.argument("card")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV to write, best in a folder above the recordings.",
)
@click.option(
    "--subset",
    metavar="NAME",
    help="Subset of the corpus, if its card has several; the first by default.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing CSV.")
@all_problems_option
def manifest(
    card: str, folder: Path, output: Path, subset: str | None, force: bool, all_problems: bool
) -> None:
    """List the recordings of FOLDER in a CSV, using CARD.

    CARD is `folders` (the folder of each file is its label), the name of a corpus such as
    `emogator` (`reno-store datasets` lists them), or the path of your own TOML card.
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
            f"ignored: {len(made.scan.ignored):,} files that do not match the card, "
            f"such as {made.scan.ignored[0]}"
        )
    following = {"audio_folder": made.audio_folder, "models": ("mfcc", "logmel")}
    words = options({**following, "store": f"{table.dataset}.zarr"})
    click.echo(f"next: {command_line('build', made.path, *words)}")


def _counted(counts: Sequence[Count]) -> list[str]:
    """Return lines with the clips of each label, found and expected."""
    if all(count.expected is None for count in counts):
        return [f"  {count.found:>7,}  {count.what}" for count in counts if count.column]
    lines = ["    found  expected"]
    for count in counts:
        expected = "?" if count.expected is None else f"{count.expected:,}"
        of = "" if count.column in ("", "label") else f"{count.column} "
        mark = "  <- differs" if count.differs else ""
        lines.append(f"  {count.found:>7,}  {expected:>8}  {of}{count.what}{mark}")
    return lines
