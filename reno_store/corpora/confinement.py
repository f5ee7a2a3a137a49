"""Paths stay inside their folder: a manifest from somebody else must not read your files."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from reno_store.corpora.embedded import EmbeddedPlace
from reno_store.runtime.places import BucketPlace, Place

__all__ = ["Confinement"]


class Confinement:
    """Checks that paths stay inside one folder, also through symbolic links.

    Parameters
    ----------
    folder : Place
        The folder that paths are relative to.

    Attributes
    ----------
    n_outside : int
        How many paths so far leave the folder.
    """

    def __init__(self, folder: Place) -> None:
        self._root: Place = folder.resolve()
        self.n_outside = 0
        # A corpus has few folders and many files, so each folder is resolved once.
        self._resolved: dict[Path, str] = {}

    def problem(self, path: str) -> str | None:
        """Return what is wrong with a path, None if it stays inside the folder.

        Of a path that names a row of a table, the path of the table is checked.
        """
        if place := EmbeddedPlace.parse(path):
            path = place.file
        if not path:
            return "path is empty"
        if "\x00" in path:
            return "path contains a null character"
        if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
            return f"path {path!r} is absolute; write it relative to {self._root}"
        if "\\" in path and not self._exists(path):
            return (
                f"path {path!r} has backslashes; use slashes: {PureWindowsPath(path).as_posix()!r}"
            )
        try:
            inside = ".." not in PurePosixPath(path).parts and self._stays_inside(path)
        except (OSError, RuntimeError) as error:  # a name too long, links in a circle
            reason = error.strerror if isinstance(error, OSError) else "symbolic links in a circle"
            return f"path {path!r} is not possible: {reason}"
        if not inside:
            self.n_outside += 1
            through = "" if ".." in PurePosixPath(path).parts else " through a symbolic link"
            return f"path {path!r} leaves the folder {self._root}{through}"
        return None

    def _exists(self, relative: str) -> bool:
        return isinstance(self._root, Path) and os.path.lexists(self._root / relative)

    def _stays_inside(self, relative: str) -> bool:
        if isinstance(self._root, BucketPlace):  # it has no links
            return True
        path = self._root / relative
        if path.parent not in self._resolved:
            self._resolved[path.parent] = os.path.realpath(path.parent)
        folder = self._resolved[path.parent]
        place = Path(folder, path.name)
        if place.is_symlink():
            place = place.resolve()
        return place.is_relative_to(self._root)
