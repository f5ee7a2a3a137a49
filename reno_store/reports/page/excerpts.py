"""Recordings as short sounds inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from reno_store.corpora.audio import hash_file, stream_waveform
from reno_store.corpora.confinement import Confinement
from reno_store.errors import AudioError, RenoStoreError
from reno_store.samples import EmbeddingStore

__all__ = ["EXCERPT_S", "MOST_BYTES", "check_audio", "excerpts_of"]

EXCERPT_S = 4.0
"""Seconds of a recording that are in the page, from its beginning."""
MOST_BYTES = 600_000
"""Of all excerpts of a page together, encoded."""
_RATE_HZ = 16_000


def check_audio(folder: str | Path) -> Path:
    """Return the folder if it is one.

    Raises
    ------
    RenoStoreError
        If it is missing or is no folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RenoStoreError(
            f"{folder}: expected a folder with the recordings of the manifest, found "
            f"{'a file' if folder.exists() else 'nothing'}."
        )
    return folder


def excerpts_of(
    store: EmbeddingStore,
    dataset: str,
    clip_ids: Sequence[str],
    folder: str | Path,
    *,
    most_bytes: int = MOST_BYTES,
) -> dict[str, str]:
    """Encode the first seconds of recordings as mp3, mono at 16 kHz.

    A recording is used only where it lies inside the folder and is, by its hash, the one that was
    embedded.

    Parameters
    ----------
    store : EmbeddingStore
        The store, which has the path of each clip in its manifest.
    dataset : str
        The clips' dataset.
    clip_ids : Sequence[str]
        The clips, the most important first.
    folder : str or Path
        The folder that these paths are relative to.
    most_bytes : int
        Where to stop.

    Returns
    -------
    dict of str to str
        Clip id -> ``data:`` address. Clips whose recording is missing, another one or not audio,
        and those beyond `most_bytes`, are left out.

    Raises
    ------
    RenoStoreError
        If the folder is missing, or has none of the recordings.
    """
    folder = check_audio(folder)
    paths = _paths(store, dataset, clip_ids)
    confinement = Confinement(folder)
    found: dict[str, str] = {}
    n_present = n_bytes = 0
    for clip_id, (path, digest) in paths.items():
        file = folder / path
        # In this order: a path that leaves the folder is not even looked at.
        if not path or confinement.problem(path) is not None or not _is_same(file, digest):
            continue
        n_present += 1
        try:
            sound = _encode(file)
        except AudioError:
            continue
        if n_bytes + len(sound) > most_bytes:
            break
        n_bytes += len(sound)
        found[clip_id] = "data:audio/mpeg;base64," + base64.b64encode(sound).decode()
    if clip_ids and not n_present:
        example = next((path for path, _ in paths.values() if path), "")
        raise RenoStoreError(
            f"{folder} has none of the {len(clip_ids)} recordings of {dataset} that the page "
            + (
                f"needs, such as {example!r}, as they were embedded. Name the folder that the "
                "manifest's paths are relative to."
                if example
                else "needs: the store has no paths of them, since its embeddings were imported."
            )
        )
    return found


def _paths(
    store: EmbeddingStore, dataset: str, clip_ids: Sequence[str]
) -> Mapping[str, tuple[str, str]]:
    """Return clip id -> path and hash."""
    rows = np.asarray(store.find_clips(dataset, clip_ids), np.int64)
    columns = [
        store.texts_at(dataset, name, rows)
        if name in store.columns(dataset)
        else [""] * len(clip_ids)
        for name in ("path", "audio_sha256")
    ]
    return dict(zip(clip_ids, zip(*columns, strict=True), strict=True))


def _is_same(file: Path, digest: str) -> bool:
    try:
        return bool(digest) and hash_file(file) == digest
    except (AudioError, OSError):
        return False


def _encode(file: Path) -> bytes:
    import soundfile

    n_samples, pieces = int(EXCERPT_S * _RATE_HZ), [np.zeros(0, np.float32)]
    for piece in stream_waveform(file, _RATE_HZ):
        pieces.append(piece)
        if sum(map(len, pieces)) >= n_samples:
            break
    waveform = np.concatenate(pieces)[:n_samples]
    sound = io.BytesIO()
    # Of constant quality; silence and noise take fewer or more bytes.
    soundfile.write(sound, waveform, _RATE_HZ, format="MP3", compression_level=0.7)
    return sound.getvalue()
