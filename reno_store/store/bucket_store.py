"""A prefix of a bucket as zarr sees a store.

zarr's own `ObjectStore` would send requests past `Bucket`, which waits for a server, checks the
lease before each write, and words the errors. zarr asks for many chunks at a time; each request
runs in a thread.

To write some rows of a chunk, zarr reads the chunk and replaces it. The second request carries
the tag of what was read, so the server refuses it if another process has written in between. The
lease alone does not prevent that: a process may be stopped after it has checked its lease, and go
on when another one has it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from reno_store.errors import StoreBusyError
from reno_store.runtime.places import BucketPlace, Tag, remove_tree

__all__ = ["BucketStore"]

_METADATA = "zarr.json"
_FRESH_S = 25.0
"""Shorter than half the expiry of a lease; see `Lease.check`."""

_threads = ThreadPoolExecutor(16, thread_name_prefix="zarr-bucket")
_T = TypeVar("_T")


class BucketStore(Store):
    """A zarr store in a bucket.

    Parameters
    ----------
    place : BucketPlace
        The prefix that holds it.
    read_only : bool
        Whether zarr must not write.
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, place: BucketPlace, *, read_only: bool) -> None:
        super().__init__(read_only=read_only)
        self._place = place
        self._read: dict[str, tuple[Tag | None, float]] = {}

    def with_read_only(self, read_only: bool = False) -> BucketStore:
        """Return the same store, for reading only or not."""
        return BucketStore(self._place, read_only=read_only)

    def __eq__(self, value: object) -> bool:
        return isinstance(value, BucketStore) and value._place == self._place

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(self._place)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return an object or a part of it; None if there is none."""

        def read() -> bytes:
            place = self._place / key
            match byte_range:
                case None if self.read_only or key.endswith(_METADATA):
                    return place.read_bytes()
                case None:
                    begun = time.monotonic()
                    try:
                        content, tag = place.bucket.get_tagged(place.key)
                    except FileNotFoundError:
                        self._read[key] = None, begun
                        raise
                    self._read[key] = tag, begun
                    return content
                case RangeByteRequest(start, stop):
                    return place.bucket.get(place.key, start, stop)
                case OffsetByteRequest(start):
                    return place.bucket.get(place.key, start, place.bucket.size(place.key))
                case SuffixByteRequest(length):  # Azure has no requests for the last bytes
                    size = place.bucket.size(place.key)
                    return place.bucket.get(place.key, max(size - length, 0), size)

        try:
            return prototype.buffer.from_bytes(await _in_thread(read))
        except FileNotFoundError:
            return None

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return parts of objects; None for those that do not exist."""
        wanted = (self.get(key, prototype, byte_range) for key, byte_range in key_ranges)
        return list(await asyncio.gather(*wanted))

    async def exists(self, key: str) -> bool:
        """Return whether there is such an object."""
        return await _in_thread((self._place / key).is_file)

    async def set(self, key: str, value: Buffer) -> None:
        """Write an object; a chunk that was just read, only if it is still the same.

        Raises
        ------
        StoreBusyError
            If another process has written it meanwhile.
        """
        self._check_writable()
        content = value.to_bytes()
        place = self._place / key
        tag, since = self._read.pop(key, ({}, -math.inf))
        # After a longer time the write begins with a check that the lease was never lost.
        is_fresh = time.monotonic() - since < _FRESH_S

        def write() -> None:
            if tag == {} or not is_fresh:
                place.write_bytes(content)
            elif not place.bucket.replace(place.key, content, tag):
                raise StoreBusyError(
                    f"{place}: another process has written it while this one, which was stopped or "
                    "had no network for some time, was going to. What is stored is kept; run it "
                    "again."
                )

        await _in_thread(write)

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        self._check_writable()
        self._read.pop(key, None)
        await _in_thread(lambda: (self._place / key).unlink(missing_ok=True))

    async def delete_dir(self, prefix: str) -> None:
        """Delete all objects below a prefix."""
        self._check_writable()
        await _in_thread(lambda: remove_tree(self._place / prefix.strip("/")))

    async def list(self) -> AsyncIterator[str]:
        """Yield all keys."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys below a prefix."""
        place = self._place / prefix.strip("/") if prefix.strip("/") else self._place
        for key in await _in_thread(lambda: place.bucket.objects(f"{place.key}/")):
            yield key.removeprefix(f"{self._place.key}/")

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names directly below a prefix."""
        place = self._place / prefix.strip("/") if prefix.strip("/") else self._place
        for item in await _in_thread(lambda: [*place.iterdir()]):
            yield item.name


async def _in_thread(function: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(_threads, function)
