"""An object in a bucket as a file that is open for reading; each read is a request."""

from __future__ import annotations

import io
import os

from reno_store.runtime.places.bucket_place import BucketPlace

__all__ = ["BucketFile"]


class BucketFile(io.RawIOBase):
    """A file whose bytes are fetched when they are read.

    Parameters
    ----------
    place : BucketPlace
        The object.
    size : int
        Its size in bytes.
    """

    def __init__(self, place: BucketPlace, size: int) -> None:
        super().__init__()
        self._place, self._size, self._at = place, size, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position; return it, counted from the beginning."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as there are bytes; return how many."""
        stop = min(self._at + len(buffer), self._size)
        content = self._place.bucket.get(self._place.key, self._at, max(stop, self._at))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
