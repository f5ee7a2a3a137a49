"""audformat database -> CSV.

Its format is read here and not by the package audformat, which unpickles tables and loads its
header with a YAML loader that can run code. A database is a folder: ``db.yaml`` lists schemes and
tables, ``db.TABLE.csv`` or ``db.TABLE.parquet`` is a table, with the files in column ``file``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from reno_store.corpora.confinement import Confinement
from reno_store.corpora.embedded import import_pyarrow
from reno_store.corpora.making import MadeManifest, check_new, write_made
from reno_store.corpora.reading import parse_rows
from reno_store.corpora.sources.columns import (
    Row,
    check_fields,
    choose_column,
    clips_of,
    kept_columns,
    path_inside,
    used_columns,
    usual_names,
    without_ending,
)
from reno_store.errors import ManifestError, UnknownNameError

__all__ = ["manifest_from_audformat"]

_HEADER = "db.yaml"


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    is_segmented: bool
    split: str
    schemes: Mapping[str, str]  # column -> scheme, empty where it has none


@dataclass(slots=True)
class _Entry:
    """What all tables have about one file."""

    place: str
    split: str = ""
    values: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)  # column -> what its tables have

    def add(self, column: str, value: str, place: str) -> None:
        known = self.values.get(column)
        if known and value and known != value:
            self.conflicts[column] = f"{column!r} is {known!r}, but {value!r} in {place}"
        self.values[column] = known or value


def manifest_from_audformat(
    folder: str | Path,
    output: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    subset: str | None = None,
    missing: Literal["raise", "drop"] = "raise",
    replace_existing: bool = False,
) -> MadeManifest:
    """Turn an audformat database into a manifest.

    Parameters
    ----------
    folder : str or Path
        The folder with ``db.yaml``.
    output : str or Path
        The CSV to write.
    columns : Mapping[str, str], optional
        ``label``, ``speaker``, ``clip_id`` -> column of a table, or scheme. Those that are not
        given are guessed where only one is possible. Columns may be in different tables; they
        are joined by file. Other columns are kept.
    subset : str, optional
        The table with the labels, if several tables have the column and disagree.
    missing : {"raise", "drop"}
        ``"drop"`` leaves rows without a label out, and counts them; ``"raise"`` refuses them.
    replace_existing : bool
        Whether to overwrite an existing CSV.

    Raises
    ------
    UnknownNameError
        If a column or the table does not exist; the choices are listed.
    ManifestError
        If the database cannot be read, labels only segments of files, a column is ambiguous, or
        rows are wrong; the attribute ``problems`` lists them all.
    RenoStoreError
        If a table is parquet and pyarrow is not installed.
    """
    folder, output, chosen = Path(folder), Path(output), check_fields(columns)
    check_new(output, replace_existing)
    tables = _tables(folder)
    filewise = [table for table in tables if not table.is_segmented]
    if subset is not None and subset not in (names := [table.name for table in filewise]):
        raise UnknownNameError.among(f"table of {folder}", subset, names)
    names = list(dict.fromkeys(column for table in filewise for column in table.schemes))
    schemes = [
        scheme
        for scheme in dict.fromkeys(each for table in filewise for each in table.schemes.values())
        if scheme and scheme not in names
    ]
    _check_segments(folder, tables, chosen.get("label", ""), [*names, *schemes])
    found = {
        wanted: choose_column(
            folder,
            wanted,
            chosen,
            [*names, *schemes] if wanted in chosen else names,
            usual_names(wanted, schemes),
        )
        for wanted in ("label", "speaker", "clip_id")
    }
    labelled = [
        table
        for table in filewise
        if subset in (None, table.name) and _columns_of(table, found["label"] or "")
    ]
    entries = _entries(folder, filewise, labelled, found)
    used = [*found.values()]
    for table in filewise:
        used += [column for name in found.values() for column in _columns_of(table, name or "-")]
    own = ["split"] if any(entry.split for entry in entries.values() if entry.place) else []
    kept = kept_columns(names, used, *own)
    disputed = sorted({name for entry in entries.values() for name in entry.conflicts} & set(kept))
    kept = {name: new for name, new in kept.items() if name not in disputed}
    rows = list(_rows(entries, [*names, *schemes], disputed, folder))
    kept |= dict.fromkeys(own, "split")
    scan = clips_of(folder, rows, found, kept, folder, missing)
    if n_others := len(entries) - len(rows):
        others = {f"no row in a table with column {found['label']!r}": n_others}
        scan = replace(scan, left_out={**scan.left_out, **others})
    notes = [used_columns(found)]
    if disputed:
        notes.append(f"left out, because tables disagree: columns {', '.join(disputed)}")
    if segmented := [table.name for table in tables if table.is_segmented]:
        notes.append(f"not used, because they are about segments of files: {', '.join(segmented)}")
    return write_made(output, folder, folder, scan, notes=notes)


def _tables(folder: Path) -> list[_Table]:
    """Return the tables that the header lists."""
    import yaml

    header = folder / _HEADER
    try:
        found = yaml.safe_load(header.read_text("utf-8"))
        tables = [
            _Table(
                str(name),
                entry.get("type") == "segmented",
                str(entry.get("split_id") or ""),
                {
                    str(column): str((about or {}).get("scheme_id") or "")
                    for column, about in (entry.get("columns") or {}).items()
                },
            )
            for name, entry in (found.get("tables") or {}).items()
        ]
    except FileNotFoundError:
        raise ManifestError(
            f"{folder}: has no {_HEADER}; expected an audformat database."
        ) from None
    except OSError as error:
        raise ManifestError(f"{header}: cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, RecursionError) as error:
        reason = str(error).replace("\n", " ")
        raise ManifestError(f"{header}: not the header of a database: {reason}.") from None
    if not tables:
        raise ManifestError(f"{header}: lists no tables.")
    return tables


def _check_segments(
    folder: Path, tables: Sequence[_Table], label: str, filewise: Sequence[str]
) -> None:
    segmented = {column for table in tables if table.is_segmented for column in table.schemes}
    if segmented and (not filewise or (label in segmented and label not in filewise)):
        raise ManifestError(
            f"{folder}: {', '.join(sorted(segmented))} describe segments of files, and a clip is a "
            "whole file. Write each segment to a file, and list these files in a CSV.",
        )


def _columns_of(table: _Table, name: str) -> list[str]:
    """Return a table's columns with this name or scheme."""
    if name in table.schemes:
        return [name]
    return [column for column, scheme in table.schemes.items() if scheme == name]


