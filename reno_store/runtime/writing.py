"""Atomic writing of files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reno_store.errors import RenoStoreError

__all__ = ["check_folder", "is_special", "write_output", "write_whole"]


def is_special(path: str | Path) -> bool:
    """Return whether a path is neither a file nor a folder: a device or a pipe."""
    path = Path(path)
    return path.exists() and not path.is_file() and not path.is_dir()


def check_folder(folder: Path) -> None:
    """Make a folder and check that files can be written in it, before hours of work.

    Raises
    ------
    OSError
        If it cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_output(path: Path, content: bytes) -> None:
    """Write a file that the user asked for, as `write_whole` does; make missing folders.

    Raises
    ------
    RenoStoreError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise RenoStoreError(f"{path} cannot be written: {error.strerror or error}.") from error


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a temporary file next to a path and rename it when it is complete.

    If the process is killed, the old file is unchanged. The folder must exist. If the path is
    a link, its target is written. A device or pipe (``/dev/stdout``) is written directly,
    since renaming would replace it by a file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if is_special(path):
        Path(path).write_bytes(content)
        return
    path = Path(os.path.realpath(path))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes a private file; this one may be read like its folder.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
