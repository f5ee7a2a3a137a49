"""The contents of a group's folder, read from its files or guessed where they are damaged."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

__all__ = ["is_foreign_array", "is_text_array", "members", "read_metadata"]

_NUMBERS = re.compile(r"bool|u?int\d+|b?float\d+|complex\d+|complex_.*|r\d+")


def members(folder: Path, node_type: str) -> tuple[str, ...]:
    """Return the sorted names of the groups or arrays in a group's folder.

    The folder is listed directly: zarr would warn about files that another process is just
    writing. A damaged member is listed as what it looks like, so that reading it raises an
    error and reading the others does not.
    """
    names = []
    for metadata in sorted(folder.glob("*/zarr.json")):
        with contextlib.suppress(FileNotFoundError):  # just removed
            if _node_type(metadata) == node_type:
                names.append(metadata.parent.name)
    return tuple(names)


def is_foreign_array(folder: Path) -> bool:
    """Return whether the metadata in a folder are of an array that somebody else added.

    Its values are no strings, it has several dimensions, or its dimension is not ``clip``.
    Unreadable metadata may be those of a damaged column.
    """
    try:
        node = read_metadata(folder)
    except FileNotFoundError:
        return False
    data_type, shape = node.get("data_type"), node.get("shape")
    names = node.get("dimension_names")
    return bool(node.get("node_type") == "array") and (
        isinstance(data_type, dict)
        or (isinstance(data_type, str) and _NUMBERS.fullmatch(data_type) is not None)
        or (isinstance(shape, list) and len(shape) != 1)
        or (isinstance(names, list) and names != ["clip"])
    )


def is_text_array(folder: Path) -> bool:
    """Return whether the metadata in a folder are of an array of strings."""
    with contextlib.suppress(FileNotFoundError):
        return read_metadata(folder).get("data_type") == "string"
    return False


def read_metadata(folder: Path) -> dict[str, Any]:
    """Read a folder's zarr.json; return an empty dictionary if it is damaged.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    try:
        node = json.loads((folder / "zarr.json").read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        return {}
    return node if isinstance(node, dict) else {}


def _node_type(metadata: Path) -> str:
    found = read_metadata(metadata.parent).get("node_type")
    if found in {"group", "array"}:
        return str(found)
    return "group" if any(metadata.parent.glob("*/zarr.json")) else "array"
