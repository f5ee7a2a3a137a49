"""A path or URL as the user typed it -> a place."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from reno_store.errors import RenoStoreError
from reno_store.runtime.places.bucket import Bucket
from reno_store.runtime.places.bucket_place import BucketPlace
from reno_store.runtime.places.connecting import connect
from reno_store.runtime.places.folders import Place

__all__ = ["URL", "open_place"]

# At least two letters, since one is a Windows drive. pathlib.Path reduces two slashes to one.
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]+):/+(.*)", re.DOTALL)
_SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "azure": "az"}


def open_place(
    path: str | os.PathLike[str] | BucketPlace,
    kind: str,
    error: type[RenoStoreError] = RenoStoreError,
) -> Place:
    """Return the place of a path or URL; no request is sent yet.

    Parameters
    ----------
    path : str, Path or BucketPlace
        A local path; ``file:///PATH``; ``s3://BUCKET/KEY``, ``gs://BUCKET/KEY`` or
        ``az://CONTAINER/KEY``; or ``memory://NAME``, which exists only in this process. A URL may
        have been converted by `pathlib.Path`.
    kind : str
        What is at the path, for the message: ``"store"``.
    error : type[RenoStoreError]
        Class of the error about a wrong URL.

    Raises
    ------
    RenoStoreError
        If it is a URL of another kind, has no key, or contains ``..``.
    BucketError
        If obstore is not installed.

    Examples
    --------
    >>> open_place("folder/my.zarr", "store").name
    'my.zarr'
    >>> str(open_place("memory://my.zarr/d", "store"))
    'memory://my.zarr/d'
    """
    if isinstance(path, BucketPlace):
        return path
    found = URL.fullmatch(os.fspath(path))
    if not found:
        return Path(path)
    given, rest = found[1].lower(), found[2]
    if given == "file":
        return Path("/" + rest)
    parts = [part for part in rest.split("/") if part]
    if given == "memory" and parts and ".." not in parts:
        return BucketPlace(_bucket("memory://", 0), "/".join(parts))
    scheme = _SCHEMES.get(given)
    shown = f"{found[1]}://{rest}"
    if scheme is None:
        raise error(
            f"{kind} {shown}: URLs of the kind {found[1]}:// are not supported. Expected a local "
            "path, or s3://, gs://, az://, file:// or memory://."
        )
    if "@" in parts[0] if parts else False:
        raise error(f"{kind}: put no password into a URL; set it in the environment.")
    if len(parts) < 2 or {".", ".."} & set(parts):
        raise error(
            f"{kind} {shown}: expected {scheme}://BUCKET/NAME, without '.' and '..' as names."
        )
    return BucketPlace(_bucket(f"{scheme}://{parts[0]}", _settings()), "/".join(parts[1:]))


@lru_cache
def _bucket(url: str, settings: int) -> Bucket:
    """Return one connection per bucket, settings and process; for memory, one per process."""
    return connect(url)


def _settings() -> int:
    """Return a hash of what obstore takes from the environment, which a notebook may change."""
    names = ("AWS_", "GOOGLE_", "AZURE_")
    return hash(frozenset(item for item in os.environ.items() if item[0].startswith(names)))
