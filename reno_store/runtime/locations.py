"""Paths, and URLs, which would quietly become local folders named ``s3:`` and so on."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

from reno_store.errors import RenoStoreError

__all__ = ["local_path"]

# Two letters at least, so that a Windows drive is none. A Path has made one slash of two.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]+):/+(.*)", re.DOTALL)


def local_path(
    path: str | PathLike[str], kind: str, error: type[RenoStoreError] = RenoStoreError
) -> Path:
    """Give a path on a local file system, and refuse a URL.

    Parameters
    ----------
    path : str or Path
        What was given.
    kind : str
        What it is the place of, for the message: ``"store"``.
    error : type[RenoStoreError]
        What to raise.

    Raises
    ------
    RenoStoreError
        If it is a URL, also one that has gone through `pathlib.Path`.

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
        # Of an absolute path nothing is left between the second slash and the third.
        slashes = ":///" if scheme.lower() == "file" else "://"
        raise error(
            f"{kind} {scheme}{slashes}{rest} is a URL; only local folders are supported. "
            "Give the path of a folder on this machine (a mounted bucket is one)."
        )
    return Path(path)
