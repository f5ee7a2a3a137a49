"""The command ``reno-store``.

Nothing here or at the top of a command's file imports torch, zarr or the library's heavy
rooms, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import io
import sys
from typing import Any

import click

from reno_cli.build import build
from reno_cli.datasets import datasets
from reno_cli.demo import demo
from reno_cli.evaluate import evaluate
from reno_cli.export import export
from reno_cli.grid import grid
from reno_cli.import_ import import_
from reno_cli.info import info
from reno_cli.manifest import manifest
from reno_cli.merge import merge
from reno_cli.models import models
from reno_cli.remove import remove
from reno_cli.report import report
from reno_cli.tables import tables
from reno_cli.verify import verify
from reno_cli.wording import worded
from reno_store import __version__
from reno_store.errors import RenoStoreError

__all__ = ["main"]


class _Group(click.Group):
    """Turns what the library raises on purpose into a message and exit code 1.

    And what the system refuses: a full disk, a file that cannot be read.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RenoStoreError as error:
            raise click.ClickException(worded(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever reads has had enough; click knows that
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reno-store")
def main() -> None:
    """Embeddings of non-verbal vocalisations, computed once, and classifiers on them.

    \b
    reno-store demo                                     try it, offline
    reno-store manifest folders FOLDER -o FOLDER/my.csv list your recordings
    reno-store datasets                                 list the corpora it knows
    reno-store models                                   list the foundation models
    reno-store build FOLDER/my.csv --model mfcc --model logmel --store my.zarr
    reno-store evaluate my.zarr my --model mfcc --model logmel
    reno-store tables my.zarr                           every model, every pair
    reno-store report my.zarr -o report.html            the same as a page, with figures
    reno-store grid my.zarr my --model mfcc --model logmel
    """  # noqa: D301
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows ASCII alone gets "\\xb1" for a plus-minus sign, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for _command in (
    build,
    datasets,
    demo,
    evaluate,
    export,
    grid,
    import_,
    info,
    manifest,
    merge,
    models,
    remove,
    report,
    tables,
    verify,
):
    main.add_command(_command)
