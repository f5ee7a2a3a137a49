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
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from reno_store.errors import BucketError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore

__all__ = ["LONGEST_REQUEST_S", "PATIENCE_S", "Bucket", "Tag", "connect"]

Tag: TypeAlias = Mapping[str, str]
"""Identifies one version of an object: its ETag and, on GCS, its generation."""

PATIENCE_S = 60.0
"""How long a server that has answered before is waited for."""

_FIRST_PATIENCE_S = 5.0
_CONNECT_S, _LONGEST_READ_S = 3.0, 3600.0
LONGEST_REQUEST_S = 20.0
"""A request to write that lasts longer has failed, and one to read during which nothing arrives."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_PASSING = {408, 425, 429}
_CONFLICT = "ConditionalRequestConflict"
"""S3 answers so, with status 409, if another request about the same object is under way."""

_T = TypeVar("_T")

_SETTINGS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and, for servers other than "
    "Amazon's, AWS_ENDPOINT_URL",
    "gs": "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "memory": "nothing",
}


@dataclass(slots=True)
class _State:
    patience_s: float = field(default_factory=lambda: _FIRST_PATIENCE_S)


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
    _state: _State = field(default_factory=_State)

    def guarded(self, guard: Callable[[], None]) -> Bucket:
        """Return the same bucket with a function that is called before each write."""
        return dataclasses.replace(self, guard=guard)

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Return an object, or its bytes from `start` to before `stop`; both are needed then."""
        import obstore

        if start is None or stop is None:
            return self._read(key, lambda: obstore.get(self.reading, key).bytes().to_bytes())
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
        import obstore

        return self._read(key, lambda: int(obstore.head(self.reading, key)["size"]))

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
                if _CODE.search(str(error)) and "NoSuchBucket" in str(error):
                    raise self._refused(key, str(error)) from None
                self._state.patience_s = PATIENCE_S
                name = f"{self.url}/{key}"
                raise FileNotFoundError(errno.ENOENT, "no such object", name) from None
            except (BaseError, OSError) as error:
                described = str(error)
                status = int(found[1]) if (found := _STATUS.search(described)) else 0
                is_refused = type(error).__name__ in _REFUSALS
                is_refused |= (300 <= status < 500 and status not in _PASSING) or status == 501
                if is_refused and _CONFLICT not in described:
                    raise self._refused(key, described) from None
                if time.monotonic() - started >= self._state.patience_s:
                    self._state.patience_s = 0.0  # tidying up does not wait again
                    raise self._unreachable(key, described) from None
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 2.0)
            else:
                self._state.patience_s = PATIENCE_S
                return result

    def _refused(self, key: str, described: str) -> BucketError:
        found = _CODE.search(described)
        status = _STATUS.search(described)
        code = found[1] if found else f"status {status[1]}" if status else "permission denied"
        if code == "NoSuchBucket" or (status and status[1] == "404"):
            return BucketError(
                f"{self._named(key)}: there is no such bucket ({code}){self._endpoint()}. "
                "Create it, or check its name."
            )
        return BucketError(
            f"{self._named(key)}: the server refuses the request ({code}). Check that the "
            f"credentials are right and may do this{self._endpoint()}; they are taken from the "
            f"environment: {self._settings}."
        )

    def _unreachable(self, key: str, described: str) -> BucketError:
        status = _STATUS.search(described)
        what = f"answers with status {status[1]}" if status else "cannot be reached"
        return BucketError(
            f"{self._named(key)}: the server {what}{self._endpoint()}. Check the network and the "
            f"environment: {self._settings}. What was written until now is kept; run it again."
        )

    def _named(self, key: str) -> str:
        return f"{self.url}/{key}".rstrip("/")

    @property
    def _settings(self) -> str:
        return _SETTINGS[self.url.partition(":")[0]]

    def _endpoint(self) -> str:
        endpoint = _endpoint_url() if self.url.startswith("s3:") else ""
        # An endpoint may hold a password: https://user:password@host
        return f" (AWS_ENDPOINT_URL is {re.sub('//[^/@]*@', '//', endpoint)})" if endpoint else ""


_REFUSALS = {
    "PermissionDeniedError",
    "UnauthenticatedError",
    "NotSupportedError",
    "InvalidPathError",
    "UnknownConfigurationKeyError",
}


def connect(url: str) -> Bucket:
    """Return the bucket of a URL such as ``s3://bucket``; no request is sent yet.

    Raises
    ------
    BucketError
        If obstore is not installed, or does not understand the URL or the environment.
    """
    try:
        import obstore.store
    except ImportError:
        raise BucketError(
            f"{url} needs the package obstore, which is not installed. Install it: "
            "pip install 'reno-store[cloud]'."
        ) from None
    if url == "memory://":
        memory = obstore.store.MemoryStore()
        return Bucket("memory:/", memory, memory)
    plain = _endpoint_url().startswith("http://") or os.environ.get(
        "AWS_ALLOW_HTTP", ""
    ).lower() in {"1", "true", "yes", "on"}
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "allow_http": plain,
        "timeout": timedelta(seconds=LONGEST_REQUEST_S),
    }
    reading: ClientConfig = {
        **options,
        "timeout": timedelta(seconds=_LONGEST_READ_S),
        "read_timeout": timedelta(seconds=LONGEST_REQUEST_S),
    }
    try:
        store, reader = (
            obstore.store.from_url(url, client_options=each, retry_config={"max_retries": 0})
            for each in (options, reading)
        )
    except Exception as error:  # obstore's own, ValueError ...
        reason = str(error).partition("\n")[0]
        raise BucketError(
            f"{url}: cannot be opened: {reason}. Check the URL and the environment: "
            f"{_SETTINGS[url.partition(':')[0]]}."
        ) from None
    return Bucket(url, store, reader)


def _endpoint_url() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((found for name in names if (found := os.environ.get(name, ""))), "")


def _tag(about: Mapping[str, Any]) -> Tag:
    return {name: about[name] for name in ("e_tag", "version") if about.get(name)}
