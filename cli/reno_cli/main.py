"""The command ``reno-store``.

Nothing here or at the top of a command file imports torch, zarr or other heavy modules, so
that ``--help`` is fast.
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
from reno_cli.predict import predict
from reno_cli.pull import pull
from reno_cli.push import push
from reno_cli.remove import remove
from reno_cli.report import report
from reno_cli.serve import serve
from reno_cli.tables import tables
from reno_cli.train import train
from reno_cli.verify import verify
from reno_cli.version import version_option
from reno_cli.wording import worded
from reno_store.errors import RenoStoreError

__all__ = ["main"]


class _Group(click.Group):
    """Turns errors of the library and of the system (such as a full disk) into exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RenoStoreError as error:
            raise click.ClickException(worded(error)) from error
        except KeyboardInterrupt:  # click would exit with 1, as if clips had failed
            click.echo("Interrupted.", err=True)
            sys.exit(130)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader has closed the pipe; click handles it
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def main() -> None:
    """Recognize emotions in non-verbal vocalizations.

    Compute embeddings with foundation models once, store them, and train and compare
    classifiers on them. Try `reno-store demo`, which needs no data and no network.

    \b
    With your own recordings, one folder per label:
      reno-store manifest folders FOLDER -o FOLDER/my.csv
      reno-store build FOLDER/my.csv --model mfcc --model logmel --store my.zarr
      reno-store tables my.zarr
      reno-store report my.zarr -o report.html
    """  # noqa: D301
    for stream in (sys.stdout, sys.stderr):
        # An ASCII terminal shows "\\xb1" for a plus-minus sign instead of a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for _command in (
    *(build, datasets, demo, evaluate, export, grid, import_, info),
    *(manifest, merge, models, predict, pull, push, remove, report, serve),
    *(tables, train, verify),
):
    main.add_command(_command)
