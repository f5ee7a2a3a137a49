"""Which recordings to predict: files, folders, manifests, lists."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.corpora import read_manifest
from reno_store.errors import AudioError
from reno_store.runtime.locations import local_path
from reno_store.runtime.places import BucketPlace, Place, open_place

__all__ = ["AUDIO_ENDINGS", "Found", "find_recordings"]

AUDIO_ENDINGS = frozenset(
    f".{ending}"
    for ending in (
        *("aif", "aifc", "aiff", "au", "caf", "flac", "m4a", "mp3", "oga", "ogg", "opus", "rf64"),
        *("snd", "w64", "wav", "wave"),
    )
)
"""Endings of the files that are taken from a folder, in any case. A file that is named itself may
have any."""


@dataclass(frozen=True, slots=True)
class Found:
    """A recording to predict.

    Attributes
    ----------
    path : Place
        Its file.
    clip_id : str
        Its clip, where it comes from a manifest; empty otherwise.
    """

    path: Place
    clip_id: str = ""


def find_recordings(
    places: Sequence[str | Path],
    *,
    audio_folder: str | Path | None = None,
    listed: Iterable[str] | None = None,
) -> list[Found]:
    """List recordings in the order in which they are given.

    Parameters
    ----------
    places : Sequence[str or Path]
        Audio files; folders, of which all audio files below are taken, sorted; manifests
        (``.csv``); and ``-`` for a list of places, one per line. Files and folders may be in a
        bucket, named by their URLs.
    audio_folder : str or Path, optional
        The folder that the paths of manifests are relative to; by default that of each.
    listed : Iterable[str], optional
        The lines for ``-``; standard input unless given.

    Raises
    ------
    AudioError
        If there is no recording. One that does not exist fails when it is read.
    ManifestError
        If a manifest is wrong.
    """
    found: list[Found] = []
    for place in places:
        lines: Iterable[str] = [str(place)]
        if str(place) == "-":
            lines = (line.rstrip("\r\n") for line in (sys.stdin if listed is None else listed))
        for line in lines:
            if line:
                found += _at(open_place(line, "recording", AudioError), audio_folder)
    if not found:
        shown = ", ".join(map(str, places)) or "nothing"
        raise AudioError(
            f"no recording is found in {shown}. Expected audio files, folders that contain some "
            f"({', '.join(sorted(AUDIO_ENDINGS))}), manifests or - for a list."
        )
    return found


def _at(place: Place, audio_folder: str | Path | None) -> Iterator[Found]:
    ending = place.suffix.lower()
    # In a bucket, each question whether something is a folder is a request.
    if not (isinstance(place, BucketPlace) and ending in AUDIO_ENDINGS) and place.is_dir():
        yield from (Found(path) for path in _below(place))
    elif ending == ".csv":
        table = read_manifest(local_path(place, "manifest"), audio_folder=audio_folder)
        for clip in table.clips:
            yield Found(table.audio_folder / clip.path, clip.clip_id)
    else:
        yield Found(place)


def _below(folder: Place) -> Iterator[Place]:
    """Yield all audio files below a folder, except hidden ones."""
    if isinstance(folder, BucketPlace):
        begin = f"{folder.key}/"
        names = [key.removeprefix(begin) for key in folder.bucket.objects(begin)]
    else:
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    for name in names:
        path = folder / name
        is_hidden = any(part.startswith(".") for part in name.split("/"))
        is_audio = path.suffix.lower() in AUDIO_ENDINGS and not is_hidden
        if is_audio and (isinstance(path, BucketPlace) or path.is_file()):
            yield path
