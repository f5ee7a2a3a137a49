"""A CSV with other column names -> manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from reno_store.corpora.making import MadeManifest, check_new, write_made
from reno_store.corpora.reading import SEPARATORS, parse_rows
from reno_store.corpora.sources.columns import (
    Row,
    check_fields,
    choose_column,
    clips_of,
    kept_columns,
    path_inside,
    used_columns,
    without_ending,
)
from reno_store.errors import ManifestError

__all__ = ["manifest_from_csv"]


def manifest_from_csv(
    table: str | Path,
    output: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    audio_folder: str | Path | None = None,
    missing: Literal["raise", "drop"] = "raise",
    replace_existing: bool = False,
) -> MadeManifest:
    """Turn a CSV with other column names into a manifest.

    Parameters
    ----------
    table : str or Path
        A UTF-8 CSV with a header. Columns may be separated by commas, semicolons, tabs or
        vertical bars.
    output : str or Path
        The manifest to write.
    columns : Mapping[str, str], optional
        ``path``, ``label``, ``speaker``, ``clip_id`` -> column of the CSV. Those that are not
        given are guessed where only one is possible. Without a clip_id, it is the path without
        its ending. Other columns are kept.
    audio_folder : str or Path, optional
        The folder that the paths are relative to; the folder of the CSV by default.
    missing : {"raise", "drop"}
        ``"drop"`` leaves rows without a label out, and counts them; ``"raise"`` refuses them.
    replace_existing : bool
        Whether to overwrite an existing manifest.

    Raises
    ------
    UnknownNameError
        If a column does not exist; the choices are listed.
    ManifestError
        If the CSV cannot be read, a column is ambiguous, or rows are wrong; the attribute
        ``problems`` lists them all.
    """
    table, output, chosen = Path(table), Path(output), check_fields(columns)
    folder = table.parent if audio_folder is None else Path(audio_folder)
    if not table.is_file():
        raise ManifestError(f"{table}: no such file; expected a CSV.")
    if not folder.is_dir():
        raise ManifestError(f"audio folder {folder} does not exist or is not a folder.")
    if output.exists() and output.samefile(table):
        raise ManifestError(f"{output}: is the CSV itself. Choose another name for the manifest.")
    check_new(output, replace_existing)
    lines = list(_lines(table))
    header = lines[0][1]
    found = {
        field: choose_column(table, field, chosen, header)
        for field in ("path", "label", "speaker", "clip_id")
    }
    kept = kept_columns(header, [*found.values()])
    rows = list(_rows(lines, header, found["path"] or "", folder))
    scan = clips_of(table, rows, found, kept, folder, missing)
    return write_made(output, table, folder, scan, notes=[used_columns(found)])


def _lines(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields), the header first, with every row as long as the header."""
    problems: list[str] = []
    separator = _separator(table)
    header: list[str] = []
    for line, fields in parse_rows(table, problems, separator):
        if not header:
            header = [column.strip() for column in fields]
            repeated = sorted(name for name, n in Counter(header).items() if n > 1)
            problems += [f"line {line}: column {name!r} occurs twice" for name in repeated]
            yield line, header
        elif len(fields) != len(header):
            problems.append(f"line {line}: expected {len(header)} fields, got {len(fields)}")
        else:
            yield line, fields
    if problems:
        raise ManifestError(f"{table}: please fix its rows:", problems)


def _separator(table: Path) -> str:
    """Return the separator that divides the header into most columns."""
    with table.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline()
    return max((",", *SEPARATORS), key=header.count)


def _rows(
    lines: list[tuple[int, list[str]]], header: list[str], column: str, folder: Path
) -> Iterator[Row]:
    for line, fields in lines[1:]:
        values = dict(zip(header, fields, strict=True))
        path = path_inside(values[column].strip(), folder)
        yield Row(f"line {line}", path, values, without_ending(path), path)
