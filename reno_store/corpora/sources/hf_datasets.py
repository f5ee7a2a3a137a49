"""Hugging Face dataset -> CSV. Its audio stays in its parquet or Arrow files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reno_store.corpora.cards import Subset
from reno_store.corpora.embedded import KEPT_BYTES, TABLE_ENDINGS, EmbeddedPlace
from reno_store.corpora.making import MadeManifest, check_new, write_made
from reno_store.corpora.scanning import CardScan, count_clips
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
from reno_store.corpora.sources.hf_tables import DatasetTable
from reno_store.corpora.sources.hub import download_dataset
from reno_store.errors import ManifestError, Remedy, UnknownNameError

__all__ = ["manifest_from_hf_dataset"]

# train-00000-of-00002.parquet, also with a hash as older releases of datasets wrote it.
_SHARD = re.compile(r"(?P<split>.+)-[0-9]{5}-of-[0-9]{5}(?:-[0-9a-f]+)?")
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
_ROOMY = KEPT_BYTES // 2**20


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str  # relative to the dataset's folder
    subset: str
    split: str


def manifest_from_hf_dataset(
    dataset: str | Path,
    output: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    subset: str | None = None,
    split: str | None = None,
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
    folder, root = _locate(dataset)
    files = _chosen_files(dataset, _files(folder, root), subset, split)
    tables = [DatasetTable(file.path) for file in files]
    first = tables[0]
    if not first.maybe_audio or not (first.audio or "path" in chosen):
        raise ManifestError(
            f"{files[0].path}: has no audio column; expected one with the bytes of audio files, "
            f"or with their paths. Columns: {', '.join(first.names)}.",
            (),
            *[Remedy("Name the column", {"columns": {"path": ...}})] * bool(first.maybe_audio),
        )
    possible = first.maybe_audio if "path" in chosen else first.audio
    audio = choose_column(dataset, "path", chosen, possible, first.audio) or ""
    others = [name for name in first.scalars if name != audio]
    found = {
        field: choose_column(
            dataset, field, chosen, others, tuple(first.class_labels) * (field == "label")
        )
        for field in ("clip_id", "label", "speaker")
    }
    for file, table in zip(files, tables, strict=True):
        if lost := sorted({audio, *filter(None, found.values())} - set(table.names)):
            raise ManifestError(
                f"{file.path}: has no column {', '.join(map(repr, lost))}, but {files[0].path} has."
            )
    own = ["split"] if any(file.split for file in files) else []
    shared = [name for name in others if all(name in table.names for table in tables)]
    kept = kept_columns(shared, [*found.values()], *own)
    rows = [
        row
        for file, table in zip(files, tables, strict=True)
        for row in _rows(file, table, audio, shared, folder, root)
    ]
    kept |= dict.fromkeys(own, "split")
    clips = clips_of(dataset, rows, found, kept, root)
    scan = CardScan(tuple(clips), (), (), tuple(count_clips(Subset(), clips)))
    notes = [used_columns({"audio": audio, **found}), *_large(files, tables, audio)]
    return write_made(output, dataset, root, scan, notes=notes)


def _locate(dataset: str | Path) -> tuple[Path, Path]:
    """Return the dataset's folder, or its only file, and the audio folder."""
    path = Path(dataset)
    if path.is_file():
        return path, path.parent
    if path.is_dir():
        return path, path
    return download_dataset(str(dataset))


def _files(folder: Path, root: Path) -> list[_File]:
    if folder.is_file():
        return [_File(folder, folder.name, "", _split_of(PurePosixPath(folder.name)))]
    found = []
    for path in sorted(folder.rglob("*")):
        name = PurePosixPath(path.relative_to(folder).as_posix())
        is_hidden = any(part.startswith(".") for part in name.parts)
        # datasets keeps results of map() and filter() next to its own files.
        is_cache = path.suffix == ".arrow" and name.name.startswith(("cache-", "tmp"))
        if path.suffix not in TABLE_ENDINGS or is_hidden or is_cache:
            continue
        split = _split_of(name) or _split_on_disk(path)
        parents = [part for part in name.parts[:-1] if part not in ("data", split)]
        subset = "" if path.suffix == ".arrow" else "/".join(parents)
        found.append(_File(path, str(name), subset, split))
    if not found:
        raise ManifestError(
            f"{folder}: has no .parquet or .arrow file; expected a Hugging Face dataset, as on "
            "the hub or from save_to_disk."
        )
    return found


