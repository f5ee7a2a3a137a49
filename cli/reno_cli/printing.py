"""What a command leaves behind: text on standard output, or in a file."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["check_output", "is_terminal", "leave_interrupted", "print_wide", "write_text"]

_WIDTH_OF_TEXT = 140
_INTERRUPTED = 130


def print_wide(renderable: RenderableType) -> None:
    """Print to standard output; to a file or pipe, wide enough for every column of a table."""
    from rich.console import Console
    from rich.measure import Measurement

    if is_terminal():
        Console(highlight=False).print(renderable)
        return
    endless = Console(width=100_000)
    needed = Measurement.get(endless, endless.options, renderable).maximum
    text = io.StringIO()
    Console(width=max(_WIDTH_OF_TEXT, needed), highlight=False, file=text).print(renderable)
    # rich fills lines up with spaces.
    for line in text.getvalue().splitlines():
        click.echo(line.rstrip())


@contextlib.contextmanager
def listing_problems(in_full: bool) -> Iterator[None]:
    """Print all problems of a wrong manifest where asked, instead of the first 20."""
    from reno_cli.wording import worded
    from reno_store.errors import ManifestError

    try:
        yield
    except ManifestError as error:
        if not in_full:
            raise
        raise click.ClickException(worded(error, in_full=True)) from error


def is_terminal() -> bool:
    """Tell whether people read standard output, at the width that they have."""
    return sys.stdout.isatty()


def check_output(path: Path) -> None:
    """Make a file's folder, and refuse what no file can be written to, before hours of work.

    Raises
    ------
    RenoStoreError
        If it is a folder, or its folder cannot be made or written to.
    """
    from reno_store.errors import RenoStoreError
    from reno_store.runtime.locations import local_path
    from reno_store.runtime.writing import is_special

    path = local_path(path, "output")
    if is_special(path):
        return
    if path.is_dir():
        raise RenoStoreError(f"{path} is a folder; expected a file to write to.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise RenoStoreError(f"{path} cannot be written: {error.strerror}.") from None


def leave_interrupted() -> NoReturn:
    """Say after Ctrl-C that what was finished is kept, and exit as a shell expects."""
    click.echo(
        "interrupted; the folds that were finished are kept, and the same command goes on from "
        "there.",
        err=True,
    )
    sys.exit(_INTERRUPTED)


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    RenoStoreError
        If it cannot be written.
    """
    from reno_store.errors import RenoStoreError
    from reno_store.runtime.writing import write_whole

    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise RenoStoreError(f"{path} cannot be written: {error.strerror}.") from None
