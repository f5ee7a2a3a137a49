"""A URL -> the connections of a bucket."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from reno_store.errors import BucketError
from reno_store.runtime.places.bucket import LONGEST_REQUEST_S, Bucket
from reno_store.runtime.places.refusals import SETTINGS, endpoint_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig

__all__ = ["connect"]

_ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
_CONNECT_S, _LONGEST_READ_S = 3.0, 3600.0


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
    kind = url.partition(":")[0]
    is_plain = kind == "s3" and endpoint_url().startswith("http://")
    allowed = os.environ.get(_ALLOW_HTTP[kind], "").lower() in {"1", "true", "yes", "on"}
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "allow_http": is_plain or allowed,
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
            f"{SETTINGS[kind]}."
        ) from None
    return Bucket(url, store, reader)
