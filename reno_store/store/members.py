"""What lies in a group's folder: looked up there, and guessed where its metadata is damaged."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

__all__ = ["is_foreign_array", "members"]

_NUMBERS = re.compile(r"bool|u?int\d+|b?float\d+|complex\d+|complex_.*|r\d+")


def members(folder: Path, node_type: str) -> tuple[str, ...]:
    """Name the groups or arrays in a group's folder, sorted.

    Looked up in the folder itself: what another process is just making is passed over, where
    zarr would warn of strangers. What is damaged is named too, as what it looks like, so that
    whoever wants it is told, and whoever wants something else is not.
    """
    names = []
    for metadata in sorted(folder.glob("*/zarr.json")):
        with contextlib.suppress(FileNotFoundError):  # just removed
            if _node_type(metadata) == node_type:
                names.append(metadata.parent.name)
    return tuple(names)


def _node_type(metadata: Path) -> str:
    """Read whether a zarr.json is a group's or an array's, or guess it by what lies beside."""
    found = _read(metadata).get("node_type")
    if found in {"group", "array"}:
        return str(found)
    return "group" if any(metadata.parent.glob("*/zarr.json")) else "array"


def is_foreign_array(folder: Path) -> bool:
    """Tell whether a folder holds an array that is no column of a clip table, by its metadata.

    Somebody else put it there: its values are no strings, it has several dimensions, or its
    dimension is not ``clip``. What cannot be read, or makes no sense, may be a damaged column.
    """
    node = _read_or_nothing(folder / "zarr.json")
    data_type, shape = node.get("data_type"), node.get("shape")
    names = node.get("dimension_names")
    return bool(node.get("node_type") == "array") and (
        isinstance(data_type, dict)
        or (isinstance(data_type, str) and _NUMBERS.fullmatch(data_type) is not None)
        or (isinstance(shape, list) and len(shape) != 1)
        or (isinstance(names, list) and names != ["clip"])
    )


def _read_or_nothing(metadata: Path) -> dict[str, Any]:
    try:
        return _read(metadata)
    except FileNotFoundError:
        return {}


def _read(metadata: Path) -> dict[str, Any]:
    """Read a zarr.json; of a damaged one nothing."""
    try:
        node = json.loads(metadata.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        return {}
    return node if isinstance(node, dict) else {}
