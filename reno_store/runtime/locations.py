"""Local paths; a URL is refused, since it would become local folders named ``s3:`` and so on."""

from __future__ import annotations

from pathlib import Path

from reno_store.errors import RenoStoreError
from reno_store.runtime.places import Place
from reno_store.runtime.places.opening import URL

__all__ = ["local_path"]


def local_path(path: str | Place, kind: str, error: type[RenoStoreError] = RenoStoreError) -> Path:
    """Return a local path; refuse a URL.

    Parameters
    ----------
    path : str, Path or BucketPlace
        A local path.
    kind : str
        What is at the path, for the message: ``"store"``.
    error : type[RenoStoreError]
        Class of the error to raise.

    Raises
    ------
    RenoStoreError
        If it is a URL, also one converted by `pathlib.Path`.

    Examples
    --------
    >>> local_path("folder/my.zarr", "store").name
    'my.zarr'
    >>> local_path("s3://bucket/my.zarr", "store")
    Traceback (most recent call last):
    ...
    reno_store.errors.RenoStoreError: store s3://bucket/my.zarr is a URL; only local paths are \
supported. Copy it to this machine, or mount the bucket, and give its path.
    """
    if found := URL.fullmatch(str(path)):
        scheme, rest = found.groups()
        # A file URL has a third slash, which pathlib.Path drops.
        slashes = ":///" if scheme.lower() == "file" else "://"
        raise error(
            f"{kind} {scheme}{slashes}{rest} is a URL; only local paths are supported. Copy it "
            "to this machine, or mount the bucket, and give its path."
        )
    return Path(str(path))
