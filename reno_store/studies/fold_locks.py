"""Locks on folds: which process trains which fold, so that two processes share a study.

The system frees the locks of a process that dies, on whatever host. A lock file is removed when
its fold is kept; one that a killed process has left is locked again.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from filelock import FileLock, Timeout

from reno_store.errors import LedgerError

__all__ = ["FoldLocks"]


class FoldLocks:
    """The locks of one study that is running; a context manager that frees them at the end.

    Parameters
    ----------
    folder : Path
        Folder of kept results; locks are in its ``claims``.

    Raises
    ------
    LedgerError
        If the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "claims"
        self._own: dict[str, FileLock] = {}

    def __enter__(self) -> FoldLocks:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from None
        return self

    def __exit__(self, *error: object) -> None:
        for key in tuple(self._own):
            self.release(key)

    def take(self, key: str) -> bool:
        """Lock a fold; return whether it is now this study's to train."""
        # One lock for all threads: joblib asks for folds from another than it returns them to.
        lock = FileLock(self._path(key), timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise _unwritable(self._path(key), error) from None
        self._own[key] = lock
        return True

    def release(self, key: str) -> None:
        """Free a fold, once its outcome is kept."""
        with contextlib.suppress(OSError):  # such as on Windows, where it is open
            self._path(key).unlink()
        self._own.pop(key).release()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.lock"


def _unwritable(path: Path, error: OSError) -> LedgerError:
    return LedgerError(f"results {path}: cannot be written to: {error.strerror}.")