def _split_of(name: PurePosixPath) -> str:
    """Return the split that a file's name or folder names; empty if none does."""
    if name.suffix == ".arrow":  # save_to_disk: TRAIN/data-00000-of-00001.arrow
        return name.parent.name
    if shard := _SHARD.fullmatch(name.stem):
        return shard["split"]
    if name.stem.isdigit():  # the hub's own conversion: SUBSET/TRAIN/0000.parquet
        return name.parent.name
    return _SPLITS.get(name.stem.lower(), "")


def _split_on_disk(path: Path) -> str:
    try:
        noted = json.loads((path.parent / "state.json").read_text("utf-8")).get("_split")
    except (OSError, ValueError, AttributeError):
        return ""
    return noted if isinstance(noted, str) else ""


def _chosen_files(
    dataset: str | Path, files: Sequence[_File], subset: str | None, split: str | None
) -> list[_File]:
    subsets = sorted({file.subset for file in files})
    if subset is not None and subset not in subsets:
        raise UnknownNameError.among(f"subset of {dataset}", subset, filter(None, subsets))
    if subset is None and len(subsets) > 1:
        raise ManifestError(
            f"{dataset}: has several subsets: {', '.join(filter(None, subsets))}.",
            (),
            Remedy("Choose one", {"subset": ...}),
        )
    chosen = [file for file in files if subset in (None, file.subset)]
    splits = sorted({file.split for file in chosen})
    if split is not None and split not in splits:
        raise UnknownNameError.among(f"split of {dataset}", split, filter(None, splits))
    return [file for file in chosen if split in (None, file.split)]


def _rows(
    file: _File, table: DatasetTable, audio: str, wanted: Sequence[str], folder: Path, root: Path
) -> Iterator[Row]:
    base = folder if folder.is_dir() else folder.parent
    in_root = file.path.relative_to(root).as_posix()
    for row in table.rows(audio, wanted):
        if row.has_bytes:
            path = str(EmbeddedPlace(in_root, row.number, audio))
            problem = row.problem
        else:
            path, problem = _file_beside(row.audio_path, file, base, root)
            problem = "; ".join(filter(None, [problem, row.problem]))
        yield Row(
            place=f"{file.name}, row {row.number}",
            path=path,
            values={**row.values, "split": file.split} if file.split else row.values,
            name=without_ending(PurePosixPath(row.audio_path).name if row.audio_path else ""),
            fallback=f"{without_ending(file.name)}/{row.number}",
            problem=problem,
        )


def _file_beside(written: str, file: _File, base: Path, root: Path) -> tuple[str, str]:
    """Return the path of a recording that is not in the table, or what is wrong."""
    if not written:
        return "", "no audio"
    inside = path_inside(written, base)
    for folder in (base, file.path.parent):
        if not Path(inside).is_absolute() and (folder / inside).is_file():
            return (folder / inside).relative_to(root).as_posix(), ""
    return "", f"no audio in the table, and no file {written!r} in {base}"


def _large(files: Sequence[_File], tables: Sequence[DatasetTable], audio: str) -> Iterator[str]:
    largest, file = max(
        (table.largest_read(audio), file.name) for file, table in zip(files, tables, strict=True)
    )
    if largest > KEPT_BYTES:
        yield (
            f"warning: {file}: a row group has {largest / 2**20:,.0f} MB of audio and is read as a "
            f"whole; write it again with row groups below {_ROOMY} MB to need less memory and time"
        )
