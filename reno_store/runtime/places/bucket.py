"""Requests to a bucket: which failures are waited for, and how all others are worded.

obstore itself does not try again, so that a write cannot arrive long after it was sent: the owner
of a lease must know when its last write is over. `Bucket` tries again, for up to `PATIENCE_S` if
the server has answered before; before each attempt to write, `guard` is called, which raises an
error if the lease is lost. Nothing of the credentials, which obstore takes from the
environment, is kept or shown.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from reno_store.runtime.places.refusals import NO_BUCKET, code_of, refused, status_of, unreachable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["LONGEST_REQUEST_S", "PATIENCE_S", "Bucket", "Tag"]

Tag: TypeAlias = Mapping[str, str]
"""Identifies one version of an object: its ETag and, on GCS, its generation."""

PATIENCE_S = 60.0
"""How long a server that has answered before is waited for."""

_FIRST_PATIENCE_S = 5.0
LONGEST_REQUEST_S = 20.0
"""A request to write that lasts longer has failed, and one to read during which nothing arrives."""

_PASSING = {408, 425, 429}
_CONFLICT = "ConditionalRequestConflict"
"""S3 answers so, with status 409, if another request about the same object is under way."""

_T = TypeVar("_T")


@dataclass(slots=True)
class _State:
    patience_s: float = field(default_factory=lambda: _FIRST_PATIENCE_S)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Objects of one name, whatever their prefix, that were read; None for one that is missing."""

    name: str
    contents: dict[str, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Bucket:
    """A bucket of an object store, or the memory of this process.

    Attributes
    ----------
    url : str
        Its URL, without a slash at the end: ``s3://bucket``.
    store : obstore.store.ObjectStore
        The connection for writing, whose requests end after `LONGEST_REQUEST_S`.
    reading : obstore.store.ObjectStore
        The one for reading, which goes on as long as anything arrives: recordings may be large.
    guard : callable
        Called before each write; may raise an error to prevent it.
    kept : _Kept or None
        Small objects that are read once.

    Raises
    ------
    BucketError
        By every method, if the server cannot be reached or refuses the request.
    FileNotFoundError
        By every method that reads an object, if there is none.
    """

    url: str
    store: ObjectStore
    reading: ObjectStore
    guard: Callable[[], None] = lambda: None
    kept: _Kept | None = None
    _state: _State = field(default_factory=_State)

    def guarded(self, guard: Callable[[], None]) -> Bucket:
        """Return the same bucket with a function that is called before each write."""
        return dataclasses.replace(self, guard=guard)

    def keeping(self, name: str) -> Bucket:
        """Return the same bucket, for reading, which reads objects of a name once."""
        return dataclasses.replace(self, kept=_Kept(name))

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Return an object, or its bytes from `start` to before `stop`; both are needed then."""
        import obstore

        if start is None or stop is None:
            whole = lambda: obstore.get(self.reading, key).bytes().to_bytes()  # noqa: E731
            return self._read(key, whole) if not self._is_kept(key) else self._get_kept(key, whole)
        if start >= stop:
            return b""
        part = lambda: obstore.get_range(self.reading, key, start=start, end=stop).to_bytes()  # noqa: E731
        return self._read(key, part)

    def get_tagged(self, key: str) -> tuple[bytes, Tag]:
        """Return an object and its tag."""
        import obstore

        def read() -> tuple[bytes, Tag]:
            found = obstore.get(self.reading, key)
            return found.bytes().to_bytes(), _tag(found.meta)

        return self._read(key, read)

    def size(self, key: str) -> int:
        """Return the size of an object, in bytes."""
        return len(self.get(key)) if self._is_kept(key) else self.about(key)[0]

    def about(self, key: str) -> tuple[int, Tag]:
        """Return the size of an object, in bytes, and its tag."""
        import obstore

        def read() -> tuple[int, Tag]:
            found = obstore.head(self.reading, key)
            return int(found["size"]), _tag(found)

        return self._read(key, read)

    def put(self, key: str, content: bytes) -> None:
        """Write an object: readers see the old one or the new one."""
        import obstore

        # Never in parts: a part of an upload that is interrupted would remain, and cost.
        self._write(key, lambda: obstore.put(self.store, key, content, use_multipart=False))

    def put_new(self, key: str, content: bytes) -> Tag | None:
        """Write an object that does not exist yet; return None if it does."""
        return self._put_if(key, content, "create")

    def put_over(self, key: str, content: bytes, tag: Tag) -> Tag | None:
        """Replace one version of an object; return None if it is another one by now."""
        return self._put_if(key, content, dict(tag)) if tag else None

    def replace(self, key: str, content: bytes, tag: Tag | None) -> bool:
        """Write an object if it is still the version with a tag, or None, if there is none yet.

        Returns
        -------
        bool
            False if it is another one by now.
        """
        if (
            self.put_new(key, content) if tag is None else self.put_over(key, content, tag)
        ) is None:
            # The first answer may have been lost, and the write have been tried again.
            with contextlib.suppress(FileNotFoundError):
                return self.get(key) == content
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is no error."""
        import obstore

        with contextlib.suppress(FileNotFoundError):
            self._write(key, lambda: obstore.delete(self.store, key))

    def objects(self, prefix: str) -> dict[str, int]:
        """Return the sizes of all objects below a prefix, by their keys, sorted."""
        import obstore

        found = self._call(prefix, lambda: obstore.list(self.reading, prefix or None).collect())
        return dict(sorted((item["path"], int(item["size"])) for item in found))

    def children(self, prefix: str) -> tuple[list[str], list[str]]:
        """Return the names directly below a prefix, sorted: of prefixes, and of objects."""
        import obstore

        found = self._call(
            prefix, lambda: obstore.list_with_delimiter(self.reading, prefix or None)
        )
        folders = sorted(path.rpartition("/")[2] for path in found["common_prefixes"])
        return folders, sorted(item["path"].rpartition("/")[2] for item in found["objects"])

    def has_objects(self, prefix: str) -> bool:
        """Return whether any object is below a prefix."""
        import obstore

        first = lambda: next(iter(obstore.list(self.reading, prefix, chunk_size=1)), [])  # noqa: E731
        return bool(self._call(prefix, first))

    def _is_kept(self, key: str) -> bool:
        return self.kept is not None and key.rpartition("/")[2] == self.kept.name

    def _get_kept(self, key: str, read: Callable[[], bytes]) -> bytes:
        contents = {} if self.kept is None else self.kept.contents
        if key not in contents:
            found = None
            with contextlib.suppress(FileNotFoundError):
                found = self._read(key, read)
            contents[key] = found
        content = contents[key]
        if content is None:
            raise FileNotFoundError(errno.ENOENT, "no such object", f"{self.url}/{key}")
        return content

    def _put_if(
        self, key: str, content: bytes, mode: Literal["create"] | dict[str, str]
    ) -> Tag | None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        def write() -> Tag | None:
            try:
                put: Any = obstore.put
                return _tag(put(self.store, key, content, mode=mode, use_multipart=False))
            except (AlreadyExistsError, PreconditionError) as error:
                if _CONFLICT in str(error):
                    raise
                return None

        try:
            return self._write(key, write)
        except FileNotFoundError:  # the version to replace was deleted
            return None

    def _read(self, key: str, request: Callable[[], _T]) -> _T:
        return self._call(key, request)

    def _write(self, key: str, request: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            self.guard()
            return request()

        return self._call(key, guarded)

    def _call(self, key: str, request: Callable[[], _T]) -> _T:
        """Send a request until it succeeds, is refused, or the server was waited for."""
        from obstore.exceptions import BaseError

        started, pause_s = time.monotonic(), 0.1
        while True:
            try:
                result = request()
            except FileNotFoundError as error:
                if code_of(str(error)) in NO_BUCKET:
                    raise refused(self.url, key, str(error)) from None
                self._state.patience_s = PATIENCE_S
                name = f"{self.url}/{key}"
                raise FileNotFoundError(errno.ENOENT, "no such object", name) from None
            except (BaseError, OSError) as error:
                described = str(error)
                status = status_of(described)
                is_refused = type(error).__name__ in _REFUSALS
                is_refused |= (300 <= status < 500 and status not in _PASSING) or status == 501
                if is_refused and _CONFLICT not in described:
                    raise refused(self.url, key, described) from None
                if time.monotonic() - started >= self._state.patience_s:
                    self._state.patience_s = 0.0  # tidying up does not wait again
                    raise unreachable(self.url, key, described) from None
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 2.0)
            else:
                self._state.patience_s = PATIENCE_S
                return result


_REFUSALS = {
    "PermissionDeniedError",
    "UnauthenticatedError",
    "NotSupportedError",
    "InvalidPathError",
    "UnknownConfigurationKeyError",
}


def _tag(about: Mapping[str, Any]) -> Tag:
    return {name: about[name] for name in ("e_tag", "version") if about.get(name)}
