"""A prefix of keys in a bucket, or one key, with the methods of a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reno_store.runtime.places.bucket import Bucket

__all__ = ["BucketPlace"]


class BucketPlace:
    """A folder or file in a bucket; its text is its URL.

    Parameters
    ----------
    bucket : Bucket
        The bucket.
    key : str
        The key, without slashes at its ends.
    """

    __slots__ = ("bucket", "key")

    def __init__(self, bucket: Bucket, key: str) -> None:
        self.bucket, self.key = bucket, key

    def __truediv__(self, key: str) -> BucketPlace:
        """Return a place below this one; itself for an empty key.

        Raises
        ------
        ValueError
            If the key leads elsewhere: it is absolute, or contains ``..``.
        """
        parts = [part for part in key.split("/") if part not in {"", "."}]
        if key.startswith("/") or ".." in parts:
            raise ValueError(f"{self}: {key!r} is not a path below it")
        return BucketPlace(self.bucket, "/".join([self.key] * bool(self.key) + parts))

    def __str__(self) -> str:
        return f"{self.bucket.url}/{self.key}"

    def __repr__(self) -> str:
        return f"BucketPlace({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BucketPlace) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        from reno_store.runtime.places.opening import open_place

        return open_place, (str(self), "place")

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return self.name[len(self.stem) :]

    def with_name(self, name: str) -> BucketPlace:
        """Return a place next to this one."""
        above = self.key.rpartition("/")[0]
        return BucketPlace(self.bucket, f"{above}/{name}" if above else name)

    def guarded(self, guard: Callable[[], None]) -> BucketPlace:
        """Return the same place with a function that is called before each write."""
        return BucketPlace(self.bucket.guarded(guard), self.key)

    def keeping(self, name: str) -> BucketPlace:
        """Return the same place, for reading, where objects of a name are read once."""
        return BucketPlace(self.bucket.keeping(name), self.key)

    def resolve(self) -> BucketPlace:
        """Return itself: a bucket has no links."""
        return self

    def absolute(self) -> BucketPlace:
        """Return itself: a URL does not depend on the working directory."""
        return self

    def is_symlink(self) -> bool:
        """Return False: a bucket has no links."""
        return False

    def is_file(self) -> bool:
        """Return whether there is an object of this key."""
        try:
            self.bucket.size(self.key)
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Return whether any object is below this place."""
        return self.bucket.has_objects(f"{self.key}/" if self.key else "")

    def exists(self) -> bool:
        """Return whether there is an object of this key or below it."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator[BucketPlace]:
        """Yield what is directly below this place, sorted."""
        folders, files = self.bucket.children(self.key)
        yield from (self / name for name in sorted({*folders, *files}))

    def read_bytes(self) -> bytes:
        """Return the object.

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        return self.bucket.get(self.key)

    def write_bytes(self, content: bytes) -> None:
        """Write the object: readers see the old one or the new one."""
        self.bucket.put(self.key, content)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object."""
        if not missing_ok and not self.is_file():
            raise FileNotFoundError(f"{self}: no such object")
        self.bucket.delete(self.key)
