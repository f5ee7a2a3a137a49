"""CSV -> Manifest, or every problem of the CSV at once.

A manifest is often made by hand or by a script, so problems are the normal case. Reading does
not stop at the first one: each check adds to a list, each entry names its line, and the error
contains all of them.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from reno_store.corpora.clips import REQUIRED_COLUMNS, Clip, Manifest
from reno_store.corpora.confinement import Confinement
from reno_store.corpora.names import check_column, name_problem
from reno_store.errors import ManifestError, Remedy, suggestion
from reno_store.runtime.locations import local_path
from reno_store.runtime.places import Place, open_place

__all__ = ["SEPARATORS", "parse_rows", "read_manifest"]

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What separates the columns of a CSV that does not use commas."""


def read_manifest(
    path: str | Path, *, dataset: str | None = None, audio_folder: str | Path | None = None
) -> Manifest:
    """Read and check a manifest.

    Parameters
    ----------
    path : str or Path
        A UTF-8 CSV with a header: ``clip_id, path, label, speaker`` and any further columns.
    dataset : str, optional
        Name of the dataset; the stem of the file by default.
    audio_folder : str or Path, optional
        The folder that the column ``path`` is relative to, which may be a URL; the folder of the
        CSV by default.

    Returns
    -------
    Manifest
        The clips in the order of the file.

    Raises
    ------
    ManifestError
        If the file is missing, is not UTF-8 CSV, is empty, or has a wrong row. The attribute
        ``problems`` lists all problems, each with its line; the message lists the first 20.

    Examples
    --------
    >>> import reno_store as rs
    >>> manifest = rs.read_manifest("reno-demo/synthetic.csv")
    >>> len(manifest.clips), manifest.label_counts["fear"], manifest.speakers[:2]
    (240, 40, ('s1', 's2'))
    """
    path = local_path(path, "manifest", ManifestError)
    name = path.stem if dataset is None else dataset
    if problem := name_problem(name):
        raise ManifestError(
            f"{path}: the dataset would have the name {name!r}, but {problem}.",
            (),
            Remedy("Choose another name", {"dataset": ...}),
        )
    folder: Place = path.parent
    if audio_folder is not None:
        folder = open_place(audio_folder, "audio folder", ManifestError)
    if audio_folder is not None and not folder.is_dir():
        raise ManifestError(f"audio folder {folder} does not exist or is not a folder.")
    problems: list[str] = []
    lines = parse_rows(path, problems)
    header_line, header = next(lines, (1, []))
    header = [column.strip() for column in header]
    problems += [f"line {header_line}: {problem}" for problem in _header_problems(header)]
    if problems:
        raise _refused(path, problems)
    clips = []
    confinement = Confinement(folder)
    line_of_id: dict[str, int] = {}
    line_of_path: dict[str, int] = {}
    for line, fields in lines:
        if len(fields) != len(header):
            problems.append(
                f"line {line}: expected {len(header)} fields, got {len(fields)}; "
                "a comma inside a field needs quotes around it"
            )
            continue
        row = dict(zip(header, fields, strict=True))
        clip = Clip(
            **{column: row[column].strip() for column in REQUIRED_COLUMNS},
            extra={key: value for key, value in row.items() if key not in REQUIRED_COLUMNS},
        )
        found = _clip_problems(clip, confinement, line_of_id, line_of_path)
        problems += [f"line {line}: {problem}" for problem in found]
        line_of_id.setdefault(clip.clip_id, line)
        line_of_path.setdefault(clip.path, line)
        clips.append(clip)
    if not clips and not problems:
        problems.append(f"line {header_line}: no clip follows the header")
    if problems:
        outside = Remedy(
            "Paths must stay inside the folder of the manifest. Move the manifest above the "
            "recordings, or name their folder",
            {"audio_folder": ...},
        )
        raise _refused(path, problems, *[outside] * bool(confinement.n_outside))
    extra_columns = tuple(column for column in header if column not in REQUIRED_COLUMNS)
    return Manifest(name, folder, tuple(clips), extra_columns)


def _refused(path: Path, problems: list[str], *remedies: Remedy) -> ManifestError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ManifestError(f"{path}: {count} found; please fix the file:", problems, *remedies)


def parse_rows(
    path: Path, problems: list[str], separator: str = ","
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row that is not blank, as far as it is CSV.

    Parameters
    ----------
    path : Path
        The CSV.
    problems : list of str
        What is wrong with it is added here.
    separator : str
        What separates the columns.

    Raises
    ------
    ManifestError
        If the file cannot be read, is not UTF-8, or is empty.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ManifestError(
            f"{path}: no such manifest.",
            (),
            Remedy(
                "Make one from a folder of recordings",
                {"card": ..., "folder": ..., "output": str(path)},
                "make_manifest",
            ),
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
            f"({', '.join(REQUIRED_COLUMNS)}) and one line per clip."
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    start = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"line {start}: not well-formed CSV: {error}")


def _header_problems(header: list[str]) -> Iterator[str]:
    if separator := _other_separator(header):
        yield (
            f"the columns are separated by {separator}, expected commas. Save the file as CSV "
            "with commas (a spreadsheet offers the field delimiter when it exports)"
        )
        return
    for column in REQUIRED_COLUMNS:
        if column not in header:
            others = [other for other in header if other not in REQUIRED_COLUMNS]
            empty = " Its fields may be empty." if column == "speaker" else ""
            yield (
                f"column {column!r} is missing{suggestion(column, others)}{empty} "
                f"Found: {', '.join(header)}"
            )
    for column, number in sorted(Counter(header).items()):
        if number > 1:
            yield f"column {column!r} occurs {number} times"
    yield from filter(None, map(check_column, header))


def _other_separator(header: list[str]) -> str | None:
    """Return what separates the columns if it is not a comma and the header has known columns."""
    if len(set(header) & set(REQUIRED_COLUMNS)) > 1:
        return None
    for separator, name in SEPARATORS.items():
        parts = {part.strip().strip('"') for part in ",".join(header).split(separator)}
        if len(parts & set(REQUIRED_COLUMNS)) > 1:
            return name
    return None


def _clip_problems(
    clip: Clip,
    confinement: Confinement,
    line_of_id: dict[str, int],
    line_of_path: dict[str, int],
) -> list[str]:
    problems = []
    named = f"clip {clip.clip_id!r}"
    if not clip.clip_id:
        problems.append("clip_id is empty")
    elif any(ord(char) < 32 for char in clip.clip_id):
        problems.append(f"clip_id {clip.clip_id!r} contains a control character")
    elif clip.clip_id in line_of_id:
        problems.append(f"clip_id {clip.clip_id!r} is already in line {line_of_id[clip.clip_id]}")
    if "\x00" in clip.label + clip.speaker:
        problems.append(f"{named}: label or speaker contains a null character")
    if not clip.label:
        problems.append(f"{named} has no label")
    if problem := confinement.problem(clip.path):
        problems.append(f"{named}: {problem}")
    elif clip.path in line_of_path and not problems:
        problems.append(f"{named}: path {clip.path!r} is already in line {line_of_path[clip.path]}")
    return problems
