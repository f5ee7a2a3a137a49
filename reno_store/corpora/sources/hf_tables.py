"""One parquet or Arrow file of a Hugging Face dataset: its columns, and its rows without audio.

The schema's metadata, under ``huggingface``, has the features of ``datasets``: which columns are
Audio, and the names behind the numbers of a ClassLabel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reno_store.corpora.embedded import import_pyarrow
from reno_store.errors import ManifestError

__all__ = ["DatasetTable", "TableRow"]

_NO_LABEL = -1  # the number of datasets for a missing label


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row without its audio.

    Attributes
    ----------
    number : int
        From 0.
    values : Mapping[str, str]
        The text of each wanted column; empty for a missing value.
    audio_path : str
        The path next to the audio; empty if there is none.
    has_bytes : bool
        Whether the audio is in the table.
    problem : str
        What is wrong with a value.
    """

    number: int
    values: Mapping[str, str]
    audio_path: str
    has_bytes: bool
    problem: str


class DatasetTable:
    """A parquet or Arrow file.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    names : tuple[str, ...]
        All columns.
    scalars : tuple[str, ...]
        Columns of one number or text per row.
    class_labels : Mapping[str, Sequence[str]]
        ClassLabel column -> names by number.
    audio : tuple[str, ...]
        Columns that are known to be audio.
    maybe_audio : tuple[str, ...]
        Columns that may be audio: also bytes, and paths.

    Raises
    ------
    ManifestError
        If the file cannot be read.
    RenoStoreError
        If pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pyarrow = import_pyarrow()
        types = self._pyarrow.types
        schema = self._read(self._open_schema)
        features = _features(schema.metadata or {})
        kind = {name: features.get(name, {}).get("_type") for name in schema.names}
        self.names = tuple(schema.names)
        self.scalars = tuple(
            field.name
            for field in schema
            if not types.is_nested(field.type) and not _is_bytes(types, field.type)
        )
        self.class_labels = {
            name: [str(label) for label in features[name]["names"]]
            for name in schema.names
            if kind[name] == "ClassLabel" and isinstance(features[name].get("names"), list)
        }
        self._structs = {
            field.name: field.type.get_field_index("path") >= 0
            for field in schema
            if types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
        }
        self.audio = tuple(
            name
            for name in schema.names
            if kind[name] == "Audio" or (name in self._structs and not kind[name])
        )
        self.maybe_audio = tuple(
            field.name
            for field in schema
            if field.name in self.audio
            or _is_bytes(types, field.type)
            or types.is_string(field.type)
            or types.is_large_string(field.type)
        )

    def rows(self, audio: str, wanted: Sequence[str]) -> Iterator[TableRow]:
        """Yield the rows, without reading audio where the file's statistics allow it.

        Parameters
        ----------
        audio : str
            The audio column.
        wanted : Sequence[str]
            The columns whose text is needed.

        Raises
        ------
        ManifestError
            If the file cannot be read.
        """
        table, has_bytes = self._read(lambda: self._load(audio, wanted))
        columns = [table.column(name).to_pylist() for name in wanted]
        paths: list[Any] = [None] * len(has_bytes)
        if self._structs.get(audio):
            paths = self._field(table.column(audio), "path").to_pylist()
        elif audio in self.scalars:
            paths = table.column(audio).to_pylist()
        for number, in_table in enumerate(has_bytes):
            values, problems = {}, []
            for name, column in zip(wanted, columns, strict=True):
                try:
                    values[name] = self._text(name, column[number])
                except IndexError as error:
                    values[name] = ""
                    problems.append(str(error))
            path = str(paths[number] or "")
            yield TableRow(number, values, path, in_table, "; ".join(problems))

    def largest_read(self, audio: str) -> int:
        """Return how many bytes must be in memory to read one recording."""
        if self.path.suffix != ".parquet":
            return 0
        about = self._pyarrow.parquet.read_metadata(self.path)
        return max(
            (
                about.row_group(group).column(leaf).total_uncompressed_size
                for group in range(about.num_row_groups)
                for leaf in self._leaves(about, audio)
            ),
            default=0,
        )

    def _text(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, int) and name in self.class_labels:
            labels = self.class_labels[name]
            if value == _NO_LABEL:
                return ""
            if not 0 <= value < len(labels):
                raise IndexError(f"{name} {value} is none of the {len(labels)} labels")
            return labels[value]
        return str(value)

    def _open_schema(self) -> Any:
        if self.path.suffix == ".parquet":
            return self._pyarrow.parquet.read_schema(self.path)
        return self._arrow_table().schema

    def _arrow_table(self) -> Any:
        source = self._pyarrow.memory_map(str(self.path))
        try:
            return self._pyarrow.ipc.open_stream(source).read_all()
        except self._pyarrow.ArrowInvalid:
            return self._pyarrow.ipc.open_file(source).read_all()

    def _load(self, audio: str, wanted: Sequence[str]) -> tuple[Any, list[bool]]:
        """Return the table without bytes, and which rows have bytes."""
        if self.path.suffix != ".parquet":
            table = self._arrow_table()
            return table, self._rows_with_bytes(table.column(audio), audio)
        parquet = self._pyarrow.parquet
        columns = [*wanted, f"{audio}.path"] if self._structs.get(audio) else list(wanted)
        if audio in self.scalars:
            columns.append(audio)
        with parquet.ParquetFile(self.path) as file:
            table, about = file.read(columns=list(dict.fromkeys(columns))), file.metadata
            has_bytes: list[bool] = []
            for group in range(about.num_row_groups):
                n_rows = about.row_group(group).num_rows
                n_missing = self._missing(about, group, audio)
                if n_missing in (0, n_rows):
                    has_bytes += [n_missing == 0] * n_rows
                    continue
                wanted_leaf = f"{audio}.bytes" if audio in self._structs else audio
                part = file.read_row_group(group, columns=[wanted_leaf])
                has_bytes += self._rows_with_bytes(part.column(0), audio)
        return table, has_bytes

    def _missing(self, about: Any, group: int, audio: str) -> int | None:
        """Return how many rows have no bytes by the file's statistics, None if unknown."""
        if audio in self.scalars:
            return int(about.row_group(group).num_rows)
        for leaf in self._leaves(about, audio):
            statistics = about.row_group(group).column(leaf).statistics
            if statistics is not None and statistics.has_null_count:
                return int(statistics.null_count)
        return None

    def _leaves(self, about: Any, audio: str) -> list[int]:
        wanted = f"{audio}.bytes" if audio in self._structs else audio
        found = range(about.num_columns)
        return [leaf for leaf in found if about.schema.column(leaf).path == wanted]

    def _rows_with_bytes(self, column: Any, audio: str) -> list[bool]:
        if audio in self._structs:
            column = self._field(column, "bytes")
        elif audio in self.scalars:
            return [False] * len(column)
        return list(self._pyarrow.compute.is_valid(column).to_pylist())

    def _field(self, structs: Any, name: str) -> Any:
        return self._pyarrow.compute.struct_field(structs, name)

    def _read(self, load: Any) -> Any:
        try:
            return load()
        except (OSError, self._pyarrow.ArrowException) as error:
            raise ManifestError(f"{self.path}: cannot be read: {error}.") from None


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """Return the features that `datasets` has noted; none where they cannot be understood."""
    try:
        found = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {name: of for name, of in found.items() if isinstance(of, dict)}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}


def _is_bytes(types: Any, kind: Any) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))
