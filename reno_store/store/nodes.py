"""Opening groups and arrays, so that what is read depends on the store's files alone.

Two things could otherwise come in between. Consolidated metadata is a copy of a whole
hierarchy's metadata in one group's ``zarr.json``; zarr believes it where it is there, also
after what it describes has changed. And a codec pipeline or codec of another package, chosen
by the environment or by ``zarr.config``, may read damaged chunks without checking them.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import zarr

__all__ = ["child", "drop_consolidated", "has_consolidated", "open_group", "own_codecs"]

_COPY = "consolidated_metadata"

# zarr's own, which check every checksum.
_OWN = {
    "codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline",
    "codecs.bytes": "zarr.codecs.bytes.BytesCodec",
    "codecs.crc32c": "zarr.codecs.crc32c_.Crc32cCodec",
    "codecs.sharding_indexed": "zarr.codecs.sharding.ShardingCodec",
    "codecs.vlen-utf8": "zarr.codecs.vlen_utf8.VLenUTF8Codec",
    "codecs.zstd": "zarr.codecs.zstd.ZstdCodec",
}


class _Settings:
    """zarr's settings, which all threads share: ours while any thread needs them."""

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

    An array keeps the pipeline that it was opened with; sharded ones ask for another at each
    read and write.
    """
    _settings.enter()
    try:
        yield
    finally:
        _settings.leave()


def open_group(path: Path, mode: Literal["r", "r+"]) -> zarr.Group:
    """Open the group in a folder, without its consolidated metadata."""
    return zarr.open_group(path, mode=mode, zarr_format=3, use_consolidated=False)


def child(group: zarr.Group, path: str) -> zarr.Group | zarr.Array[Any]:
    """Open what is at a path below a group, without consolidated metadata of its own.

    Parameters
    ----------
    group : zarr.Group
        From `open_group` or `child`.
    path : str
        Names with ``/`` between them.

    Raises
    ------
    KeyError
        If there is nothing.
    """
    with own_codecs():
        found = group[path]
    if isinstance(found, zarr.Group) and found.metadata.consolidated_metadata is not None:
        mode: Literal["r", "r+"] = "r" if found.read_only else "r+"
        return zarr.open_group(
            found.store, path=found.path, mode=mode, zarr_format=3, use_consolidated=False
        )
    return found


def has_consolidated(folder: Path) -> bool:
    """Tell whether the group in a folder has consolidated metadata; of no sound group it has."""
    try:
        metadata = json.loads((folder / "zarr.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(metadata, dict) and metadata.get(_COPY) is not None


def drop_consolidated(folder: Path) -> None:
    """Take consolidated metadata out of the group in a folder.

    For whoever holds the lock on that group's attributes.
    """
    if has_consolidated(folder):
        open_group(folder, "r+").update_attributes({})
