"""The clip of each row: ids, labels and speakers in files of other programs, as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reno_store.errors import ForeignEmbeddingsError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ID_NAMES", "Table", "as_texts", "named_columns", "read_ids", "read_table"]

ID_NAMES = ("clip_id", "clip_ids", "id", "ids", "filename", "filenames", "file", "files")
_KNOWN_NAMES = {"label": ("label", "labels", "y"), "speaker": ("speaker", "speakers", "groups")}

Table = tuple[list[str] | None, dict[str, list[str]]]
"""Ids, if the file has them, and what it knows of the clips: ``label``, ``speaker``."""


def named_columns(columns: Mapping[str, Iterable[Any]], path: Path) -> Table:
    """Find ids, labels and speakers among columns, by their usual names."""
    id_name = next((name for name in ID_NAMES if name in columns), None)
    known = {
        meaning: as_texts(columns[name], f"{path}: {name}")
        for meaning, names in _KNOWN_NAMES.items()
        if (name := next((name for name in names if name in columns), None))
    }
    if id_name is None:
        return None, known
    return as_texts(columns[id_name], f"{path}: {id_name}"), known


def as_texts(values: Iterable[Any], where: str) -> list[str]:
    """Return values as text: stripped strings, digits of whole numbers, "" for missing ones.

    Raises
    ------
    ForeignEmbeddingsError
        If a value has another type, or contains control characters.
    """
    return [_as_text(value, f"{where}, row {row}") for row, value in enumerate(values)]


def _as_text(value: Any, where: str) -> str:
    is_missing = type(value).__name__ == "NAType"  # pandas.NA; pandas takes long to import
    if value is None or (isinstance(value, float) and value != value) or is_missing:
        return ""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ForeignEmbeddingsError(
            f"{where}: expected a text or a whole number, got {value!r} ({type(value).__name__})."
        )
    text = value.strip()
    if any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in text):
        raise ForeignEmbeddingsError(f"{where}: {text!r} contains a control character.")
    return text


def read_ids(path: Path) -> tuple[Table, list[int] | None]:
    """Read ids from a text (one per line), a JSON list, a JSON index (id: row) or a CSV.

    Returns
    -------
    Table
        The ids.
    list of int or None
        The row of each; None where they are in the order of the rows.

    Raises
    ------
    ForeignEmbeddingsError
        If the file is none of these, or an index names a clip or a row twice.
    """
    try:
        if path.suffix.lower() == ".csv":
            return read_table(path), None
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() != ".json":
            lines = [line for line in text.splitlines() if line.strip()]
            return (as_texts(lines, str(path)), {}), None
        found: Any = json.loads(text, object_pairs_hook=_Pairs)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, ForeignEmbeddingsError):
            raise
        raise ForeignEmbeddingsError(f"{path}: cannot be read as a list of ids: {error}.") from None
    if isinstance(found, _Pairs):
        return _from_index(path, found)
    if isinstance(found, list) and all(isinstance(each, str | int) for each in found):
        return (as_texts(found, str(path)), {}), None
    raise ForeignEmbeddingsError(f"{path}: expected a JSON list of ids, or an object of id: row.")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as written, with repeated keys."""


def _from_index(path: Path, pairs: _Pairs) -> tuple[Table, list[int]]:
    ids, rows = as_texts([key for key, _ in pairs], str(path)), [row for _, row in pairs]
    if not pairs or not all(type(row) is int for row in rows):
        raise ForeignEmbeddingsError(f"{path}: expected an object of id: row, rows from 0.")
    repeats = {"id": Counter(ids), "row": Counter(rows)}
    for what, counts in repeats.items():
        if twice := [value for value, n in counts.items() if n > 1]:
            raise ForeignEmbeddingsError(f"{path}: {what} {twice[0]!r} occurs twice.")
    return (ids, {}), rows


def read_table(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Read a CSV with a column of ids and, if it has them, labels and speakers.

    Raises
    ------
    ForeignEmbeddingsError
        If there is no column of ids, or no CSV.
    """
    frame = read_frame(path)
    ids, known = named_columns({str(name): frame[name] for name in frame}, path)
    if ids is None:
        raise ForeignEmbeddingsError(
            f"{path}: no column of ids; expected one called {', '.join(ID_NAMES[::2])}. "
            f"Found: {', '.join(map(str, frame.columns))}."
        )
    return ids, known


def read_frame(path: Path) -> pd.DataFrame:
    """Read a CSV, every field as text."""
    import pandas as pd

    try:
        # Without index_col a comma at each line's end would make ids of the second field.
        return pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
        )
    except (OSError, ValueError) as error:
        raise ForeignEmbeddingsError(f"{path}: cannot be read as a CSV: {error}.") from None
