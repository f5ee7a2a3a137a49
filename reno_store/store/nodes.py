"""Opening groups and arrays so that only the store's own files decide what is read.

Two things could interfere. Consolidated metadata is a copy of a hierarchy's metadata in one
group's ``zarr.json``; zarr trusts it even when it is out of date. And a codec pipeline or
codec of another package, set in the environment or in ``zarr.config``, may skip checksums.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import zarr
from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from reno_store.runtime.places import Place
from reno_store.store.bucket_store import BucketStore
from reno_store.store.members import read_metadata

__all__ = [
    "child",
    "drop_consolidated",
    "has_consolidated",
    "open_group",
    "own_codecs",
    "zarr_store",
]

_COPY = "consolidated_metadata"

# zarr's own codecs, which verify every checksum.
_OWN = {
    "codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline",
    "codecs.bytes": "zarr.codecs.bytes.BytesCodec",
    "codecs.crc32c": "zarr.codecs.crc32c_.Crc32cCodec",
    "codecs.sharding_indexed": "zarr.codecs.sharding.ShardingCodec",
    "codecs.vlen-utf8": "zarr.codecs.vlen_utf8.VLenUTF8Codec",
    "codecs.zstd": "zarr.codecs.zstd.ZstdCodec",
}


class _Settings:
    """zarr's process-wide settings: replaced by ours while any thread needs them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._undo = contextlib.ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._n_users == 0:
                self._undo.enter_context(zarr.config.set(_OWN))
            self._n_users += 1

    def leave(self) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                self._undo.close()


_settings = _Settings()


@contextlib.contextmanager
def own_codecs() -> Iterator[None]:
    """Make zarr use its own codec pipeline and codecs, whatever is configured.

    An array keeps the pipeline that it was opened with; a sharded array looks up another one
    for each read and write.
    """
    _settings.enter()
    try:
        yield
    finally:
        _settings.leave()


class _FolderStore(LocalStore):
    """A folder in which making a node does not touch the nodes above it.

    zarr makes missing groups above a new node. For each it writes a temporary file first, even
    where the group exists, and so in folders whose lock this process may not hold.
    """

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        if not await self.exists(key):
            await super().set_if_not_exists(key, value)


def zarr_store(place: Place, *, read_only: bool = False) -> _FolderStore | BucketStore:
    """Return what zarr opens for a place."""
    if isinstance(place, Path):
        return _FolderStore(place, read_only=read_only)
    return BucketStore(place, read_only=read_only)


def open_group(place: Place, mode: Literal["r", "r+"]) -> zarr.Group:
    """Open the group in a folder, without its consolidated metadata."""
    store = zarr_store(place, read_only=mode == "r")
    return zarr.open_group(store, mode=mode, zarr_format=3, use_consolidated=False)


def child(group: zarr.Group, path: str) -> zarr.Group | zarr.Array[Any]:
    """Open the group or array at a path below a group, without consolidated metadata.

    Parameters
    ----------
    group : zarr.Group
        From `open_group` or `child`.
    path : str
        Names separated by ``/``.

    Raises
    ------
    KeyError
        If nothing has that path.
    """
    with own_codecs():
        found = group[path]
    if isinstance(found, zarr.Group) and found.metadata.consolidated_metadata is not None:
        mode: Literal["r", "r+"] = "r" if found.read_only else "r+"
        return zarr.open_group(
            found.store, path=found.path, mode=mode, zarr_format=3, use_consolidated=False
        )
    return found


def has_consolidated(folder: Place) -> bool:
    """Return whether the group in a folder has consolidated metadata."""
    with contextlib.suppress(FileNotFoundError):
        return read_metadata(folder).get(_COPY) is not None
    return False


def drop_consolidated(folder: Place) -> None:
    """Remove consolidated metadata from the group in a folder.

    Call it with the lock on that group's attributes.
    """
    if has_consolidated(folder):
        open_group(folder, "r+").update_attributes({})
