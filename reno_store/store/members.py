"""The contents of a group's folder, read from its files or guessed where they are damaged."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from reno_store.runtime.places import Place, concurrently, subfolders

__all__ = ["has_nodes", "is_foreign_array", "is_text_array", "members", "read_metadata"]

_NUMBERS = re.compile(r"bool|u?int\d+|b?float\d+|complex\d+|complex_.*|r\d+")


def members(folder: Place, node_type: str) -> tuple[str, ...]:
    """Return the sorted names of the groups or arrays in a group's folder.

    The folder is listed directly: zarr would warn about files that another process is just
    writing. A damaged member is listed as what it looks like, so that reading it raises an
    error and reading the others does not.
    """
    names = subfolders(folder)
    found = concurrently(lambda name: _node_type(folder / name), names, folder)
    return tuple(name for name, each in zip(names, found, strict=True) if each == node_type)


def is_foreign_array(folder: Place) -> bool:
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


def is_text_array(folder: Place) -> bool:
    """Return whether the metadata in a folder are of an array of strings."""
    with contextlib.suppress(FileNotFoundError):
        return read_metadata(folder).get("data_type") == "string"
    return False


def read_metadata(folder: Place) -> dict[str, Any]:
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


def _node_type(folder: Place) -> str:
    """Return what a folder's metadata describe; empty if it has none."""
    try:
        found = read_metadata(folder).get("node_type")
    except FileNotFoundError:
        return ""
    if found in {"group", "array"}:
        return str(found)
    return "group" if has_nodes(folder) else "array"


def has_nodes(folder: Place) -> bool:
    """Return whether any folder in a folder has metadata."""
    return any((folder / name / "zarr.json").is_file() for name in subfolders(folder))
