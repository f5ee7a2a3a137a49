"""Folders and files of a store: creating them, cleaning up, and removing what they hold.

A removal that is interrupted must leave something that looks unfinished, never something
that looks complete and damaged. So a model loses its marks first; a dataset loses its models,
then its count of clips, and its own zarr.json last.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import zarr

from reno_store.errors import StoreError
from reno_store.runtime.places import BucketPlace, Place, remove_tree, subfolders
from reno_store.store import schema
from reno_store.store.members import has_nodes

__all__ = ["drop_dataset", "drop_model", "make_folder", "model_folders", "sweep", "unmake_if_empty"]


def make_folder(path: Place) -> bool:
    """Create a store's folder, or check that an existing one may hold a store.

    Returns
    -------
    bool
        Whether the folder is new.

    Raises
    ------
    StoreError
        If the path is a file, or a folder with other contents.
    """
    if path.is_file():
        raise StoreError(f"store {path} is a file; expected a folder or a new name.")
    is_new = isinstance(path, Path) and not path.exists()
    if isinstance(path, Path):
        path.mkdir(parents=True, exist_ok=True)
    # A build that was killed during its first write leaves one of zarr's temporary files.
    others: list[str] = []
    with contextlib.suppress(FileNotFoundError):  # another process has just removed it, empty
        others = sorted(
            item.name
            for item in path.iterdir()
            if not item.name.startswith(".") and item.suffix != ".partial"
        )
    # Asked again, because another process may be making the store.
    if "zarr.json" in others or (others and (path / "zarr.json").is_file()):
        return is_new
    # Some servers of buckets go on listing a folder that has become empty.
    if others := [name for name in others if (path / name).exists()]:
        raise StoreError(
            f"store {path} is a folder with other things in it ({', '.join(others[:3])}); "
            "expected a store or a new folder."
        )
    return is_new


def sweep(path: Place, *, below: bool = True) -> None:
    """Remove the temporary files that a killed build has left; a bucket has none.

    Call it with the lock on that part of the store: a temporary file may belong to another
    process that is about to rename it.
    """
    if isinstance(path, BucketPlace):
        return
    # With pathlib, a model of ten million clips takes seconds: a folder per chunk.
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        for entry in entries:
            if below and entry.is_dir(follow_symlinks=False):
                sweep(Path(entry.path))
            elif entry.name.endswith(".partial") and entry.is_file():
                Path(entry.path).unlink(missing_ok=True)


def unmake_if_empty(path: Place, *, folder: bool) -> None:
    """Remove a store without datasets, and its `folder` too where that was new."""
    if [item.name for item in path.iterdir()] == ["zarr.json"]:
        (path / "zarr.json").unlink()
        if folder and isinstance(path, Path):
            path.rmdir()


def model_folders(dataset: Place) -> tuple[str, ...]:
    """Return the names of what looks like a model in a dataset's folder, damaged or not."""
    return tuple(name for name in subfolders(dataset) if has_nodes(dataset / name))


def drop_model(root: zarr.Group, store: Place, dataset: str, model: str) -> None:
    """Remove a model's embeddings."""
    folder = store / dataset / model
    if not folder.is_symlink():
        with _despite_damage():
            # Numbers without marks are damage, except where they carry this attribute.
            schema.child_group(root, f"{dataset}/{model}").attrs[schema.DROPPED] = True
        if not (folder / schema.DONE).is_symlink():
            (folder / schema.DONE / "zarr.json").unlink(missing_ok=True)
        for name in (schema.DONE, schema.EMBEDDING):
            if (folder / name).exists():
                remove_tree(folder / name)
    remove_tree(folder)


def drop_dataset(root: zarr.Group, store: Place, dataset: str) -> None:
    """Remove a dataset with all its models."""
    folder = store / dataset
    if not folder.is_symlink():
        for model in model_folders(folder):
            drop_model(root, store, dataset, model)
        with _despite_damage():
            schema.child_group(root, dataset).attrs[schema.N_CLIPS] = 0
        for name in subfolders(folder):
            remove_tree(folder / name)
    remove_tree(folder)


@contextlib.contextmanager
def _despite_damage() -> Iterator[None]:
    with contextlib.suppress(StoreError, OSError), schema.naming_damage("what is removed"):
        yield
