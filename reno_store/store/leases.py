"""Locks in a bucket: objects that their holder renews and that expire when it dies.

A lease is one object next to the store. Who wants it creates it, or replaces a free or expired
one; both are conditional writes, of which the server lets exactly one process succeed. The
holder renews it in a thread, three times per expiry, each time with a new content, so with a new
ETag.

Clocks of different machines need not agree. A waiter takes a lease over when it has itself seen
one ETag for the whole expiry. The holder counts from the moment it sent its last successful
renewal: half an expiry later it stops writing until it has renewed the lease, which fails if
somebody has taken it. The other half is longer than any request that was under way may last.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from reno_store.errors import BucketError, StoreBusyError, StoreError
from reno_store.runtime.places import BucketPlace, Place, Tag
from reno_store.store.lock_files import Note

__all__ = ["EXPIRY_S", "Lease", "check_conditional_writes"]

EXPIRY_S = 60.0
"""Twice the longest request, with some reserve; see `LONGEST_REQUEST_S`."""

_LONGEST_EXPIRY_S = 3600.0
# time.monotonic stands still on Linux and macOS while the machine sleeps; leases expire meanwhile.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def _now() -> float:
    """Return the seconds since some moment, those of a sleeping machine included."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class _Found:
    """A lease as it is in the bucket."""

    tag: Tag
    token: str
    note: Note
    expiry_s: float


class Lease:
    """A lock of a store in a bucket.

    Parameters
    ----------
    place : BucketPlace
        Its object.
    store : Place
        The store, for messages.
    expiry_s : float
        How long it lives without being renewed.
    """

    def __init__(self, place: BucketPlace, store: Place, expiry_s: float) -> None:
        # The requests about the lease itself must not check it first.
        self._bucket, self._key = place.guarded(lambda: None).bucket, place.key
        self._store, self._expiry_s = store, expiry_s
        self._token, self._note = uuid.uuid4().hex, Note()
        self._n_renewed = 0
        self._tag: Tag = {}
        self._renewed_at = -math.inf
        self._is_lost = True  # as long as it is not acquired
        self._seen: tuple[Tag, float] = {}, 0.0
        self._seen_note = Note()
        self._look_s = 0.0
        self._renewing = threading.Lock()
        self._released = threading.Event()

    def acquire(self, note: Note) -> bool:
        """Take the lease if it is free or has expired; return whether it is held now."""
        self._note = note
        started = _now()
        found = self._find()
        if found is None:
            tag = self._bucket.put_new(self._key, self._content())
        elif found.token == self._token:  # created before, but the answer was lost
            tag = found.tag
        elif not found.token or self._has_expired(found):
            tag = self._bucket.put_over(self._key, self._content(), found.tag)
        else:
            return False
        if tag is None:
            return False
        self._tag, self._renewed_at, self._is_lost = tag, started, False
        threading.Thread(target=self._keep_renewing, name="lease", daemon=True).start()
        return True

    def note(self) -> Note:
        """Return who held the lease when it was last looked at."""
        return self._seen_note

    def look(self, *, clear: bool) -> Note | None:
        """Return who holds the lease; None if it is free, and then delete it if `clear`.

        One that has expired is freed, so that its holder, if it is alive, learns of it.
        """
        found = self._find()
        if found is not None and found.token:
            freed = self._content(free=True)
            if not self._has_expired(found) or not self._bucket.put_over(
                self._key, freed, found.tag
            ):
                return found.note
        if found is not None and clear:
            self._bucket.delete(self._key)
        return None

    def check(self) -> None:
        """Check that the lease is held; renew it first if that is overdue.

        Raises
        ------
        StoreBusyError
            If another process has taken it.
        BucketError
            If it cannot be renewed.
        """
        if self._is_lost or _now() > self._renewed_at + self._expiry_s / 2:
            self._renew()

    def release(self, *, delete: bool = False) -> None:
        """Free the lease, unless it is lost; another process may take it at once.

        Parameters
        ----------
        delete : bool
            Whether to delete it too, where no other process uses one of this name. Otherwise it
            may be another's by now, and a deletion has no condition.
        """
        self._released.set()
        with self._renewing:
            if not self._is_lost:
                with contextlib.suppress(BucketError):  # it expires
                    freed = self._bucket.put_over(self._key, self._content(free=True), self._tag)
                    if freed and delete:
                        self._bucket.delete(self._key)
                self._is_lost = True

    def _keep_renewing(self) -> None:
        while not self._released.wait(self._expiry_s / 3):
            try:
                self._renew()
            except BucketError:  # whoever writes next tries again, and reports it
                continue
            except StoreBusyError:
                return

    def _renew(self) -> None:
        with self._renewing:
            if not self._is_lost and not self._released.is_set():
                started = _now()
                self._n_renewed += 1
                tag = self._bucket.put_over(self._key, self._content(), self._tag)
                if tag is None:
                    found = self._find()
                    # An earlier renewal may have succeeded although its answer was lost.
                    is_ours = found is not None and found.token == self._token
                    if found is not None and is_ours:
                        tag = self._bucket.put_over(self._key, self._content(), found.tag)
                if tag is None:
                    self._is_lost = True
                else:
                    self._tag, self._renewed_at = tag, started
            if self._is_lost:
                raise StoreBusyError(
                    f"store {self._store}: this process did not renew its lock for "
                    f"{self._expiry_s:g} s, because it was stopped or had no network, and "
                    f"{self._seen_note.holder} has it now. What was written until then is kept; "
                    "run it again."
                )

    def _find(self) -> _Found | None:
        """Return the lease as it is in the bucket, None if there is none."""
        started = _now()
        try:
            content, tag = self._bucket.get_tagged(self._key)
        except FileNotFoundError:
            return None
        finally:
            self._look_s = _now() - started
        parsed: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            parsed = json.loads(content)
        fields = parsed if isinstance(parsed, dict) else {"token": "unknown"}
        token, expiry_s = fields.get("token"), fields.get("expiry_s")
        self._seen_note = _note(fields.get("holder"), fields.get("stripes"))
        is_number = isinstance(expiry_s, int | float) and 0 < expiry_s <= _LONGEST_EXPIRY_S
        return _Found(
            tag,
            token if isinstance(token, str) else "unknown",
            self._seen_note,
            float(expiry_s) if is_number and expiry_s else self._expiry_s,
        )

    def _has_expired(self, found: _Found) -> bool:
        """Return whether this process has seen one version of the lease for its whole expiry.

        A time in which the server did not answer does not count: the holder could not renew it.
        """
        tag, since = self._seen
        if tag != found.tag or self._look_s > found.expiry_s / 3:
            self._seen = found.tag, _now()
            return False
        return _now() - since > found.expiry_s

    def _content(self, *, free: bool = False) -> bytes:
        fields = {
            "token": "" if free else self._token,
            "holder": "" if free else self._note.holder,
            "stripes": [] if free else sorted(self._note.stripes or ()),
            "expiry_s": self._expiry_s,
            # Makes every version different, since the ETag may be a hash of the content.
            "version": f"{self._token}-{self._n_renewed}-{'free' if free else 'held'}",
        }
        return json.dumps(fields).encode()


