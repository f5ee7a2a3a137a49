"""Locks of the operating system, each with a note about its holder next to it."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

__all__ = ["Lock", "LockFile", "Note"]

_END = "end"


@dataclass(frozen=True, slots=True)
class Note:
    """Who holds a lock, for those who wait.

    Attributes
    ----------
    holder : str
        The process, what it does, and since when.
    stripes : frozenset[int] or None
        The stripes that it claims; None for all, where the note is lost.
    """

    holder: str = "another process"
    stripes: frozenset[int] | None = None

    @classmethod
    def of_this_process(cls, purpose: str, stripes: Collection[int] = ()) -> Note:
        """Return the note of this process."""
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        holder = f"process {os.getpid()} on {socket.gethostname()} ({purpose} since {since})"
        return cls(holder, frozenset(stripes))


class Lock(Protocol):
    """One lock, on a file system or in a bucket."""

    def acquire(self, note: Note) -> bool:
        """Take the lock if it is free; return whether it is held now."""

    def note(self) -> Note:
        """Return who holds the lock, as far as it is known."""

    def look(self, *, clear: bool) -> Note | None:
        """Return who holds the lock; None if it is free, and then delete it if `clear`."""

    def release(self, *, delete: bool = False) -> None:
        """Free the lock; delete it, where no other process uses one of this name."""


class LockFile:
    """A lock of the operating system.

    Parameters
    ----------
    folder : Path
        The folder of the locks.
    scope : str
        Its name.
    """

    def __init__(self, folder: Path, scope: str) -> None:
        self._path, self._note = folder / f"{scope}.lock", folder / f"{scope}.holder"
        self._lock = FileLock(self._path, thread_local=False)

    def acquire(self, note: Note) -> bool:
        """Take the lock if it is free; return whether it is held now."""
        if not self._take():
            return False
        stripes = " ".join(map(str, sorted(note.stripes or ())))
        with contextlib.suppress(OSError):  # only a note: a full disk must not stop the work
            self._note.write_text(f"{note.holder}\n{stripes}\n{_END}", encoding="utf-8")
        return True

    def note(self) -> Note:
        """Return who holds the lock, as far as it is known."""
        with contextlib.suppress(OSError, ValueError):
            holder, stripes, end = self._note.read_text(encoding="utf-8").split("\n")
            # A full disk may have cut the note off, and with it some stripes.
            if holder.startswith("process ") and end == _END:
                return Note(holder, frozenset(map(int, stripes.split())))
        return Note()

    def look(self, *, clear: bool) -> Note | None:
        """Return who holds the lock; None if it is free, and then delete it if `clear`."""
        if not self._take():
            return self.note()
        self.release(delete=clear)
        return None

    def release(self, *, delete: bool = False) -> None:
        """Free the lock; delete it, where no other process uses one of this name."""
        with contextlib.suppress(OSError):  # else whoever looks at it next deletes it
            for path in (self._path, self._note) if delete else ():
                path.unlink(missing_ok=True)
        self._lock.release()

    def _take(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True
