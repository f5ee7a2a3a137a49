"""Whose embedding is it: from what a source calls its rows to clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from reno_store.errors import ForeignEmbeddingsError, listed

__all__ = ["match_clips"]

_ENDINGS = (".npy", ".embedding")
"""What stands behind a clip's name in other programs' files: HEAR's are NAME.wav.embedding.npy."""


def match_clips(
    keys: Sequence[str],
    clips: Mapping[str, Sequence[str]],
    *,
    allow_unknown: bool = False,
) -> tuple[dict[int, str], str]:
    """Find the clip of each key, all of them in the same way.

    Tried in turn: the key is a clip's id, its path, its path without the ending, the name of
    its file, that without the ending. The first way in which every key has a clip counts, or
    with `allow_unknown` the one in which most have.

    Parameters
    ----------
    keys : Sequence[str]
        What the source calls its rows.
    clips : Mapping[str, Sequence[str]]
        ``clip_id`` and, where they are known, ``path`` of the clips.
    allow_unknown : bool
        Whether keys may be left without a clip.

    Returns
    -------
    dict of int to str
        Position of the key -> clip id.
    str
        In which way they were matched.

    Raises
    ------
    ForeignEmbeddingsError
        If keys are left over, or two are one clip's.
    """
    best: dict[int, str] = {}
    best_way, best_ambiguous = "", list[int]()
    for way, name_of in _WAYS.items():
        found, ambiguous = _matched(keys, clips, name_of)
        if len(found) + len(ambiguous) > len(best) + len(best_ambiguous):
            best, best_way, best_ambiguous = found, way, ambiguous
        if len(found) == len(keys):
            break
    if best_ambiguous:
        several = [keys[position] for position in best_ambiguous]
        raise ForeignEmbeddingsError(
            f"matched by {best_way}, {len(several):,} of {len(keys):,} embeddings fit several "
            f"clips: {listed(several)}. Name them by clip id or by path."
        )
    matched, way = best, best_way
    unknown = [key for position, key in enumerate(keys) if position not in matched]
    if unknown and (not allow_unknown or not matched):
        most = f"matched by {way}, " if matched else ""
        raise ForeignEmbeddingsError(
            f"{most}{len(unknown):,} of {len(keys):,} embeddings belong to no clip of the "
            f"dataset: {listed(unknown)}. The dataset's clips are {listed(clips['clip_id'])}. "
            "Name them alike, or leave such embeddings out: --allow-unknown."
        )
    first_of: dict[str, int] = {}
    for position, clip_id in matched.items():
        first = first_of.setdefault(clip_id, position)
        if first != position:
            raise ForeignEmbeddingsError(
                f"clip {clip_id!r} has two embeddings: {keys[first]!r} and {keys[position]!r}."
            )
    return matched, way


def _without_endings(key: str) -> str:
    for ending in _ENDINGS:
        key = key.removesuffix(ending)
    return key


def _id(clip_id: str, path: PurePosixPath) -> str:
    return clip_id


def _path(clip_id: str, path: PurePosixPath) -> str:
    return str(path)


def _path_without_ending(clip_id: str, path: PurePosixPath) -> str:
    return str(path.with_suffix("")) if path.name else ""


def _file_name(clip_id: str, path: PurePosixPath) -> str:
    return path.name


def _file_stem(clip_id: str, path: PurePosixPath) -> str:
    return path.stem


_WAYS: Mapping[str, Callable[[str, PurePosixPath], str]] = {
    "clip id": _id,
    "path": _path,
    "path without ending": _path_without_ending,
    "file name": _file_name,
    "file name without ending": _file_stem,
}


def _matched(
    keys: Sequence[str],
    clips: Mapping[str, Sequence[str]],
    name_of: Callable[[str, PurePosixPath], str],
) -> tuple[dict[int, str], list[int]]:
    """Match keys by one way of naming clips; give also those that fit several clips."""
    ids = clips["clip_id"]
    paths = clips.get("path") or [""] * len(ids)
    owners: dict[str, set[str]] = {}
    for clip_id, path in zip(ids, paths, strict=True):
        owners.setdefault(name_of(clip_id, PurePosixPath(path)), set()).add(clip_id)
    found, ambiguous = {}, []
    for position, key in enumerate(keys):
        name = PurePosixPath(key).name if name_of in (_file_name, _file_stem) else key
        plain = _without_endings(name)
        # Our own export spells out what could lead out of a folder: %2F for a slash.
        candidates = filter(None, (name, plain, unquote(plain)))
        fitting = {clip_id for each in candidates for clip_id in owners.get(each, ())}
        if len(fitting) == 1:
            found[position] = fitting.pop()
        elif fitting:
            ambiguous.append(position)
    return found, ambiguous