def _note(holder: Any, stripes: Any) -> Note:
    if isinstance(holder, str) and holder.startswith("process "):
        if isinstance(stripes, list) and all(type(each) is int for each in stripes):
            return Note(holder, frozenset(stripes))
        return Note(holder)
    return Note()


def check_conditional_writes(folder: BucketPlace, store: Place) -> None:
    """Check that the server lets only one of several writers succeed, as leases need.

    Raises
    ------
    StoreError
        If it creates an object that exists, or replaces a version that is not the latest.
    """
    bucket, key = folder.guarded(lambda: None).bucket, f"{folder.key}/try-{uuid.uuid4().hex}"
    problem = ""
    try:
        first = bucket.put_new(key, b"first") or bucket.get_tagged(key)[1]
        if bucket.put_new(key, b"second") is not None:
            problem = "it creates an object that exists already"
        else:
            second = bucket.put_over(key, b"third", first)
            if second is None or bucket.put_over(key, b"fourth", first) is not None:
                problem = "it replaces an object whose ETag has changed"
    except BucketError as error:
        if "NotImplemented" not in str(error) and "status 501" not in str(error):
            raise
        problem = "it refuses conditional writes"
    finally:
        bucket.delete(key)
    if problem:
        raise StoreError(
            f"store {store}: its server has no conditional writes (If-None-Match and If-Match): "
            f"{problem}. Processes could overwrite each other, so nothing is written; reading "
            "works. Build into a local folder, or into a bucket of another server."
        )
