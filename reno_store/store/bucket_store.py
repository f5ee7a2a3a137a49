"""A prefix of a bucket as zarr sees a store.

zarr's own `ObjectStore` would send requests past `Bucket`, which waits for a server, checks the
lease before each write, and words the errors. zarr asks for many chunks at a time; each request
runs in a thread.
"""

from __future__ import annotations

import asyncio
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

from reno_store.runtime.places import BucketPlace, remove_tree

__all__ = ["BucketStore"]

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
                case None:
                    return place.read_bytes()
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
        """Write an object."""
        self._check_writable()
        content = value.to_bytes()
        await _in_thread(lambda: (self._place / key).write_bytes(content))

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        self._check_writable()
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
