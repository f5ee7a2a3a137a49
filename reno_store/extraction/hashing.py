"""A manifest's clip table, with the hash of each recording."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reno_store.corpora import REQUIRED_COLUMNS, Manifest
from reno_store.corpora.audio import hash_file
from reno_store.errors import AudioError
from reno_store.runtime.progress import counting

__all__ = ["clip_columns"]

_READING_THREADS = 4


def clip_columns(manifest: Manifest, progress: bool | None = None) -> dict[str, list[str]]:
    """Give a manifest's columns and its recordings' hashes.

    Parameters
    ----------
    manifest : Manifest
        The clips.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    dict of str to list of str
        One string a clip and column; ``audio_sha256`` is empty where a recording cannot be
        read.
    """
    clips = manifest.clips
    with (
        counting("hashing recordings", len(clips), unit="clips", show=progress) as counter,
        ThreadPoolExecutor(_READING_THREADS) as pool,
    ):

        def hash_or_empty(path: Path) -> str:
            try:
                return hash_file(path)
            except AudioError:
                return ""
            finally:
                counter.advance()

        hashes = list(pool.map(hash_or_empty, [manifest.audio_path(clip) for clip in clips]))
    columns = {name: [getattr(clip, name) for clip in clips] for name in REQUIRED_COLUMNS}
    for name in manifest.extra_columns:
        columns[name] = [clip.extra[name] for clip in clips]
    return {**columns, "audio_sha256": hashes}
