"""Local paths; a URL is refused, since it would become local folders named ``s3:`` and so on."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

from reno_store.errors import RenoStoreError

__all__ = ["local_path"]

# At least two letters, since one is a Windows drive. pathlib.Path reduces two slashes to one.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]+):/+(.*)", re.DOTALL)


def local_path(
    path: str | PathLike[str], kind: str, error: type[RenoStoreError] = RenoStoreError
) -> Path:
    """Return a local path; refuse a URL.

    Parameters
    ----------
    path : str or Path
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
    reno_store.errors.RenoStoreError: store s3://bucket/my.zarr is a URL; only local folders are \
supported. Give the path of a folder on this machine (a mounted bucket is one).
    """
    if found := _URL.fullmatch(str(path)):
        scheme, rest = found.groups()
        # A file URL has a third slash, which pathlib.Path drops.
        slashes = ":///" if scheme.lower() == "file" else "://"
        raise error(
            f"{kind} {scheme}{slashes}{rest} is a URL; only local folders are supported. "
            "Give the path of a folder on this machine (a mounted bucket is one)."
        )
    return Path(path)
