"""Who may write what: locks that are freed when their owner dies.

There is one lock for creating the store; one per clip table, held for moments, or, where a
recording has changed, until the builds of its dataset have ended; and one per model, held
while its embeddings are computed. A process that holds a table's lock may take its models'
locks, never the other way round, so no two processes wait for each other. One more lock per
dataset, held for moments and while no other is waited for, keeps a model from being added to a
dataset that is being removed.

Several processes can fill one model. Each holds the model's lock only while it prepares, and
before it releases it, takes a claim: a lock of its own, whose note lists the stripes that it
fills. Claims are taken only under the model's lock, so two processes never claim one stripe.
Whoever needs the model for itself takes its lock and then waits until no claim is held.

On a file system the locks are those of the operating system (`lock_files`), in a bucket they are
leases (`leases`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from reno_store.errors import StoreBusyError
from reno_store.runtime.places import BucketPlace, Place
from reno_store.store.leases import EXPIRY_S, Lease, check_conditional_writes
from reno_store.store.lock_files import Lock, LockFile, Note

__all__ = ["Locks", "Notify"]

Notify = Callable[[str], None]
"""Takes a message for people: which process this one waits for."""

_POLL_S = 0.2
_LEASE_POLL_S = 1.0  # each look is a request
_PATIENCE_S = 5.0
"""Waits that are not reported: many processes may open a store, or prepare a model, at once."""
_CLAIM_S = 30.0
"""Longer than others take to look whether a new claim is held."""


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
    expiry_s : float, optional
        After how many seconds without a sign of life a lease may be taken from its holder.
    """

    def __init__(self, store: Place, notify: Notify | None, expiry_s: float | None = None) -> None:
        resolved = store.resolve()
        self._store, self._notify = store, notify
        self._folder: Place = resolved.with_name(f".{resolved.name}.locks")
        self._expiry_s = EXPIRY_S if expiry_s is None else expiry_s
        is_local = isinstance(store, Path)
        self._poll_s = _POLL_S if is_local else min(_LEASE_POLL_S, self._expiry_s / 10)
        self._held: set[Lease] = set()
        # Whether a claim has expired shows only to who looks at it again and again.
        self._watched: dict[str, Lease] = {}

    def check_server(self) -> None:
        """Check that leases are possible, if the store is in a bucket.

        Raises
        ------
        StoreError
            If the server has no conditional writes.
        """
        if isinstance(self._folder, BucketPlace):
            check_conditional_writes(self._folder, self._store)

    def guard(self, place: Place) -> Place:
        """Return a place whose writes raise an error once a lease of these locks is lost."""
        return place if isinstance(place, Path) else place.guarded(self.check)

    def check(self) -> None:
        """Check that no lease is lost.

        Raises
        ------
        StoreBusyError
            If another process has taken one, because this one did not renew it in time.
        """
        for lease in tuple(self._held):
            lease.check()

    def making(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock for creating or removing the store."""
        return self._hold("store", "making the store", _PATIENCE_S)

    def table(self, dataset: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock on a dataset's clip table."""
        return self._hold(f"{dataset},clips", f"changing the clips of {dataset}")

    def new_models(self, dataset: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock for adding a model to a dataset, or for removing the whole dataset."""
        return self._hold(f"{dataset},new", f"adding a model to {dataset}", _PATIENCE_S)

    def hashing(self, dataset: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock for hashing all recordings of a dataset, which one process does."""
        return self._hold(f"{dataset},hashing", f"hashing the recordings of {dataset}")

    @contextlib.contextmanager
    def model(self, dataset: str, model: str) -> Iterator[None]:
        """Hold the lock on a model's embeddings; nobody else fills stripes of it."""
        scope, waited = f"{dataset},{model}", self._waiting()
        while True:
            # Not while holding the lock: those who fill may need it once more.
            while claims := self._claims(scope):
                waited(next(iter(claims.values())).holder)
            with self._hold(f"{scope},model", f"building {model} of {dataset}"):
                if not self._claims(scope, clear=True):
                    yield
                    return

    @contextlib.contextmanager
    def filling(
        self,
        dataset: str,
        model: str,
        prepare: Callable[[bool], Collection[int] | None],
        *,
        name: str,
        within: str = "",
    ) -> Iterator[None]:
        """Hold a claim to stripes of a model, while others fill other stripes.

        Parameters
        ----------
        dataset, model : str
            The model.
        prepare : callable
            Called with the model's lock held, and with whether nobody else fills it. It
            returns the stripes to claim, or None if nobody else may fill the model meanwhile;
            it is then called again, once they have finished.
        name : str
            Name of the claim, unique.
        within : str
            Name of a claim that includes this one, of the process that hands out its stripes.
        """
        scope, waited = f"{dataset},{model}", self._waiting()
        while True:
            with self._hold(f"{scope},model", f"preparing {model} of {dataset}", _PATIENCE_S):
                others = self._claims(scope, clear=True)
                stripes = prepare(not others)
                others.pop(within, None)
                in_the_way = [
                    claim.holder
                    for claim in others.values()
                    if stripes is None or claim.stripes is None or claim.stripes & set(stripes)
                ]
                if not in_the_way and stripes is None:
                    raise ValueError(f"claim {within} prepared less than its parts need")
                if stripes is not None and not in_the_way:
                    note = Note.of_this_process(f"filling {model} of {dataset}", stripes)
                    claim = self._take_claim(_claim(scope, name), note)
                    break
            waited(in_the_way[0])
        with self._released(claim, delete=True):
            yield

    @contextlib.contextmanager
    def model_if_free(self, dataset: str, model: str) -> Iterator[bool]:
        """Hold a model's lock if it is free; yield whether it is held."""
        lock = self._lock(f"{dataset},{model},model")
        if not lock.acquire(Note.of_this_process(f"changing the clips of {dataset}")):
            yield False
            return
        with self._released(lock):
            yield True

    @contextlib.contextmanager
    def _hold(self, scope: str, purpose: str, patience_s: float = 0.0) -> Iterator[None]:
        lock, waited = self._lock(scope), self._waiting(patience_s)
        while not lock.acquire(Note.of_this_process(purpose)):
            waited(lock.note().holder)
        with self._released(lock):
            yield

    @contextlib.contextmanager
    def _released(self, lock: Lock, *, delete: bool = False) -> Iterator[None]:
        """Release a lock at the end; until then its lease, if it is one, must not be lost."""
        if isinstance(lock, Lease):
            self._held.add(lock)
        try:
            yield
        finally:
            if isinstance(lock, Lease):
                self._held.discard(lock)
            lock.release(delete=delete)

    def _waiting(self, patience_s: float = 0.0) -> Callable[[str], None]:
        """Return a function that waits a moment for a holder, and reports each once.

        It reports nothing as long as the whole wait is short.
        """
        reported, begun = "", time.monotonic()

        def wait(holder: str) -> None:
            nonlocal reported
            if time.monotonic() - begun < patience_s:
                time.sleep(self._poll_s / 4)
                return
            if self._notify is None:
                raise StoreBusyError(
                    f"store {self._store}: {holder} is writing to it. Wait until it has "
                    "finished, or write to another store."
                ) from None
            if holder != reported:
                reported = holder
                self._notify(f"store {self._store}: waiting for {holder}")
            time.sleep(self._poll_s)

        return wait

    def _claims(self, scope: str, *, clear: bool = False) -> dict[str, Note]:
        """Return the notes of the claims that are held, by name.

        Parameters
        ----------
        scope : str
            Dataset and model.
        clear : bool
            Whether to delete those that are not; only with the model's lock.
        """
        if isinstance(self._folder, BucketPlace):
            files = self._folder.bucket.children(self._folder.key)[1]
        else:
            files = sorted(path.name for path in self._folder.glob("*.lock"))
        held, begin = {}, _claim(scope, "")
        for file in files:
            claim, _, ending = file.rpartition(".")
            if ending == "lock" and claim.startswith(begin):
                lock = self._lock(claim)
                if isinstance(lock, Lease):
                    lock = self._watched.setdefault(claim, lock)
                if note := lock.look(clear=clear):
                    held[claim.removeprefix(begin)] = note
        return held

    def _take_claim(self, scope: str, note: Note) -> Lock:
        lock, begun = self._lock(scope), time.monotonic()
        while not lock.acquire(note):  # somebody looks whether it is held
            if time.monotonic() - begun > _CLAIM_S:
                raise StoreBusyError(f"store {self._store}: the lock {scope} cannot be taken.")
            time.sleep(self._poll_s / 10)
        return lock

    def _lock(self, scope: str) -> Lock:
        if isinstance(self._folder, BucketPlace):
            return Lease(self._folder / f"{scope}.lock", self._store, self._expiry_s)
        self._folder.mkdir(parents=True, exist_ok=True)
        return LockFile(self._folder, scope)


def _claim(scope: str, name: str) -> str:
    return f"{scope},fill-{name}"
