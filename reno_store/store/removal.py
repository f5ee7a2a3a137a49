"""Taking models and datasets out, whatever is damaged in them.

What is cut off half way must look like something that is not there yet, and never like
something that is there and damaged: a model loses its marks first, a dataset its models, then
its count of clips, and its own zarr.json last.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import zarr

from reno_store.errors import StoreError
from reno_store.store import schema
from reno_store.store.folders import model_folders

__all__ = ["drop_dataset", "drop_model"]


def drop_model(root: zarr.Group, store: Path, dataset: str, model: str) -> None:
    """Remove a model's embeddings."""
    folder = store / dataset / model
    if folder.is_symlink():
        folder.unlink()
        return
    with _whatever_is_damaged():
        # A word that this is meant, for whoever finds numbers without marks.
        schema.child_group(root, f"{dataset}/{model}").attrs[schema.DROPPED] = True
    if not (folder / schema.DONE).is_symlink():
        (folder / schema.DONE / "zarr.json").unlink(missing_ok=True)
    for name in (schema.DONE, schema.EMBEDDING):
        if (folder / name).exists():
            _remove(folder / name)
    shutil.rmtree(folder)


def drop_dataset(root: zarr.Group, store: Path, dataset: str) -> None:
    """Remove a dataset with all its models."""
    folder = store / dataset
    if folder.is_symlink():
        folder.unlink()
        return
    for model in model_folders(folder):
        drop_model(root, store, dataset, model)
    with _whatever_is_damaged():
        schema.child_group(root, dataset).attrs[schema.N_CLIPS] = 0
    for item in sorted(folder.iterdir()):
        if item.is_dir():
            _remove(item)
    shutil.rmtree(folder)


def _remove(folder: Path) -> None:
    """Remove a folder; of a link in a store from somebody else the link, not what it leads to."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _whatever_is_damaged() -> Iterator[None]:
    with contextlib.suppress(StoreError, OSError), schema.naming_damage("what is removed"):
        yield
