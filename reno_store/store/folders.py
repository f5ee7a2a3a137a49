"""The folder that a store lies in: made where it may be, swept of what a killed build left."""

from __future__ import annotations

from pathlib import Path

from reno_store.errors import StoreError

__all__ = ["make_folder", "model_folders", "sweep", "unmake_if_empty"]


def make_folder(path: Path) -> bool:
    """Make a store's folder, or find that an existing one may hold a store.

    Returns
    -------
    bool
        Whether the folder was made.

    Raises
    ------
    StoreError
        If the path is a file, or a folder with other things in it.
    """
    if path.is_file():
        raise StoreError(f"store {path} is a file; expected a folder, or a name not yet taken.")
    is_made = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    strangers = sorted(
        item.name
        for item in path.iterdir()
        # A build that was killed as it wrote its first file leaves zarr's temporary one.
        if not item.name.startswith(".") and item.suffix != ".partial"
    )
    if strangers and "zarr.json" not in strangers:
        raise StoreError(
            f"store {path} is a folder with other things in it ({', '.join(strangers[:3])}); "
            "expected a store or a new folder."
        )
    return is_made


def sweep(path: Path, *, below: bool = True) -> None:
    """Remove the half-written temporary files of a build that was killed.

    Only for whoever holds the lock on what lies there: a temporary file may be another
    process's, about to be renamed.
    """
    for leftover in path.rglob("*.partial") if below else path.glob("*.partial"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)


def unmake_if_empty(path: Path, *, folder: bool) -> None:
    """Where nothing came of it, leave no empty store behind, nor its `folder` if that was made."""
    if [item.name for item in path.iterdir()] == ["zarr.json"]:
        (path / "zarr.json").unlink()
        if folder:
            path.rmdir()


def model_folders(dataset: Path) -> tuple[str, ...]:
    """Name what looks like a model in a dataset's folder, damaged or not."""
    children = {path.parent.parent.name for path in dataset.glob("*/*/zarr.json")}
    return tuple(sorted(children))
