"""Reading a store back with plain zarr, to compare whole stores with one another."""

from pathlib import Path

import numpy as np
import zarr

__all__ = ["assert_stores_equal", "contents"]


def contents(path: Path) -> dict[str, object]:
    """Every attribute and array of a store, by its path in the hierarchy."""
    root = zarr.open_group(path, mode="r")
    found: dict[str, object] = {"/": dict(root.attrs)}
    for name, member in root.members(max_depth=None):
        found[f"{name}@"] = dict(member.attrs)
        if isinstance(member, zarr.Array):
            found[f"{name}#"] = (member.shape, member.chunks, str(member.dtype))
            found[name] = np.asarray(member[...])
    return found


def assert_stores_equal(one: Path, other: Path) -> None:
    left, right = contents(one), contents(other)
    assert left.keys() == right.keys()
    for name, value in left.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, right[name], err_msg=name)
        else:
            assert value == right[name], name
