"""``reno-store manifest``: folder of recordings, dataset, database or CSV -> CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reno_cli.options import all_problems as all_problems_option
from reno_cli.printing import listing_problems
from reno_cli.wording import command_line, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reno_store.corpora import Count
    from reno_store.corpora.making import MadeManifest

__all__ = ["manifest"]

_DATASET, _DATABASE = "hf-dataset:", "audformat:"


def _fields(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """Return the columns of ``path=file,label=emotion``."""
    pairs = [each.partition("=") for each in (value or "").split(",") if each.strip()]
    if not all(equals for _, equals, _ in pairs):
        raise click.BadParameter(f"{value!r}; expected FIELD=COLUMN, separated by commas")
    return {field.strip(): column.strip() for field, _, column in pairs}


@click.command(short_help="List the recordings of a folder, dataset or CSV in a manifest.")
@click.argument("source")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV to write, best in a folder above the recordings.",
)
@click.option(
    "--columns",
    metavar="FIELD=COLUMN,...",
    callback=_fields,
    help="Which columns of the source are path, label, speaker and clip_id, for example "
    "path=file,label=emotion. Others are guessed if only one is possible.",
)
@click.option("--label-column", metavar="NAME", help="The same as --columns label=NAME.")
@click.option("--speaker-column", metavar="NAME", help="The same as --columns speaker=NAME.")
@click.option("--audio-column", metavar="NAME", help="The same as --columns path=NAME.")
@click.option(
    "--subset",
    metavar="NAME",
    help="Subset of a corpus or configuration of a Hugging Face dataset, if there are several, "
    "or table of an audformat database.",
)
@click.option("--split", metavar="NAME", help="Only this split of a Hugging Face dataset.")
@click.option(
    "--allow-missing",
    is_flag=True,
    help="Leave out rows of a dataset, database or CSV that have no label.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing CSV.")
@all_problems_option
def manifest(
    source: str,
    folder: Path | None,
    output: Path,
    columns: dict[str, str],
    label_column: str | None,
    speaker_column: str | None,
    audio_column: str | None,
    subset: str | None,
    split: str | None,
    allow_missing: bool,
    force: bool,
    all_problems: bool,
) -> None:
    """List the recordings of SOURCE in a CSV.

    SOURCE is one of:

    \b
    - a card, followed by the FOLDER of the corpus: `folders` (the folder of
      each file is its label), the name of a corpus such as `emogator`
      (`reno-store datasets` lists them), or your own TOML card
    - hf-dataset:ID_OR_FOLDER, a Hugging Face dataset of parquet or Arrow files
    - audformat:FOLDER, an audformat database
    - a CSV with other column names; FOLDER is what its paths are relative to,
      if not the CSV's own folder
    """  # noqa: D301
    named = {"label": label_column, "speaker": speaker_column, "path": audio_column}
    columns = columns | {field: name for field, name in named.items() if name is not None}
    missing = "drop" if allow_missing else "raise"
    with listing_problems(all_problems):
        made = _made(source, folder, output, columns, subset, split, missing, force)
    _print_made(made)


def _made(
    source: str,
    folder: Path | None,
    output: Path,
    columns: dict[str, str],
    subset: str | None,
    split: str | None,
    missing: str,
    force: bool,
) -> MadeManifest:
    from reno_store.corpora import make_manifest, sources

    kind = "card"
    for kind_of_it, beginning in (("dataset", _DATASET), ("database", _DATABASE)):
        if source.startswith(beginning):
            kind, source = kind_of_it, source.removeprefix(beginning)
    if kind == "card" and source.lower().endswith((".csv", ".tsv")):
        kind = "CSV"
    elif kind == "card" and source.lower().endswith((".parquet", ".arrow")):
        kind = "dataset"
    fitting = {
        "FOLDER": (folder, ("card", "CSV")),
        "--columns": (columns, ("dataset", "database", "CSV")),
        "--subset": (subset, ("card", "dataset", "database")),
        "--split": (split, ("dataset",)),
        "--allow-missing": (missing == "drop", ("dataset", "database", "CSV")),
    }
    for name, (value, kinds) in fitting.items():
        if value and kind not in kinds:
            raise click.UsageError(
                f"{name} does not go with a {kind}; only with a {' or '.join(kinds)}."
            )
    common: dict[str, Any] = {"missing": missing, "replace_existing": force, "columns": columns}
    if kind == "dataset":
        return sources.manifest_from_hf_dataset(
            source, output, subset=subset, split=split, **common
        )
    if kind == "database":
        return sources.manifest_from_audformat(source, output, subset=subset, **common)
    if kind == "CSV":
        return sources.manifest_from_csv(source, output, audio_folder=folder, **common)
    if folder is None:
        raise click.UsageError("Missing argument 'FOLDER': the folder of the corpus.")
    return make_manifest(source, folder, output, subset=subset, replace_existing=force)


def _print_made(made: MadeManifest) -> None:
    from reno_store.corpora import warn_of_variants

    table = made.manifest
    speakers = f"{len(table.speakers):,} speakers" if table.speakers else "speakers unknown"
    click.echo(
        f"{made.path}: {len(table.clips):,} clips, {len(table.label_counts)} labels, {speakers}"
    )
    for line in _counted(made.scan.counts):
        click.echo(line)
    for note in made.notes:
        click.echo(note, err=note.startswith("warning: "))
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
