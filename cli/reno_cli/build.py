"""``reno-store build``: a manifest and models -> a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reno_store.build import BuildReport

__all__ = ["build"]

_INTERRUPTED = 130


@click.command(short_help="Embed a manifest's clips into a store.")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]SPEC",
    help="mfcc, logmel, wavlm-base, unispeech-sat-base, wav2vec2-base, hubert-base, or "
    "hf:REPO_OR_FOLDER, or ssam:FOLDER_OR_FILE (Audio-Mamba). Give it once for each model.",
)
@click.option("--store", required=True, type=click.Path(path_type=Path), help="The store.")
@click.option("--dataset", help="Name of the dataset; by default the manifest's file name.")
@click.option(
    "--audio-folder",
    type=click.Path(path_type=Path),
    help="The folder that the manifest's paths are relative to; by default the manifest's own.",
)
@click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)
@click.option(
    "--refresh",
    multiple=True,
    type=click.Choice(["labels"]),
    help="Take over labels and speakers that the manifest has changed.",
)
def build(
    manifest: Path,
    models: tuple[str, ...],
    store: Path,
    dataset: str | None,
    audio_folder: Path | None,
    device: str,
    refresh: tuple[str, ...],
) -> None:
    """Embed every clip of MANIFEST with every model, as far as the store lacks it.

    Running it again computes only what is missing. Ctrl-C stops it; what was computed is
    kept. The exit code is 0 when every clip has every embedding, 1 when some failed.
    """
    from reno_store.build import build_store

    report = build_store(
        manifest,
        store,
        models,
        dataset=dataset,
        audio_folder=audio_folder,
        device=device,
        refresh=refresh,
    )
    _print_report(report)
    if report.interrupted:
        sys.exit(_INTERRUPTED)
    if not report.complete:
        sys.exit(1)


def _print_report(report: BuildReport) -> None:
    click.echo(f"{report.store}: {report.dataset}, {report.n_clips:,} clips")
    for model in report.models:
        click.echo(
            f"  {model.model}: {model.n_new:,} new, {model.n_reused:,} reused, "
            f"{len(model.failures):,} failed"
        )
    for model in report.models:
        for failure in model.failures:
            click.echo(f"failed: {model.model}, clip {failure.clip_id}: {failure.reason}")
    for clip_id in dict.fromkeys(clip for model in report.models for clip in model.silent):
        click.echo(f"silent, embedded all the same: clip {clip_id}")
    for clip_ids in report.duplicates:
        click.echo(f"the same recording, which would leak across folds: {', '.join(clip_ids)}")
    if report.interrupted:
        click.echo("interrupted: the same command goes on from here")
