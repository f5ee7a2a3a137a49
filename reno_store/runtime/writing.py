"""Atomic writing of files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["is_special", "write_whole"]


def is_special(path: str | Path) -> bool:
    """Return whether a path is neither a file nor a folder: a device or a pipe."""
    path = Path(path)
    return path.exists() and not path.is_file() and not path.is_dir()


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
