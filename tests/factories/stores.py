"""Reading a store back with plain zarr, to compare whole stores with one another."""

import warnings
from pathlib import Path

import numpy as np
import zarr

from reno_store.runtime.places import open_place
from reno_store.store.nodes import zarr_store

__all__ = ["assert_stores_equal", "contents"]


def contents(path: str | Path) -> dict[str, object]:
    """Every attribute and array of a store, by its path in the hierarchy."""
    root = zarr.open_group(zarr_store(open_place(path, "store"), read_only=True), mode="r")
    found: dict[str, object] = {"/": dict(root.attrs)}
    with warnings.catch_warnings():
        # The S3 server of the tests goes on listing a folder that has become empty.
        warnings.filterwarnings("ignore", ".* is not recognized as a component", UserWarning)
        members = root.members(max_depth=None)
    for name, member in members:
        found[f"{name}@"] = dict(member.attrs)
        if isinstance(member, zarr.Array):
            found[f"{name}#"] = (member.shape, member.chunks, str(member.dtype))
            found[name] = np.asarray(member[...])
    return found


def assert_stores_equal(one: str | Path, other: str | Path) -> None:
    left, right = contents(one), contents(other)
    assert left.keys() == right.keys()
    for name, value in left.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, right[name], err_msg=name)
        else:
            assert value == right[name], name
