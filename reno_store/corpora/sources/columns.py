"""Rows of a foreign table -> clips: which column is the label, and what is wrong with a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from reno_store.corpora.cards import Subset
from reno_store.corpora.clips import REQUIRED_COLUMNS, Clip
from reno_store.corpora.confinement import Confinement
from reno_store.corpora.names import check_column
from reno_store.corpora.scanning import CardScan, count_clips
from reno_store.errors import ManifestError, Remedy, UnknownNameError

__all__ = [
    "Row",
    "check_fields",
    "choose_column",
    "clips_of",
    "kept_columns",
    "path_inside",
    "used_columns",
    "usual_names",
    "without_ending",
]

_USUAL_NAMES: Mapping[str, Sequence[str]] = {
    "clip_id": ("clip_id",),
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio", "wav"),
    "label": ("label", "emotion", "labels", "class", "category"),
    "speaker": (
        *("speaker", "speaker_id", "speaker_name", "actor", "actor_id", "subject", "subject_id"),
        *("participant", "participant_id", "client_id"),
    ),
}
"""Names by which a column is recognized, if the source has only one of them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One recording in a foreign table.

    Attributes
    ----------
    place : str
        Where the row is, for messages.
    path : str
        The recording, relative to the audio folder; empty where `problem` says why.
    values : Mapping[str, str]
        Text of each column of the source; empty where it has none.
    name : str
        Name of the recording without its ending, from which a clip_id may be derived.
    fallback : str
        A clip_id that is unique, but less telling than `name`.
    problem : str
        What is wrong with the recording.
    """

    place: str
    path: str
    values: Mapping[str, str]
    name: str
    fallback: str
    problem: str = ""


def check_fields(columns: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return a choice of columns, by their fields in a manifest.

    Raises
    ------
    UnknownNameError
        If a key is not a field of a manifest.
    """
    for name in columns or {}:
        if name not in REQUIRED_COLUMNS:
            raise UnknownNameError.among("field of a manifest", name, REQUIRED_COLUMNS)
    return columns or {}


def choose_column(
    source: object,
    field: str,
    chosen: Mapping[str, str],
    names: Sequence[str],
    likely: Sequence[str] = (),
) -> str | None:
    """Return the column of a source that has a field of a manifest.

    Parameters
    ----------
    source : object
        The source, for messages.
    field : str
        ``clip_id``, ``path``, ``label`` or ``speaker``.
    chosen : Mapping[str, str]
        The user's choice by field; an empty name means none.
    names : Sequence[str]
        The columns that may be chosen.
    likely : Sequence[str]
        Columns to guess if none has a usual name, and there is only one.

    Returns
    -------
    str or None
        None if the source has no such column; `path` and `label` are required.

    Raises
    ------
    UnknownNameError
        If the chosen column does not exist; the choices are listed.
    ManifestError
        If several columns are possible, or a required one is not found.
    """
    is_required = field in ("path", "label")
    if field in chosen and (chosen[field] or not is_required):
        if chosen[field] and chosen[field] not in names:
            raise UnknownNameError.among(f"{field} column of {source}:", chosen[field], names)
        return chosen[field] or None
    found = usual_names(field, names) or list(likely)
    if len(found) == 1:
        return found[0]
    if not found and not is_required:
        return None
    problem = f"may be any of {len(found)} columns" if found else "is in none of the usual columns"
    raise ManifestError(
        f"{source}: the {field} {problem}. Choices: {', '.join(found or names) or 'none'}.",
        (),
        Remedy("Name the column", {"columns": {field: ...}}),
    )


def usual_names(field: str, names: Sequence[str]) -> list[str]:
    """Return the columns that have a usual name for a field."""
    return [name for name in names if name.casefold() in _USUAL_NAMES[field]]


def kept_columns(names: Sequence[str], used: Sequence[str | None], *own: str) -> dict[str, str]:
    """Return the further columns of a manifest: column of the source -> name in the manifest.

    Parameters
    ----------
    names : Sequence[str]
        Columns of the source.
    used : Sequence[str or None]
        Those that are fields of the clips.
    *own : str
        Names of columns that the source's reader adds.

    Returns
    -------
    dict of str to str
        A name that the manifest has already begins with ``source_``. Columns whose name a store
        cannot have are left out.
    """
    taken = {*REQUIRED_COLUMNS, *own}
    kept = {name: f"source_{name}" if name in taken else name for name in names if name not in used}
    return {name: new for name, new in kept.items() if check_column(new) is None}


