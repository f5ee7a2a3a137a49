"""The store's format: names, version, chunks and codecs, in one place.

::

    /                      attribute reno_store: {"format_version": 3}
    /DATASET               attribute n_clips: how many rows of the clip axis count
        clip_id (clip)     one string array per manifest column, and
        audio_sha256       the hash of each recording; empty where it could not be read
        clip_id_hash (clip), audio_sha256_bytes (clip, byte): see `clip_index`
    /DATASET/MODEL         attribute fingerprint: what the embeddings depend on
        embedding (clip, feature)   float32 or float16; NaN where no embedding is stored
        done (clip)                 whether the row's embedding is complete; see `marks`

A row counts once ``n_clips`` is larger than it, an embedding once its ``done`` is true. Both
are set last, so the next build rewrites whatever was interrupted before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from reno_store.errors import Remedy, StoreError
from reno_store.store import nodes
from reno_store.store.precision import StoragePrecision

__all__ = [
    "DAMAGE",
    "DONE",
    "DROPPED",
    "EMBEDDING",
    "EMBEDDING_CHUNK_ROWS",
    "FINGERPRINT",
    "FORMAT_VERSION",
    "IDENTITY_COLUMNS",
    "N_CLIPS",
    "SHA256",
    "check_chunks",
    "child_array",
    "child_group",
    "create_done",
    "create_embedding",
    "create_root",
    "create_text_column",
    "naming_damage",
    "open_root",
]

FORMAT_VERSION = 3
"""Version 1 had no index of the clip table, and its writers would leave one out of date. Writers
of version 2 do not notice others that fill stripes of the same model."""

_READABLE = (1, 2, FORMAT_VERSION)
ROOT_ATTRIBUTE = "reno_store"
N_CLIPS = "n_clips"
FINGERPRINT = "fingerprint"
SHA256 = "audio_sha256"
IDENTITY_COLUMNS = ("clip_id", "label", "speaker", SHA256)
EMBEDDING = "embedding"
DONE = "done"
DROPPED = "dropped"

EMBEDDING_CHUNK_ROWS = 256
_TEXT_CHUNK_ROWS = 8_192

DAMAGE = (
    ValueError,
    RuntimeError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    MemoryError,
    OverflowError,
)
"""What zarr, its codecs and its metadata raise on damaged or hostile bytes."""


def create_root(path: Path) -> zarr.Group:
    """Create an empty store in a missing or empty folder."""
    return zarr.create_group(
        path, zarr_format=3, attributes={ROOT_ATTRIBUTE: {"format_version": FORMAT_VERSION}}
    )


def open_root(path: Path, *, writable: bool) -> zarr.Group:
    """Open an existing store and check its format version; opening it to write raises that.

    Raises
    ------
    StoreError
        If the path is no folder, or holds no store of this format version.
    """
    try:
        if not path.exists():
            create = {"manifest": ..., "models": ..., "store": str(path)}
            raise StoreError(
                f"store {path} does not exist.", Remedy("Create it", create, "build_store")
            )
        if not path.is_dir():
            raise StoreError(f"store {path} is a file; expected the folder of a Zarr store.")
        root = nodes.open_group(path, "r+" if writable else "r")
    except (FileNotFoundError, *DAMAGE) as error:
        raise StoreError(
            f"{path} is not a reno-store: it holds no Zarr format 3 group ({error})."
        ) from None
    except OSError as error:
        raise StoreError(f"store {path} cannot be read: {error.strerror or error}.") from None
    stamp: Any = root.attrs.get(ROOT_ATTRIBUTE)
    version = stamp.get("format_version") if isinstance(stamp, dict) else None
    if version is None:
        raise StoreError(
            f"{path} is a Zarr group but not a reno-store: it has no attribute {ROOT_ATTRIBUTE!r}."
        )
    if isinstance(version, bool) or version not in _READABLE:
        raise StoreError(
            f"store {path} has format version {version}, this reno-store supports "
            f"{', '.join(map(str, _READABLE))}; install a reno-store that supports version "
            f"{version}."
        )
    if writable and version != FORMAT_VERSION:
        root.attrs[ROOT_ATTRIBUTE] = {**stamp, "format_version": FORMAT_VERSION}
    return root


@contextmanager
def naming_damage(where: str) -> Iterator[None]:
    """Turn what zarr and its codecs raise on damaged bytes into a `StoreError` with the place."""
    try:
        yield
    except DAMAGE as error:
        raise StoreError(
            f"{where}: damaged, cannot be read: {error}. Restore it from a copy, or build it into "
            "a new store."
        ) from error


def check_chunks(array: zarr.Array[Any], n_rows: int) -> None:
    """Check that every chunk of a text column's first rows exists.

    Raises
    ------
    ValueError
        If any is missing.
    """
    needed = -(-n_rows // array.chunks[0])
    if array.nchunks_initialized < needed:
        raise ValueError(f"it has {array.nchunks_initialized} of {needed} chunks")


def child_group(group: zarr.Group, path: str) -> zarr.Group:
    """Return the group at a path below another.

    Raises
    ------
    StoreError
        If it is an array.
    KeyError
        If nothing has that path.
    """
    child = nodes.child(group, path)
    if not isinstance(child, zarr.Group):
        raise StoreError(f"{group.path}/{path}: expected a group, found an array.")
    return child


def child_array(group: zarr.Group, path: str) -> zarr.Array[Any]:
    """Return the array at a path below a group; raises as `child_group`."""
    child = nodes.child(group, path)
    if not isinstance(child, zarr.Array):
        raise StoreError(f"{group.path}/{path}: expected an array, found a group.")
    return child


@nodes.own_codecs()
def create_text_column(group: zarr.Group, name: str) -> None:
    """Create an empty string array with one value per clip."""
    group.create_array(
        name,
        shape=(0,),
        chunks=(_TEXT_CHUNK_ROWS,),
        dtype=str,
        fill_value="",
        dimension_names=("clip",),
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
    )


@nodes.own_codecs()
def create_embedding(
    group: zarr.Group, n_clips: int, dim: int, precision: StoragePrecision
) -> None:
    """Create the (clip, feature) array; NaN where nothing is stored yet."""
    group.create_array(
        EMBEDDING,
        shape=(n_clips, dim),
        chunks=(EMBEDDING_CHUNK_ROWS, dim),
        dtype=precision.dtype,
        attributes=dict(precision.error_bounds),
        fill_value=float("nan"),
        dimension_names=("clip", "feature"),
        # Uncompressed: compression saves a sixth at most and doubles the reading time.
        compressors=[Crc32cCodec()],
    )


@nodes.own_codecs()
def create_done(
    group: zarr.Group, n_clips: int, chunk_rows: int, *, separator: Literal["/", "."] = "/"
) -> zarr.Array[Any]:
    """Create the (clip,) array that marks complete rows."""
    return group.create_array(
        DONE,
        shape=(n_clips,),
        chunks=(chunk_rows,),
        chunk_key_encoding={"name": "default", "separator": separator},
        dtype=bool,
        fill_value=False,
        dimension_names=("clip",),
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
    )
