"""What lies in a group's folder: looked up there, and guessed where its metadata is damaged."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

__all__ = ["members"]


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
    try:
        node = json.loads(metadata.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        node = None
    found = node.get("node_type") if isinstance(node, dict) else None
    if found in {"group", "array"}:
        return str(found)
    return "group" if any(metadata.parent.glob("*/zarr.json")) else "array"