def _entries(
    folder: Path,
    tables: Sequence[_Table],
    labelled: Sequence[_Table],
    found: Mapping[str, str | None],
) -> dict[str, _Entry]:
    """Return what the tables have about each file; `place` is empty for files without a label."""
    entries: dict[str, _Entry] = {}
    for table in sorted(tables, key=lambda table: table not in labelled):
        is_labelled = table in labelled
        for place, values in _table_rows(folder, table):
            entry = entries.setdefault(values["file"], _Entry(""))
            if is_labelled:
                entry.place = entry.place or place
                entry.split = entry.split or table.split
            for column, scheme in table.schemes.items():
                if not is_labelled and found["label"] in (column, scheme):
                    continue
                entry.add(column, values.get(column, ""), place)
                if scheme in found.values() and scheme != column:
                    entry.add(scheme, values.get(column, ""), place)
    return entries


def _rows(
    entries: Mapping[str, _Entry], names: Sequence[str], disputed: Sequence[str], folder: Path
) -> Iterator[Row]:
    for file, entry in entries.items():
        if entry.place:
            path = path_inside(file, folder)
            values = {**dict.fromkeys(names, ""), **entry.values, "split": entry.split}
            conflicts = entry.conflicts.items()
            problem = "; ".join(text for name, text in conflicts if name not in disputed)
            yield Row(entry.place, path, values, without_ending(path), path, problem)


def _table_rows(folder: Path, table: _Table) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield where each row of a table is, and its text by column."""
    names = [f"db.{table.name}{ending}" for ending in (".parquet", ".csv")]
    if problem := Confinement(folder).problem(names[0]):
        raise ManifestError(f"{folder / _HEADER}: table {table.name!r}: {problem}.")
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise ManifestError(
            f"{folder}: table {table.name!r} is in neither {names[0]} nor {names[1]}. If it is "
            "only a .pkl file, save the database again with storage_format='csv': pickles can run "
            "code and are not loaded."
        )
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path)
    for number, values in rows:
        if "file" not in values:
            raise ManifestError(f"{path}: has no column 'file'.")
        yield f"{path.name}, {number}", values


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    problems: list[str] = []
    lines = parse_rows(path, problems)
    header = next(lines, (1, []))[1]
    for line, fields in lines:
        if len(fields) != len(header):
            problems.append(f"line {line}: expected {len(header)} fields, got {len(fields)}")
            continue
        yield f"line {line}", dict(zip(header, fields, strict=True))
    if problems:
        raise ManifestError(f"{path}: please fix its rows:", problems)


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    pyarrow = import_pyarrow()
    try:
        found: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise ManifestError(f"{path}: cannot be read: {error}.") from None
    for row, values in enumerate(found):
        texts = {name: "" if value is None else str(value) for name, value in values.items()}
        yield f"row {row}", texts
