"""Parquet and Arrow files with recordings in them, as Hugging Face datasets write them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

__all__ = ["audio_struct", "labels_as_numbers", "write_arrow", "write_parquet"]

_AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def audio_struct(content: bytes | None, path: str | None = None) -> dict[str, Any]:
    """One value of an Audio column."""
    return {"bytes": content, "path": path}


def labels_as_numbers(*names: str) -> dict[str, Any]:
    """A ClassLabel feature."""
    return {"names": list(names), "_type": "ClassLabel"}


def write_parquet(
    path: Path,
    columns: Mapping[str, Sequence[Any]],
    features: Mapping[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Write a parquet file; lists of structs become Audio columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(_table(columns, features), path, **options)
    return path


def write_arrow(
    path: Path,
    columns: Mapping[str, Sequence[Any]],
    features: Mapping[str, Any] | None = None,
    rows_per_batch: int = 2,
    stream: bool = True,
) -> Path:
    """Write an Arrow file as `save_to_disk` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = _table(columns, features)
    opened = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as sink, opened(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows_per_batch)
    return path


def _table(columns: Mapping[str, Sequence[Any]], features: Mapping[str, Any] | None) -> pa.Table:
    arrays = {
        name: pa.array(values, _AUDIO if isinstance(values[0], dict) else None)
        for name, values in columns.items()
    }
    table = pa.table(arrays)
    if features is None:
        return table
    note = json.dumps({"info": {"features": features}})
    return table.replace_schema_metadata({"huggingface": note})
