"""The clips that embeddings from elsewhere are for: the store's own, or as the source tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from reno_store.errors import ForeignEmbeddingsError, listed
from reno_store.exchange.importing.sources import Source
from reno_store.store import StoreReader

__all__ = ["check_told", "refreshed_columns", "stored_columns", "told_columns"]


def stored_columns(store: Path, dataset: str) -> dict[str, list[str]]:
    """Give the store's own clip table, or nothing where it has none of that dataset."""
    if not (store / "zarr.json").exists():
        return {}
    reader = StoreReader(store)
    return reader.table(dataset) if dataset in reader.datasets else {}


def told_columns(source: Source) -> dict[str, list[str]]:
    """Make a clip table of what the source itself tells: one text a clip and column.

    Raises
    ------
    ForeignEmbeddingsError
        If a clip has no label, or an id stands twice.
    """
    labels = list(source.known.get("label", ()))
    if not labels or not all(labels):
        raise ForeignEmbeddingsError(
            f"{source.path} does not tell the label of each clip, and the store does not have the "
            "dataset yet. Name a manifest with clip_id, path, label and speaker: --manifest."
        )
    if len(set(source.keys)) < len(source.keys):
        twice = sorted(key for key, n in Counter(source.keys).items() if n > 1)
        raise ForeignEmbeddingsError(
            f"{source.path}: {len(twice):,} ids stand twice: {listed(twice)}. Keep one row of each."
        )
    n_clips = len(source.keys)
    return {
        "clip_id": list(source.keys),
        "label": labels,
        "speaker": list(source.known.get("speaker", [""] * n_clips)),
        "audio_sha256": [""] * n_clips,
    }


def refreshed_columns(
    source: Source, matched: Mapping[int, str], stored: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Give the stored clip table with the labels and speakers that the source tells.

    Parameters
    ----------
    source : Source
        What is imported.
    matched : Mapping[int, str]
        Positions in the source and the ids of their clips.
    stored : Mapping[str, list[str]]
        The store's clip table. What the source leaves empty stays.
    """
    position_of = {clip_id: row for row, clip_id in enumerate(stored["clip_id"])}
    columns = {name: list(values) for name, values in stored.items()}
    for name in ("label", "speaker"):
        told = source.known.get(name) or []
        for position, clip_id in matched.items() if told else ():
            if told[position]:
                columns[name][position_of[clip_id]] = told[position]
    return columns


def check_told(
    source: Source, matched: Mapping[int, str], columns: Mapping[str, Sequence[str]]
) -> None:
    """Compare labels and speakers that the source tells with those of the clips.

    Raises
    ------
    ForeignEmbeddingsError
        If any differ, naming the clips.
    """
    position_of = {clip_id: row for row, clip_id in enumerate(columns["clip_id"])}
    for name in ("label", "speaker"):
        told = source.known.get(name)
        differ = [
            clip_id
            for position, clip_id in matched.items()
            if told and told[position] and told[position] != columns[name][position_of[clip_id]]
        ]
        if differ:
            raise ForeignEmbeddingsError(
                f"{source.path} tells another {name} of {len(differ):,} clips than the dataset: "
                f"{listed(differ)}. If they are the same clips, add --refresh labels "
                f"(refresh='labels') to take over the labels and speakers of {source.path.name}, "
                "or correct one of the two."
            )
