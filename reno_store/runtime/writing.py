"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["is_special", "write_whole"]


def is_special(path: str | Path) -> bool:
    """Whether there is something at a path that is neither file nor folder: a device, a pipe."""
    path = Path(path)
    return path.exists() and not path.is_file() and not path.is_dir()


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file under another name beside it and rename it when it is whole.

    Whoever is killed meanwhile leaves what was there before. Its folder must exist. A link
    stays a link: what it leads to is written. What is no file (``/dev/stdout``, a pipe) is
    written to as it is, since a rename would put a file in its place.

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
        # mkstemp makes a private file; this one is as public as its folder.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
