"""Who may write what: locks that are freed when their owner dies.

There is one lock for creating the store; one per clip table, held for moments, or, where a
recording has changed, until the builds of its dataset have ended; and one per model, held
while its embeddings are computed. A process that holds a table's lock may take its models'
locks, never the other way round, so no two processes wait for each other.

On a file system the locks are those of the operating system, which frees them; next to each is
a note about its holder, for those who wait. In a bucket they are leases; see `leases`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from reno_store.errors import StoreBusyError
from reno_store.runtime.places import BucketPlace, Place
from reno_store.store.leases import EXPIRY_S, Lease, check_conditional_writes

__all__ = ["Lock", "Locks", "Notify"]

Notify = Callable[[str], None]
"""Takes a message for people: which process this one waits for."""

_POLL_S = 0.2
_LEASE_POLL_S = 1.0  # each look is a request


class Lock(Protocol):
    """One lock, on a file system or in a bucket."""

    def acquire(self, holder: str) -> bool:
        """Take the lock if it is free; return whether it is held now.

        Parameters
        ----------
        holder : str
            Who takes it, for those who wait.
        """

    def holder(self) -> str:
        """Return who holds the lock, as far as it is known."""

    def release(self) -> None:
        """Free the lock."""


class Locks:
    """The locks of a store.

    They are in a hidden folder next to the store: inside it, plain zarr would warn about
    unknown files.

    Parameters
    ----------
    store : Place
        The store's folder.
    notify : Notify or None
        Called with the holder of a lock while waiting for it; None raises instead of waiting.
    expiry_s : float
        After which time without a sign of life the lease of a killed process may be taken.
    """

    def __init__(self, store: Place, notify: Notify | None, *, expiry_s: float = EXPIRY_S) -> None:
        resolved = store.resolve()
        self._store, self._notify, self._expiry_s = store, notify, expiry_s
        self._folder: Place = resolved.with_name(f".{resolved.name}.locks")
        self._poll_s = _POLL_S if isinstance(store, Path) else min(_LEASE_POLL_S, expiry_s / 10)
        self._leases: set[Lease] = set()

    def guard(self, place: Place) -> Place:
        """Return a place whose writes raise an error once a lease of these locks is lost."""
        return place if isinstance(place, Path) else place.guarded(self.check)

    def check_server(self) -> None:
        """Check that leases are possible, if the store is in a bucket.

        Raises
        ------
        StoreError
            If the server has no conditional writes.
        """
        if isinstance(self._folder, BucketPlace):
            check_conditional_writes(self._folder, self._store)

    def check(self) -> None:
        """Check that no lease is lost.

        Raises
        ------
        StoreBusyError
            If another process has taken one, because this one did not renew it in time.
        """
        for lease in tuple(self._leases):
            lease.check()

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
        if not lock.acquire(_described(f"changing the clips of {dataset}")):
            yield False
            return
        with self._released(lock):
            yield True

    @contextlib.contextmanager
    def _hold(self, scope: str, purpose: str) -> Iterator[None]:
        lock, described = self._lock(scope), _described(purpose)
        reported = ""
        while not lock.acquire(described):
            holder = lock.holder()
            if self._notify is None:
                raise StoreBusyError(
                    f"store {self._store}: {holder} is writing to it. Wait until it has "
                    "finished, or write to another store."
                )
            if holder != reported:
                reported = holder
                self._notify(f"store {self._store}: waiting for {holder}")
            time.sleep(self._poll_s)
        with self._released(lock):
            yield

    @contextlib.contextmanager
    def _released(self, lock: Lock) -> Iterator[None]:
        """Release a lock at the end; until then its lease, if it is one, must not be lost."""
        if isinstance(lock, Lease):
            self._leases.add(lock)
        try:
            yield
        finally:
            if isinstance(lock, Lease):
                self._leases.discard(lock)
            lock.release()

    def _lock(self, scope: str) -> Lock:
        if isinstance(self._folder, BucketPlace):
            return Lease(self._folder / f"{scope}.lease", self._store, self._expiry_s)
        self._folder.mkdir(parents=True, exist_ok=True)
        return _LockFile(self._folder, scope)


class _LockFile:
    """A lock of the operating system, with a note about its holder next to it."""

    def __init__(self, folder: Path, scope: str) -> None:
        self._lock = FileLock(folder / f"{scope}.lock", thread_local=False)
        self._note = folder / f"{scope}.holder"

    def acquire(self, holder: str) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        with contextlib.suppress(OSError):  # only a note: a full disk must not stop the work
            self._note.write_text(holder, encoding="utf-8")
        return True

    def holder(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            holder = self._note.read_text(encoding="utf-8")
            if holder.startswith("process "):
                return holder
        return "another process"

    def release(self) -> None:
        self._lock.release()


def _described(purpose: str) -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"process {os.getpid()} on {socket.gethostname()} ({purpose} since {since})"
