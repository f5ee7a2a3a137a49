"""CSV -> Manifest, or every problem of the CSV at once.

A manifest is often made by hand or by a script of the user's, so a wrong one is the
normal case. Reading therefore never stops at the first problem: each check adds to one
list, each entry names its line, and the error carries them all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from reno_store.corpora.clips import REQUIRED_COLUMNS, Clip, Manifest
from reno_store.corpora.confinement import Confinement
from reno_store.corpora.names import check_column, check_name, name_problem
from reno_store.errors import ManifestError, command_line, suggestion

__all__ = ["read_manifest"]

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def read_manifest(
    path: str | Path, *, dataset: str | None = None, audio_folder: str | Path | None = None
) -> Manifest:
    """Read and check a manifest.

    Parameters
    ----------
    path : str or Path
        A UTF-8 CSV with a header: ``clip_id, path, label, speaker`` and any further columns.
    dataset : str, optional
        Name of the dataset; the file's stem unless given.
    audio_folder : str or Path, optional
        The folder that the column ``path`` is relative to; the CSV's own unless given.

    Returns
    -------
    Manifest
        The clips in the order of the file.

    Raises
    ------
    ManifestError
        If the file is missing, is not UTF-8 CSV, is empty, or has a wrong row; the
        attribute ``problems`` names all the problems, each with its line, and the message the
        first 20.
    """
    path = Path(path)
    if dataset is None and name_problem(path.stem):
        raise ManifestError(
            f"{path}: the file's stem would name the dataset, but {name_problem(path.stem)}. "
            "Give another name with --dataset (dataset=...)."
        )
    name = path.stem if dataset is None else _dataset_name(dataset)
    folder = path.parent if audio_folder is None else Path(audio_folder)
    if audio_folder is not None and not folder.is_dir():
        raise ManifestError(f"audio folder {folder} is not there or not a folder.")
    problems: list[str] = []
    lines = _parse(path, problems)
    header_line, header = next(lines, (1, []))
    problems += _header_problems(header_line, header)
    if problems:
        raise _refused(path, problems)
    clips = []
    confinement = Confinement(folder)
    first_line_of: dict[str, int] = {}
    first_line_of_path: dict[str, int] = {}
    for line, fields in lines:
        found = _row_problems(line, fields, header)
        if not found:
            row = dict(zip(header, fields, strict=True))
            clip = Clip(
                **{column: row[column].strip() for column in REQUIRED_COLUMNS},
                extra={key: value for key, value in row.items() if key not in REQUIRED_COLUMNS},
            )
            found = _clip_problems(line, clip, confinement, first_line_of, first_line_of_path)
            first_line_of.setdefault(clip.clip_id, line)
            clips.append(clip)
        problems += found
    if not clips and not problems:
        problems.append(f"line {header_line}: there is a header but no clip under it")
    if problems:
        raise _refused(path, problems)
    extra_columns = tuple(column for column in header if column not in REQUIRED_COLUMNS)
    return Manifest(name, folder, tuple(clips), extra_columns)


def _dataset_name(dataset: str) -> str:
    try:
        return check_name("dataset", dataset)
    except ValueError as error:
        raise ManifestError(str(error)) from None


def _refused(path: Path, problems: list[str]) -> ManifestError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ManifestError(f"{path}: {count} found; please fix the file:", problems)


def _parse(path: Path, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row that is not blank, until CSV ends."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ManifestError(
            f"{path}: no such manifest. `{command_line('manifest', 'CARD', 'FOLDER', '-o', path)}` "
            "makes one from a folder of recordings."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ManifestError(
            f"{path}: expected UTF-8 text, got the byte 0x{error.object[error.start]:02x} "
            f"in line {line}. Save the file as UTF-8."
        ) from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}.") from None
    if not text.strip():
        raise ManifestError(
            f"{path}: the manifest is empty; expected a header "
            f"({', '.join(REQUIRED_COLUMNS)}) and a line for each clip."
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"line {start}: not well-formed CSV: {error}")


def _header_problems(line: int, header: list[str]) -> list[str]:
    header[:] = [column.strip() for column in header]
    if separator := _other_separator(header):
        return [
            f"line {line}: the columns are separated by {separator}, expected commas. Save the "
            "file as CSV with commas (a spreadsheet offers the field delimiter when it exports)"
        ]
    problems = []
    for column in REQUIRED_COLUMNS:
        if column not in header:
            strangers = [other for other in header if other not in REQUIRED_COLUMNS]
            empty = " Its fields may be empty." if column == "speaker" else ""
            problems.append(
                f"line {line}: column {column!r} is missing{suggestion(column, strangers)}{empty} "
                f"Found: {', '.join(header)}"
            )
    for column in sorted({column for column in header if header.count(column) > 1}):
        problems.append(f"line {line}: column {column!r} stands {header.count(column)} times")
    problems += [
        f"line {line}: {problem}" for column in header if (problem := check_column(column))
    ]
    return problems


def _other_separator(header: list[str]) -> str | None:
    """Name what separates the columns, where it is no comma and makes sense of the header."""
    if len(set(header) & set(REQUIRED_COLUMNS)) > 1:
        return None
    for separator, name in _SEPARATORS.items():
        parts = {part.strip().strip('"') for part in ",".join(header).split(separator)}
        if len(parts & set(REQUIRED_COLUMNS)) > 1:
            return name
    return None


def _row_problems(line: int, fields: list[str], header: list[str]) -> list[str]:
    if len(fields) == len(header):
        return []
    return [
        f"line {line}: expected {len(header)} fields, got {len(fields)}; "
        "a comma inside a field needs quotes around it"
    ]


def _clip_problems(
    line: int,
    clip: Clip,
    confinement: Confinement,
    first_line_of: dict[str, int],
    first_line_of_path: dict[str, int],
) -> list[str]:
    problems = []
    if not clip.clip_id:
        problems.append("clip_id is empty")
    elif any(ord(char) < 32 for char in clip.clip_id):
        problems.append(f"clip_id {clip.clip_id!r} holds a control character")
    elif clip.clip_id in first_line_of:
        earlier = first_line_of[clip.clip_id]
        problems.append(f"clip_id {clip.clip_id!r} stands in line {earlier} already")
    if "\x00" in clip.label + clip.speaker:
        problems.append(f"clip {clip.clip_id!r}: label or speaker holds a null character")
    if not clip.label:
        problems.append(f"clip {clip.clip_id!r} has no label")
    if problem := confinement.problem(clip.path):
        problems.append(f"clip {clip.clip_id!r}: {problem}")
    elif clip.path in first_line_of_path and not problems:
        earlier = first_line_of_path[clip.path]
        problems.append(
            f"clip {clip.clip_id!r}: path {clip.path!r} stands in line {earlier} already"
        )
    first_line_of_path.setdefault(clip.path, line)
    return [f"line {line}: {problem}" for problem in problems]
