"""Who may write what: locks that the operating system frees when their owner dies.

There is one lock for creating the store; one per clip table, held for moments, or, where a
recording has changed, until the builds of its dataset have ended; and one per model, held
while its embeddings are computed. A process that holds a table's lock may take its models'
locks, never the other way round, so no two processes wait for each other. Next to each lock
is a note about its holder, for those who wait.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from reno_store.errors import StoreBusyError

__all__ = ["Locks", "Notify"]

Notify = Callable[[str], None]
"""Takes a message for people: which process this one waits for."""

_POLL_S = 0.2


class Locks:
    """The locks of a store.

    They are in a hidden folder next to the store: inside it, plain zarr would warn about
    unknown files.

    Parameters
    ----------
    store : Path
        The store's folder.
    notify : Notify or None
        Called with the holder of a lock while waiting for it; None raises instead of waiting.
    """

    def __init__(self, store: Path, notify: Notify | None) -> None:
        resolved = store.resolve()
        self._store, self._notify = store, notify
        self._folder = resolved.with_name(f".{resolved.name}.locks")

    def making(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock for creating or removing the store."""
        return self._hold("store", "making the store")

    def table(self, dataset: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock on a dataset's clip table."""
        return self._hold(f"{dataset},clips", f"changing the clips of {dataset}")

    def model(self, dataset: str, model: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock on a model's embeddings."""
        return self._hold(f"{dataset},{model},model", f"building {model} of {dataset}")

    @contextlib.contextmanager
    def model_if_free(self, dataset: str, model: str) -> Iterator[bool]:
        """Hold a model's lock if it is free; yield whether it is held."""
        lock = self._lock(f"{dataset},{model},model")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @contextlib.contextmanager
    def _hold(self, scope: str, purpose: str) -> Iterator[None]:
        lock = self._lock(scope)
        note = self._folder / f"{scope}.holder"
        reported = ""
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                holder = _read(note)
                if self._notify is None:
                    raise StoreBusyError(
                        f"store {self._store}: {holder} is writing to it. Wait until it has "
                        "finished, or write to another store."
                    ) from None
                if holder != reported:
                    reported = holder
                    self._notify(f"store {self._store}: waiting for {holder}")
                time.sleep(_POLL_S)
        try:
            with contextlib.suppress(OSError):  # only a note: a full disk must not stop the work
                since = time.strftime("%Y-%m-%d %H:%M:%S")
                holder = f"process {os.getpid()} on {socket.gethostname()}"
                note.write_text(f"{holder} ({purpose} since {since})", encoding="utf-8")
            yield
        finally:
            lock.release()

    def _lock(self, scope: str) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{scope}.lock", thread_local=False)


def _read(note: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        holder = note.read_text(encoding="utf-8")
        if holder.startswith("process "):
            return holder
    return "another process"
