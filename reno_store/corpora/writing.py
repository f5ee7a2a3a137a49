"""Clips -> CSV, atomically: a reader sees either the old file or the new one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from reno_store.corpora.clips import REQUIRED_COLUMNS, Clip
from reno_store.errors import ManifestError
from reno_store.runtime.writing import write_whole

__all__ = ["write_manifest"]


def write_manifest(path: str | Path, clips: Sequence[Clip]) -> Path:
    """Write clips as a manifest that `read_manifest` returns unchanged.

    Parameters
    ----------
    path : str or Path
        The CSV to write; its folder must exist. An existing file is replaced.
    clips : Sequence[Clip]
        The clips. Their further columns follow the four required ones, sorted by name, empty
        for a clip without it.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    ManifestError
        If the file cannot be written.
    """
    path = Path(path)
    extra_columns = sorted({column for clip in clips for column in clip.extra})
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    # csv quotes only line feeds, but a reader also ends a row at a bare carriage return.
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow([*REQUIRED_COLUMNS, *extra_columns])
    for clip in clips:
        required = [getattr(clip, column) for column in REQUIRED_COLUMNS]
        row = [*required, *(clip.extra.get(key, "") for key in extra_columns)]
        try:
            "".join(row).encode()
        except UnicodeEncodeError:  # such as a file name in another encoding
            raise ManifestError(
                f"{path}: clip {clip.clip_id!r} at {clip.path!r} cannot be written as UTF-8; "
                "rename the file."
            ) from None
        (quoted if any("\r" in value for value in row) else plain).writerow(row)
    try:
        write_whole(path, text.getvalue().encode())
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written: {error.strerror}.") from None
    return path
