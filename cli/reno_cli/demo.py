"""``reno-store demo``: the whole job on synthetic recordings, offline."""

from __future__ import annotations

from pathlib import Path

import click

from reno_cli.printing import print_wide
from reno_cli.wording import command_line

__all__ = ["demo"]


@click.command(short_help="Try everything on synthetic recordings, offline.")
@click.option(
    "-o",
    "--output",
    default="reno-demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for the results.",
)
@click.option(
    "--jobs",
    "n_jobs",
    default=2,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of processes over the folds.",
)
def demo(output: Path, n_jobs: int) -> None:
    """Make SYNTHETIC vocalizations, embed them, and cross-validate classifiers.

    Needs no download and no GPU; takes under two minutes on two cores.
    """
    from reno_store.demo import run_demo
    from reno_store.reports.tables.views import evaluation_renderable

    click.echo("Synthetic vocalizations from a source-filter voice: nobody was recorded.", err=True)
    done = run_demo(output, n_jobs=n_jobs)
    print_wide(evaluation_renderable(done.study))
    click.echo(
        "The clips are SYNTHETIC: the scores show that everything works, not how well emotions\n"
        "are recognized in real voices.\n\n"
        f"Made in {done.folder}:\n"
        f"  recordings/      {done.build.n_clips} clips, by emotion\n"
        f"  {done.manifest.name}    the manifest: clip_id, path, label, speaker\n"
        f"  {done.store.name}  the store: {' and '.join(m.model for m in done.build.models)}\n\n"
        "Next:\n"
        f"  {command_line('info', done.store)}\n"
        "  reno-store manifest folders YOUR_FOLDER -o YOUR_FOLDER/mine.csv\n"
        "  reno-store build YOUR_FOLDER/mine.csv --model mfcc --model logmel --store mine.zarr\n"
        "  reno-store tables mine.zarr\n"
        "  reno-store report mine.zarr -o report.html"
    )
