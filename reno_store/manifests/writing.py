"""Clips -> CSV, in one step: a reader sees the old file or the new one, never half."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reno_store.errors import ManifestError
from reno_store.manifests.clips import REQUIRED_COLUMNS, Clip

__all__ = ["write_manifest"]


def write_manifest(path: str | Path, clips: Sequence[Clip]) -> Path:
    """Write clips as a manifest that `read_manifest` gives back unchanged.

    Parameters
    ----------
    path : str or Path
        The CSV to write; its folder must exist. An existing file is replaced.
    clips : Sequence[Clip]
        The clips; their further columns stand behind the four required ones, sorted by
        name, empty for a clip that lacks one.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ManifestError
        If the file cannot be written.
    """
    path = Path(path)
    extra_columns = sorted({column for clip in clips for column in clip.extra})
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*REQUIRED_COLUMNS, *extra_columns])
            for clip in clips:
                required = [getattr(clip, column) for column in REQUIRED_COLUMNS]
                writer.writerow([*required, *(clip.extra.get(key, "") for key in extra_columns)])
        # mkstemp makes a private file; a manifest is as public as its folder.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
