"""``reno-store build``: a manifest and models -> a store.

Options have the names of `build_store`'s arguments, so they are passed on as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reno_cli import options
from reno_cli.printing import listing_problems

if TYPE_CHECKING:
    from reno_store.extraction.build import BuildReport, ModelReport

__all__ = ["build"]

_INTERRUPTED = 130
_MAX_SECONDS = 60.0  # build.MAX_SECONDS, which --help must not import


@click.command(short_help="Embed a manifest's clips into a store.")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]SPEC",
    help="A name from `reno-store models`, or hf:REPO_OR_FOLDER, or ssam:FOLDER_OR_FILE "
    "(Audio-Mamba), optionally followed by ?layer=9&pool=mean+std. May be repeated.",
)
@click.option(
    "--store",
    required=True,
    type=click.Path(path_type=Path),
    help="The store: a folder, or a URL such as s3://BUCKET/NAME.",
)
@click.option("--dataset", help="Name of the dataset; by default the manifest's file name.")
@click.option(
    "--audio-folder",
    type=click.Path(path_type=Path),
    help="The folder or URL that the manifest's paths are relative to; by default the manifest's "
    "folder.",
)
@click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)
@click.option(
    "--precision",
    default="float32",
    show_default=True,
    metavar="NAME",
    help="float32, or bfloat16 or float16: faster, less exact (see reno-store models --check).",
)
@click.option(
    "--storage",
    default="float32",
    show_default=True,
    metavar="NAME",
    help="float32, or float16: half the space, rounded to three digits.",
)
@click.option(
    "--batch-seconds",
    type=float,
    metavar="SECONDS",
    help="Audio that goes through a model together; by default 60 on a CPU, 160 on a GPU.",
)
@click.option(
    "--max-seconds",
    type=float,
    default=_MAX_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Maximum clip length; longer recordings fail. Not used with --window.",
)
@click.option(
    "--window",
    "window_s",
    type=float,
    metavar="SECONDS",
    help="Embed longer recordings window by window; the embedding is the mean over windows.",
)
@click.option(
    "--hop",
    "hop_s",
    type=float,
    metavar="SECONDS",
    help="Time between the starts of two windows; by default the length of a window.",
)
@click.option(
    "--refresh",
    multiple=True,
    type=click.Choice(["labels", "audio", "model", "all"]),
    help="What to update where it has changed: labels (and speakers), audio (changed "
    "recordings), model (all embeddings of a changed model), or all three.",
)
@click.option(
    "--append",
    is_flag=True,
    help="MANIFEST lists only clips to add; stored clips that it lacks stay as they are.",
)
@click.option(
    "--shard",
    metavar="NUMBER/COUNT",
    help="Embed one of COUNT parts of the clips, such as 3/16, while other processes, on any "
    "machine that sees the store, embed the others. In a SLURM array: "
    "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Embed in N processes on this machine, one per GPU in turn.",
)
@options.dask
@options.all_problems
def build(all_problems: bool, dask: str | None, **arguments: Any) -> None:
    """Embed every clip of MANIFEST with every model, except what the store already has.

    Running it again computes only what is missing. Ctrl-C stops it; existing results are
    kept. The exit code is 0 when every clip has every embedding, 1 when some failed.
    """
    from reno_store.extraction.build import build_store

    with listing_problems(all_problems), options.client(dask) as client:
        report = build_store(**arguments, client=client)
    _print_report(report)
    _warn_of_leakage(arguments["models"], report.dataset)
    if report.interrupted:
        sys.exit(_INTERRUPTED)
    if not report.complete:
        sys.exit(1)


def _print_report(report: BuildReport) -> None:
    shard = f", shard {report.shard[0]}/{report.shard[1]}" if report.shard else ""
    click.echo(f"{report.store}: {report.dataset}, {report.n_clips:,} clips{shard}")
    for model in report.models:
        click.echo(
            f"  {model.model}: {model.n_new:,} new, {model.n_reused:,} reused, "
            f"{len(model.failures):,} failed{_details(model)}"
        )
        if model.one_by_one_because:
            click.echo(f"  {model.model}: one clip at a time: {model.one_by_one_because}")
    for model in report.models:
        for clips, reason in _by_reason(model):
            click.echo(f"failed: {model.model}, {clips}: {reason}")
    for clip_id in dict.fromkeys(clip for model in report.models for clip in model.silent):
        click.echo(f"silent, but embedded: clip {clip_id}")
    for clip_ids in report.duplicates:
        click.echo(f"the same recording, which would leak across folds: {', '.join(clip_ids)}")
    if report.shard:
        click.echo(_left(report))
    if report.interrupted:
        click.echo("interrupted: the same command continues from here")


def _left(report: BuildReport) -> str:
    """Return a line on what all shards have left, with numbers as in `sbatch --array`."""
    if not report.n_left:
        return f"all {report.n_clips:,} clips have every embedding: all shards are done"
    ranges: list[list[int]] = []
    for number in report.shards_left:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    numbers = ",".join("-".join(map(str, each)) for each in ranges)
    return (
        f"clips without an embedding now: {report.n_left:,} of {report.n_clips:,}, "
        f"in shards {numbers}"
    )


def _warn_of_leakage(specs: tuple[str, ...], dataset: str) -> None:
    """Print which models were trained on a dataset, judged by its name."""
    from reno_store.foundation_models import CATALOGUE, parse_model_specs

    for spec in parse_model_specs(specs):
        known = [each for each in CATALOGUE.values() if spec.location in (each.name, each.location)]
        for corpus in known[0].corpora_seen(dataset) if known else ():
            click.echo(f"{spec.name} was trained on {corpus}: scores on {dataset} are too high")


def _by_reason(model: ModelReport) -> list[tuple[str, str]]:
    """Group clips that failed for the same reason; paths make most reasons differ."""
    from reno_store.errors import listed

    clips_of: dict[str, list[str]] = {}
    for failure in model.failures:
        clips_of.setdefault(failure.reason, []).append(failure.clip_id)
    return [
        (f"clip {ids[0]}" if len(ids) == 1 else f"{len(ids):,} clips ({listed(ids)})", reason)
        for reason, ids in clips_of.items()
    ]


def _details(model: ModelReport) -> str:
    details = []
    if model.n_copied:
        details.append(f"{model.n_copied:,} copied from the same recordings")
    n_computed = model.n_new - model.n_copied
    if n_computed and model.seconds:
        details.append(f"{model.seconds:,.1f} s, {n_computed / model.seconds:,.1f} clips/s")
    return f" ({'; '.join(details)})" if details else ""
