"""Hugging Face dataset -> CSV. Its audio stays in its parquet or Arrow files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from reno_store.corpora.embedded import KEPT_BYTES, EmbeddedPlace
from reno_store.corpora.making import MadeManifest, check_new, write_made
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
from reno_store.corpora.sources.hf_layout import (
    DatasetFile,
    choose_files,
    describe_file,
    find_files,
)
from reno_store.corpora.sources.hf_tables import DatasetTable
from reno_store.corpora.sources.hub import find_on_hub
from reno_store.errors import ManifestError, Remedy

__all__ = ["manifest_from_hf_dataset"]


def manifest_from_hf_dataset(
    dataset: str | Path,
    output: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    subset: str | None = None,
    split: str | None = None,
    missing: Literal["raise", "drop"] = "raise",
    replace_existing: bool = False,
) -> MadeManifest:
    """Turn a Hugging Face dataset into a manifest.

    Parameters
    ----------
    dataset : str or Path
        A folder of parquet files as on the hub, a folder of `save_to_disk`, one such file, or the
        id of a dataset on the hub, also ``OWNER/NAME@REVISION``. From the hub, only parquet files
        are downloaded, into its cache.
    output : str or Path
        The CSV to write.
    columns : Mapping[str, str], optional
        ``path`` (the audio), ``label``, ``speaker``, ``clip_id`` -> column of the dataset. Those
        that are not given are guessed where only one is possible. An empty ``speaker`` means that
        there is none. Other columns of text or numbers are kept.
    subset : str, optional
        Configuration of the dataset; needed if it has several.
    split : str, optional
        Only this split; by default all, with their names in the column ``split``.
    missing : {"raise", "drop"}
        ``"drop"`` leaves rows without a label out, and counts them; ``"raise"`` refuses them.
    replace_existing : bool
        Whether to overwrite an existing CSV.

    Raises
    ------
    UnknownNameError
        If a column, the subset or the split does not exist; the choices are listed.
    ManifestError
        If the dataset cannot be found or read, has no audio, a column is ambiguous, or rows are
        wrong; the attribute ``problems`` lists them all.
    RenoStoreError
        If pyarrow is not installed.
    """
    output, chosen = Path(output), check_fields(columns)
    check_new(output, replace_existing)
    place = _locate(dataset, subset, split)
    tables = [DatasetTable(place.folder / file.name) for file in place.files]
    audio, found = _chosen_columns(dataset, tables, chosen)
    own = ["split"] if any(file.split for file in place.files) else []
    shared = [
        name
        for name in tables[0].scalars
        if name != audio and all(name in table.names for table in tables)
    ]
    kept = kept_columns(shared, [*found.values()], *own)
    rows = [
        row
        for file, table in zip(place.files, tables, strict=True)
        for row in _rows(place, file, table, audio, shared)
    ]
    kept |= dict.fromkeys(own, "split")
    scan = clips_of(dataset, rows, found, kept, place.root, missing)
    notes = [used_columns({"audio": audio, **found}), *_large(tables, audio)]
    return write_made(output, dataset, place.root, scan, notes=notes)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a dataset is on this machine.

    Attributes
    ----------
    folder : Path
        Its folder; names of files are relative to it.
    root : Path
        The audio folder: the same, or in the hub's cache the one with all that its links lead to.
    files : Sequence[DatasetFile]
        The chosen files.
    """

    folder: Path
    root: Path
    files: Sequence[DatasetFile]


def _locate(dataset: str | Path, subset: str | None, split: str | None) -> _Place:
    path = Path(dataset)
    if path.is_file():
        only = choose_files(dataset, [describe_file(path.name)], subset, split)
        return _Place(path.parent, path.parent, only)
    if path.is_dir():
        return _Place(path, path, choose_files(dataset, find_files(path), subset, split))
    on_hub = find_on_hub(str(dataset))
    files = choose_files(dataset, [*map(describe_file, on_hub.names)], subset, split)
    folder = on_hub.download([file.name for file in files])
    return _Place(folder, folder.parent.parent, files)


def _chosen_columns(
    dataset: str | Path, tables: Sequence[DatasetTable], chosen: Mapping[str, str]
) -> tuple[str, dict[str, str | None]]:
    """Return the audio column, and the columns of the other fields."""
    first = tables[0]
    possible = first.maybe_audio if "path" in chosen else first.audio
    if not possible:
        raise ManifestError(
            f"{first.path}: has no audio column; expected one with the bytes of audio files, or "
            f"with their paths. Columns: {', '.join(first.names)}.",
            (),
            *[Remedy("Name the column", {"columns": {"path": ...}})] * bool(first.maybe_audio),
        )
    audio = choose_column(dataset, "path", chosen, possible, first.audio) or ""
    others = [name for name in first.scalars if name != audio]
    found = {
        field: choose_column(
            dataset, field, chosen, others, tuple(first.class_labels) * (field == "label")
        )
        for field in ("clip_id", "label", "speaker")
    }
    wanted = {audio, *filter(None, found.values())}
    for table in tables:
        if lost := sorted(wanted - set(table.names)):
            raise ManifestError(
                f"{table.path}: has no column {', '.join(map(repr, lost))}, which {first.path} has."
            )
    return audio, found


def _rows(
    place: _Place, file: DatasetFile, table: DatasetTable, audio: str, wanted: Sequence[str]
) -> Iterator[Row]:
    in_root = table.path.relative_to(place.root).as_posix()
    for row in table.rows(audio, wanted):
        path, problem = str(EmbeddedPlace(in_root, row.number, audio)), ""
        if not row.has_bytes:
            path, problem = _file_beside(row.audio_path, table.path, place)
        yield Row(
            place=f"{file.name}, row {row.number}",
            path=path,
            values={**row.values, "split": file.split},
            name=without_ending(PurePosixPath(row.audio_path).name if row.audio_path else ""),
            fallback=f"{without_ending(file.name)}/{row.number}",
            problem="; ".join(filter(None, [problem, row.problem])),
        )


def _file_beside(written: str, table: Path, place: _Place) -> tuple[str, str]:
    """Return the path of a recording that is not in the table, or what is wrong."""
    if not written:
        return "", "no audio"
    inside = path_inside(written, place.folder)
    for folder in (place.folder, table.parent):
        if not Path(inside).is_absolute() and (folder / inside).is_file():
            return (folder / inside).relative_to(place.root).as_posix(), ""
    return "", f"no audio in the table, and no file {written!r} in {place.folder}"


def _large(tables: Sequence[DatasetTable], audio: str) -> Iterator[str]:
    largest, path = max((table.largest_read(audio), table.path) for table in tables)
    if largest > KEPT_BYTES:
        yield (
            f"warning: {path}: a row group has {largest / 2**20:,.0f} MB of audio and is read as a "
            f"whole. With row groups below {KEPT_BYTES / 2**20:,.0f} MB, builds need less memory "
            "and time."
        )
