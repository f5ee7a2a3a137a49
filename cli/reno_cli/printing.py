"""Output of the commands: text on standard output, or in a file."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["check_output", "is_terminal", "leave_interrupted", "print_wide"]

_WIDTH_OF_TEXT = 140
_INTERRUPTED = 130


def print_wide(renderable: RenderableType) -> None:
    """Print to standard output; in a file or pipe, wide enough for all columns of a table."""
    from rich.console import Console
    from rich.measure import Measurement

    if is_terminal():
        Console(highlight=False).print(renderable)
        return
    endless = Console(width=100_000)
    needed = Measurement.get(endless, endless.options, renderable).maximum
    text = io.StringIO()
    Console(width=max(_WIDTH_OF_TEXT, needed), highlight=False, file=text).print(renderable)
    # rich pads lines with spaces.
    for line in text.getvalue().splitlines():
        click.echo(line.rstrip())


@contextlib.contextmanager
def listing_problems(in_full: bool) -> Iterator[None]:
    """Print all problems of a manifest if `in_full`, instead of the first 20."""
    from reno_cli.wording import worded
    from reno_store.errors import ManifestError

    try:
        yield
    except ManifestError as error:
        if not in_full:
            raise
        raise click.ClickException(worded(error, in_full=True)) from error


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def check_output(path: Path) -> None:
    """Make the folder of a file and check that it can be written, before hours of work.

    Raises
    ------
    RenoStoreError
        If it is a folder, or cannot be written.
    """
    from reno_store.errors import RenoStoreError
    from reno_store.runtime.locations import local_path
    from reno_store.runtime.writing import check_folder, is_special

    path = local_path(path, "output")
    if is_special(path):
        return
    if path.is_dir():
        raise RenoStoreError(f"{path} is a folder; expected a file to write to.")
    try:
        check_folder(path.parent)
    except OSError as error:
        raise RenoStoreError(f"{path} cannot be written: {error.strerror}.") from None


def leave_interrupted() -> NoReturn:
    """Print that finished folds are kept, and exit with the code for Ctrl-C."""
    click.echo(
        "Interrupted. Finished folds are kept; run the same command again to continue.",
        err=True,
    )
    sys.exit(_INTERRUPTED)
