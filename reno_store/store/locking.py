"""Who may write what: locks that the operating system frees when their owner dies.

There is one lock for creating the store; one per clip table, held for moments, or, where a
recording has changed, until the builds of its dataset have ended; and one per model, held
while its embeddings are computed. A process that holds a table's lock may take its models'
locks, never the other way round, so no two processes wait for each other. Next to each lock
is a note about its holder, for those who wait.

Several processes can fill one model. Each holds the model's lock only while it prepares, and
before it releases it, takes a claim: a lock of its own, whose note lists the stripes that it
fills. Claims are taken only under the model's lock, so two processes never claim one stripe.
Whoever needs the model for itself takes its lock and then waits until no claim is held.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reno_store.errors import StoreBusyError

__all__ = ["Locks", "Notify"]

Notify = Callable[[str], None]
"""Takes a message for people: which process this one waits for."""

_POLL_S = 0.2
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
        return self._hold("store", "making the store", _PATIENCE_S)

    def table(self, dataset: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock on a dataset's clip table."""
        return self._hold(f"{dataset},clips", f"changing the clips of {dataset}")

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
                    lock = self._lock(_claim(scope, name))
                    lock.acquire(timeout=_CLAIM_S)
                    try:
                        self._note(_claim(scope, name), f"filling {model} of {dataset}", stripes)
                    except BaseException:
                        lock.release()
                        raise
                    break
            waited(in_the_way[0])
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # else whoever looks at it next removes it
                for path in (Path(lock.lock_file), self._holder(_claim(scope, name))):
                    path.unlink(missing_ok=True)
            lock.release()

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
    def _hold(self, scope: str, purpose: str, patience_s: float = 0.0) -> Iterator[None]:
        lock, waited = self._lock(scope), self._waiting(patience_s)
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                waited(self._read(scope).holder)
        try:
            self._note(scope, purpose)
            yield
        finally:
            lock.release()

    def _waiting(self, patience_s: float = 0.0) -> Callable[[str], None]:
        """Return a function that waits a moment for a holder, and reports each once.

        It reports nothing as long as the whole wait is short.
        """
        reported, begun = "", time.monotonic()

        def wait(holder: str) -> None:
            nonlocal reported
            if time.monotonic() - begun < patience_s:
                time.sleep(_POLL_S / 4)
                return
            if self._notify is None:
                raise StoreBusyError(
                    f"store {self._store}: {holder} is writing to it. Wait until it has "
                    "finished, or write to another store."
                ) from None
            if holder != reported:
                reported = holder
                self._notify(f"store {self._store}: waiting for {holder}")
            time.sleep(_POLL_S)

        return wait

    def _claims(self, scope: str, *, clear: bool = False) -> dict[str, _Note]:
        """Return the notes of the claims that are held, by name.

        Parameters
        ----------
        scope : str
            Dataset and model.
        clear : bool
            Whether to delete those that are not; only with the model's lock.
        """
        held = {}
        begin, end = _claim(scope, ""), ".lock"
        for path in sorted(self._folder.glob("*.lock")):
            if not path.name.startswith(begin):
                continue
            name = path.name.removeprefix(begin).removesuffix(end)
            lock = self._lock(_claim(scope, name))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                held[name] = self._read(_claim(scope, name))
                continue
            try:
                if clear:
                    for each in (path, self._holder(_claim(scope, name))):
                        each.unlink(missing_ok=True)
            finally:
                lock.release()
        return held

    def _lock(self, scope: str) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{scope}.lock", thread_local=False)

    def _holder(self, scope: str) -> Path:
        return self._folder / f"{scope}.holder"

    def _note(self, scope: str, purpose: str, stripes: Collection[int] = ()) -> None:
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{holder} ({purpose} since {since})", " ".join(map(str, sorted(stripes)))]
        with contextlib.suppress(OSError):  # only a note: a full disk must not stop the work
            self._holder(scope).write_text("\n".join(lines).rstrip("\n"), encoding="utf-8")

    def _read(self, scope: str) -> _Note:
        with contextlib.suppress(OSError, ValueError):
            holder, *lines = self._holder(scope).read_text(encoding="utf-8").split("\n")
            if holder.startswith("process "):
                return _Note(holder, frozenset(map(int, " ".join(lines).split())))
        return _Note("another process", None)


@dataclass(frozen=True, slots=True)
class _Note:
    """Who holds a lock, and the stripes claimed; None for all, where the note is lost."""

    holder: str
    stripes: frozenset[int] | None


def _claim(scope: str, name: str) -> str:
    return f"{scope},fill-{name}"