def clips_of(
    source: object,
    rows: Sequence[Row],
    columns: Mapping[str, str | None],
    kept: Mapping[str, str],
    folder: Path,
    missing: Literal["raise", "drop"],
) -> CardScan:
    """Return the clips of a source and their counts, or every problem with its row.

    Parameters
    ----------
    source : object
        The source, for messages.
    rows : Sequence[Row]
        Its recordings.
    columns : Mapping[str, str or None]
        Field (``clip_id``, ``label``, ``speaker``) -> column.
    kept : Mapping[str, str]
        Further columns: column of the source -> name in the manifest.
    folder : Path
        The audio folder, which no path may leave.
    missing : {"raise", "drop"}
        What to do with rows without a label.

    Raises
    ------
    ValueError
        If `missing` is neither.
    ManifestError
        If there is no row, or one has no recording, no label, or a clip_id used before.
    """
    if missing not in ("raise", "drop"):
        raise ValueError(f"missing={missing!r}; expected 'raise' or 'drop'")

    def value(row: Row, field: str) -> str:
        column = columns.get(field)
        return row.values[column].strip() if column else ""

    labelled = [row for row in rows if value(row, "label") or row.problem]
    n_without, left_out = len(rows) - len(labelled), {}
    if n_without and missing == "drop":
        rows, left_out = labelled, {f"no label in column {columns['label']!r}": n_without}
    names = [row.name for row in rows]
    if not columns.get("clip_id") and ("" in names or len(set(names)) < len(names)):
        names = [row.fallback for row in rows]
    clips, problems = [], []
    confinement, place_of = Confinement(folder), dict[str, str]()
    for row, name in zip(rows, names, strict=True):
        clip_id = value(row, "clip_id") if columns.get("clip_id") else name
        clip = Clip(
            clip_id,
            row.path,
            value(row, "label"),
            value(row, "speaker"),
            {new: row.values[column] for column, new in kept.items()},
        )
        found = list(_problems(row, clip, confinement, place_of, columns))
        problems += [f"{row.place}: {problem}" for problem in found]
        place_of.setdefault(clip_id, row.place)
        clips.append(clip)
    if problems or not clips:
        count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
        raise ManifestError(
            f"{source}: {count if problems else 'no recording'} found"
            + ("; please fix its rows:" if problems else "."),
            problems,
            *[Remedy("Leave rows without a label out", {"missing": "drop"})]
            * bool(n_without and missing == "raise"),
        )
    return CardScan(tuple(clips), (), (), tuple(count_clips(Subset(), clips)), left_out)


def _problems(
    row: Row,
    clip: Clip,
    confinement: Confinement,
    place_of: Mapping[str, str],
    columns: Mapping[str, str | None],
) -> Iterator[str]:
    if problem := row.problem or confinement.problem(row.path):
        yield problem
    if not clip.label:
        yield f"no label in column {columns['label']!r}"
    if not clip.clip_id:
        yield f"no clip_id in column {columns['clip_id']!r}"
    elif clip.clip_id in place_of:
        what = "clip_id" if columns.get("clip_id") else "recording"
        yield f"{what} {clip.clip_id!r} is already in {place_of[clip.clip_id]}"


def path_inside(path: str, folder: Path) -> str:
    """Return a path relative to a folder, if it is absolute and inside; otherwise unchanged."""
    written = Path(path)
    if written.is_absolute() and written.is_relative_to(folder.absolute()):
        return written.relative_to(folder.absolute()).as_posix()
    return path


def without_ending(path: str) -> str:
    """Return a relative path without the ending of the file's name.

    Examples
    --------
    >>> without_ending("a/take.1.wav")
    'a/take.1'
    """
    return str(PurePosixPath(path).with_suffix("")) if path else ""


def used_columns(columns: Mapping[str, str | None]) -> str:
    """Return which column is which field, in words.

    Examples
    --------
    >>> used_columns({"label": "emotion", "speaker": None, "path": "file"})
    'columns: label = emotion, path = file'
    """
    used = [f"{field} = {name}" for field, name in columns.items() if name]
    return f"columns: {', '.join(used)}"
