"""Clips -> CSV, in one step: a reader sees the old file or the new one, never half."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from reno_store.corpora.clips import REQUIRED_COLUMNS, Clip
from reno_store.errors import ManifestError
from reno_store.runtime.writing import write_whole

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
    for clip in clips:
        if not _is_text(clip):
            raise ManifestError(
                f"{path}: clip {clip.clip_id!r} at {clip.path!r} cannot be written as UTF-8; "
                "rename the file."
            )
    extra_columns = sorted({column for clip in clips for column in clip.extra})
    text = io.StringIO(newline="")
    _write_rows(text, clips, extra_columns)
    try:
        write_whole(path, text.getvalue().encode())
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written: {error.strerror}.") from None
    return path


def _write_rows(file: TextIO, clips: Sequence[Clip], extra_columns: Sequence[str]) -> None:
    plain = csv.writer(file, lineterminator="\n")
    # A bare carriage return ends a row for whoever reads it, and csv quotes only line feeds.
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow([*REQUIRED_COLUMNS, *extra_columns])
    for clip in clips:
        required = [getattr(clip, column) for column in REQUIRED_COLUMNS]
        row = [*required, *(clip.extra.get(key, "") for key in extra_columns)]
        (quoted if any("\r" in value for value in row) else plain).writerow(row)


def _is_text(clip: Clip) -> bool:
    """Whether every value is text; a file name in another encoding may not be."""
    try:
        for value in (clip.clip_id, clip.path, clip.label, clip.speaker, *clip.extra.values()):
            value.encode()
    except UnicodeEncodeError:
        return False
    return True
