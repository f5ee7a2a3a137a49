"""Which row is which clip: ids beside a matrix, from a list, a table or an index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reno_store.errors import ForeignEmbeddingsError

__all__ = ["ID_NAMES", "LABEL_NAMES", "SPEAKER_NAMES", "Table", "read_ids", "read_table"]

ID_NAMES = ("clip_id", "clip_ids", "id", "ids", "filename", "filenames", "file", "files")
LABEL_NAMES = ("label", "labels", "y")
SPEAKER_NAMES = ("speaker", "speakers", "groups")

Table = tuple[list[str], dict[str, list[str]]]
"""Ids, and what else is known of the clips: ``label`` and ``speaker``, one a row."""


def read_ids(path: Path) -> tuple[Table, list[int] | None]:
    """Read ids from a text (one a line), a JSON list, a JSON index (id: row) or a CSV.

    Returns
    -------
    Table
        The ids.
    list of int or None
        The row of each; None where they stand in the order of the rows.

    Raises
    ------
    ForeignEmbeddingsError
        If the file is none of these.
    """
    try:
        if path.suffix.lower() == ".csv":
            return read_table(path), None
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() != ".json":
            return ([line.strip() for line in text.splitlines() if line.strip()], {}), None
        found: Any = json.loads(text)
    except (OSError, ValueError) as error:
        raise ForeignEmbeddingsError(f"{path}: cannot be read as a list of ids: {error}.") from None
    if isinstance(found, Mapping) and all(type(row) is int for row in found.values()):
        return (list(found), {}), list(found.values())
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        return (found, {}), None
    raise ForeignEmbeddingsError(f"{path}: expected a JSON list of ids, or an object of id: row.")


def read_table(path: Path) -> Table:
    """Read a CSV with a column of ids and, if it has them, labels and speakers.

    Raises
    ------
    ForeignEmbeddingsError
        If there is no column of ids, or no CSV.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ForeignEmbeddingsError(f"{path}: cannot be read as a CSV: {error}.") from None
    known = {
        meaning: frame[name].tolist()
        for meaning, names in (("label", LABEL_NAMES), ("speaker", SPEAKER_NAMES))
        if (name := next((name for name in names if name in frame), None))
    }
    column = next((name for name in ID_NAMES if name in frame), None)
    if column is None:
        raise ForeignEmbeddingsError(
            f"{path}: no column of ids; expected one called {', '.join(ID_NAMES[::2])}. "
            f"Found: {', '.join(frame.columns)}."
        )
    return frame[column].tolist(), known
