"""The clips that embeddings from elsewhere belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import unquote

from reno_store.errors import ForeignEmbeddingsError, Remedy, listed
from reno_store.exchange.importing.sources import Source
from reno_store.runtime.places import Place
from reno_store.store import Columns, StoreReader

__all__ = ["match_clips", "reconciled", "source_columns", "stored_columns"]

_ENDINGS = (".npy", ".embedding")
"""Suffixes that other programs add to a clip's name: HEAR writes NAME.wav.embedding.npy."""

_WAYS: Mapping[str, Callable[[str, PurePosixPath], str]] = MappingProxyType(
    {
        "clip id": lambda clip_id, path: clip_id,
        "path": lambda clip_id, path: str(path),
        "path without ending": lambda clip_id, path: str(path.with_suffix("")) if path.name else "",
        "file name": lambda clip_id, path: path.name,
        "file name without ending": lambda clip_id, path: path.stem,
    }
)
"""Ways to match, in this order -> what a clip is called in each."""


def match_clips(
    keys: Sequence[str], clips: Columns, *, allow_unknown: bool = False
) -> tuple[dict[int, str], str]:
    """Find the clip of each key, all of them in the same way.

    A key is a clip's id, its path, its path without the ending, its file name, or that without
    the ending. The first way that matches every key is used; with `allow_unknown`, the way
    that matches most.

    Parameters
    ----------
    keys : Sequence[str]
        Names of the source's rows.
    clips : Mapping[str, Sequence[str]]
        ``clip_id`` and, if known, ``path`` of the clips.
    allow_unknown : bool
        Whether keys without a clip are allowed.

    Returns
    -------
    dict of int to str
        Position of the key -> clip id.
    str
        How they were matched.

    Raises
    ------
    ForeignEmbeddingsError
        If a key has no clip or several, or two keys have the same clip.
    """
    matched: dict[int, str] = {}
    ambiguous: list[int] = []
    way = ""
    for name in _WAYS:
        found, several = _matched(keys, clips, name)
        if len(found) + len(several) > len(matched) + len(ambiguous):
            matched, ambiguous, way = found, several, name
        if len(found) == len(keys):
            break
    if ambiguous:
        raise ForeignEmbeddingsError(
            f"matched by {way}, {len(ambiguous):,} of {len(keys):,} embeddings fit several "
            f"clips: {listed([keys[position] for position in ambiguous])}. Name them by clip id "
            "or by path."
        )
    unknown = [key for position, key in enumerate(keys) if position not in matched]
    if unknown and (not allow_unknown or not matched):
        how = f"matched by {way}, " if matched else ""
        raise ForeignEmbeddingsError(
            f"{how}{len(unknown):,} of {len(keys):,} embeddings belong to no clip of the "
            f"dataset: {listed(unknown)}. The dataset's clips are {listed(clips['clip_id'])}. "
            "Use the same names.",
            Remedy("Or leave such embeddings out", {"allow_unknown": True}),
        )
    first_of: dict[str, int] = {}
    for position, clip_id in matched.items():
        first = first_of.setdefault(clip_id, position)
        if first != position:
            raise ForeignEmbeddingsError(
                f"clip {clip_id!r} has two embeddings: {keys[first]!r} and {keys[position]!r}."
            )
    return matched, way


def _matched(keys: Sequence[str], clips: Columns, way: str) -> tuple[dict[int, str], list[int]]:
    """Match keys in one way; return also the positions that fit several clips."""
    ids = clips["clip_id"]
    paths = clips.get("path") or [""] * len(ids)
    owners: dict[str, set[str]] = {}
    for clip_id, path in zip(ids, paths, strict=True):
        owners.setdefault(_WAYS[way](clip_id, PurePosixPath(path)), set()).add(clip_id)
    found, ambiguous = {}, []
    for position, key in enumerate(keys):
        name = PurePosixPath(key).name if way.startswith("file name") else key
        plain = name
        for ending in _ENDINGS:
            plain = plain.removesuffix(ending)
        # Our own export escapes what could lead out of a folder: %2F for a slash.
        candidates = filter(None, (name, plain, unquote(plain)))
        fitting = {clip_id for each in candidates for clip_id in owners.get(each, ())}
        if len(fitting) == 1:
            found[position] = fitting.pop()
        elif fitting:
            ambiguous.append(position)
    return found, ambiguous


def stored_columns(store: Place, dataset: str) -> dict[str, list[str]]:
    """Return the store's clip table; empty where it has no such dataset."""
    if not (store / "zarr.json").is_file():
        return {}
    reader = StoreReader(store)
    return reader.table(dataset) if dataset in reader.datasets else {}


def source_columns(source: Source) -> dict[str, list[str]]:
    """Make a clip table of the ids, labels and speakers in the source itself.

    Raises
    ------
    ForeignEmbeddingsError
        If a clip has no label, or an id occurs twice.
    """
    labels = list(source.known.get("label", ()))
    if not labels or not all(labels):
        raise ForeignEmbeddingsError(
            f"{source.path} lacks the label of some clips, and the store does not have the "
            "dataset yet.",
            Remedy("Name a table with clip_id, path, label and speaker", {"manifest": ...}),
        )
    if len(set(source.keys)) < len(source.keys):
        twice = sorted(key for key, n in Counter(source.keys).items() if n > 1)
        raise ForeignEmbeddingsError(
            f"{source.path}: {len(twice):,} ids occur twice: {listed(twice)}. Keep one row of each."
        )
    n_clips = len(source.keys)
    return {
        "clip_id": list(source.keys),
        "label": labels,
        "speaker": list(source.known.get("speaker", [""] * n_clips)),
        "audio_sha256": [""] * n_clips,
    }


def reconciled(
    source: Source, matched: Mapping[int, str], columns: Columns, *, accept: bool
) -> dict[str, list[str]]:
    """Compare the source's labels and speakers with those of the clips.

    Parameters
    ----------
    source : Source
        The embeddings.
    matched : Mapping[int, str]
        Positions in the source and the ids of their clips.
    columns : Mapping[str, Sequence[str]]
        The clip table.
    accept : bool
        Whether the source's labels and speakers, where it has any, replace others.

    Returns
    -------
    dict of str to list of str
        The clip table, with them.

    Raises
    ------
    ForeignEmbeddingsError
        If any differ and are not accepted; the clips are named.
    """
    row_of = {clip_id: row for row, clip_id in enumerate(columns["clip_id"])}
    table = {name: list(values) for name, values in columns.items()}
    for name in ("label", "speaker"):
        texts = source.known.get(name) or [""] * len(source.keys)
        differ = [
            position
            for position, clip_id in matched.items()
            if texts[position] and texts[position] != table[name][row_of[clip_id]]
        ]
        if differ and not accept:
            raise ForeignEmbeddingsError(
                f"{source.path} has another {name} for {len(differ):,} clips than the dataset: "
                f"{listed([matched[position] for position in differ])}. Correct one of the two.",
                Remedy(
                    f"Or, if they are the same clips, accept the labels and speakers of "
                    f"{source.path.name}",
                    {"refresh": "labels"},
                ),
            )
        for position in differ:
            table[name][row_of[matched[position]]] = texts[position]
    return table
