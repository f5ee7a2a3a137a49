"""The store's format: names, version, chunks and codecs, in one place.

::

    /                      attribute reno_store: {"format_version": 1}
    /DATASET               attribute n_clips: how many rows of the clip axis count
        clip_id (clip)     one string array a manifest column, and
        audio_sha256       the hash of each recording; empty where it could not be read
    /DATASET/MODEL         attribute fingerprint: what the embeddings depend on
        embedding (clip, feature)   float32 or float16; NaN where no embedding is stored
        done (clip)                 whether the row's embedding is whole

A row counts once ``n_clips`` reaches beyond it, an embedding once its ``done`` is true;
both are set last, so that whatever was cut off before is written again by the next build.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from reno_store.errors import StoreError, command_line
from reno_store.store import nodes
from reno_store.store.precision import StoragePrecision

__all__ = [
    "DONE",
    "DROPPED",
    "EMBEDDING",
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

FORMAT_VERSION = 1
ROOT_ATTRIBUTE = "reno_store"
N_CLIPS = "n_clips"
FINGERPRINT = "fingerprint"
SHA256 = "audio_sha256"
IDENTITY_COLUMNS = ("clip_id", "label", "speaker", SHA256)
EMBEDDING = "embedding"
DONE = "done"
DROPPED = "dropped"

_EMBEDDING_CHUNK_ROWS = 256
_TEXT_CHUNK_ROWS = 8_192
_DONE_CHUNK_ROWS = 65_536


# What zarr, its codecs and its metadata raise on damaged or hostile bytes.
_DAMAGE = (
    ValueError,
    RuntimeError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    MemoryError,
    OverflowError,
)


def create_root(path: Path) -> zarr.Group:
    """Make an empty store; the folder must be missing or empty."""
    return zarr.create_group(
        path, zarr_format=3, attributes={ROOT_ATTRIBUTE: {"format_version": FORMAT_VERSION}}
    )


def open_root(path: Path, *, writable: bool) -> zarr.Group:
    """Open a store that is there, after a look at what it says of itself.

    Raises
    ------
    StoreError
        If the path is no folder, holds no store of ours, or holds one of another version.
    """
    try:
        if not path.exists():
            raise StoreError(
                f"store {path} does not exist; "
                f"`{command_line('build', 'MANIFEST', '--store', path)}` makes it."
            )
        if not path.is_dir():
            raise StoreError(f"store {path} is a file; expected the folder of a Zarr store.")
        root = nodes.open_group(path, "r+" if writable else "r")
    except (FileNotFoundError, *_DAMAGE) as error:
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
    if version != FORMAT_VERSION:
        raise StoreError(
            f"store {path} has format version {version}, this reno-store reads and writes "
            f"{FORMAT_VERSION}; install a reno-store that knows version {version}."
        )
    return root


@contextmanager
def naming_damage(where: str) -> Iterator[None]:
    """Turn what zarr and its codecs raise on damaged bytes into a `StoreError` that says where."""
    try:
        yield
    except _DAMAGE as error:
        raise StoreError(
            f"{where}: damaged, cannot be read: {error}. Restore it from a copy, or build it into "
            "a new store."
        ) from error


def check_chunks(array: zarr.Array[Any], n_rows: int) -> None:
    """Check that every chunk of an array's first rows is there; those of a column always are.

    Raises
    ------
    ValueError
        If any is missing.
    """
    needed = -(-n_rows // array.chunks[0])
    if array.nchunks_initialized < needed:
        raise ValueError(f"{array.nchunks_initialized} of {needed} chunks are there")


def child_group(group: zarr.Group, path: str) -> zarr.Group:
    """Give the group at a path below another.

    Raises
    ------
    StoreError
        If there is an array instead.
    KeyError
        If there is nothing.
    """
    child = nodes.child(group, path)
    if not isinstance(child, zarr.Group):
        raise StoreError(f"{group.path}/{path}: expected a group, found an array.")
    return child


def child_array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """Give the array of a name in a group.

    Raises
    ------
    StoreError
        If there is a group instead.
    KeyError
        If there is nothing.
    """
    child = nodes.child(group, name)
    if not isinstance(child, zarr.Array):
        raise StoreError(f"{group.path}/{name}: expected an array, found a group.")
    return child


@nodes.own_codecs()
def create_text_column(group: zarr.Group, name: str) -> None:
    """Make an empty string array of one value a clip."""
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
    """Make the (clip, feature) array; NaN where nothing is stored yet."""
    group.create_array(
        EMBEDDING,
        shape=(n_clips, dim),
        chunks=(_EMBEDDING_CHUNK_ROWS, dim),
        dtype=precision.dtype,
        attributes=dict(precision.error_bounds),
        fill_value=float("nan"),
        dimension_names=("clip", "feature"),
        # Not compressed: it would save a sixth at most and double the time of reading.
        compressors=[Crc32cCodec()],
    )


@nodes.own_codecs()
def create_done(group: zarr.Group, n_clips: int) -> None:
    """Make the (clip,) array of which rows are whole."""
    group.create_array(
        DONE,
        shape=(n_clips,),
        chunks=(_DONE_CHUNK_ROWS,),
        dtype=bool,
        fill_value=False,
        dimension_names=("clip",),
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
    )
