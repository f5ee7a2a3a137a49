"""One writer at a time: a lock that the operating system frees when its owner dies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from reno_store.errors import StoreBusyError

__all__ = ["writing_to"]


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Hold the store's write lock.

    The lock's file stands hidden beside the store, not in it, where plain zarr would wonder
    about a stranger.

    Raises
    ------
    StoreBusyError
        If another process holds it.
    """
    try:
        lock = FileLock(path.resolve().with_name(f".{path.resolve().name}.lock")).acquire(timeout=0)
    except Timeout:
        raise StoreBusyError(
            f"store {path}: another process is writing to it. Wait until it has finished, "
            "or build into another store."
        ) from None
    with lock:
        yield
