"""What changed since a dataset was stored: named, so that it can be refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import listed
from reno_store.store import schema

__all__ = ["changed_recordings", "clip_differences"]

_IDENTITY = {"label": "labels", "speaker": "speakers", schema.SHA256: "recordings"}


def clip_differences(
    stored: Mapping[str, Sequence[str]],
    now: Mapping[str, Sequence[str]],
    embedded: NDArray[np.bool_],
    refresh: Collection[str] = (),
) -> dict[str, str]:
    """Say in which way a clip table no longer fits the embeddings that are stored for it.

    Parameters
    ----------
    stored : Mapping[str, Sequence[str]]
        Columns of the stored table.
    now : Mapping[str, Sequence[str]]
        Columns of the manifest at hand, with the recordings' hashes.
    embedded : numpy.ndarray of bool, shape (n_stored,)
        Which stored clips some model has embedded. A recording that none has (it was
        damaged, say) may be replaced freely.
    refresh : Collection[str]
        What may have changed: ``"labels"`` (speakers too), ``"audio"``.

    Returns
    -------
    dict of str to str
        One sentence a kind of change (``"vanished"``, ``"labels"``, ``"speakers"``,
        ``"recordings"``), naming the first clips; empty when all fits.
    """
    position = {clip_id: index for index, clip_id in enumerate(now["clip_id"])}
    vanished = [clip_id for clip_id in stored["clip_id"] if clip_id not in position]
    differences = {}
    if vanished:
        differences["vanished"] = f"{_clips(vanished)} in the store but not in the manifest"
    for column, plural in _IDENTITY.items():
        if ("audio" if column == schema.SHA256 else "labels") in refresh:
            continue
        changed = _changed(column, stored, now, position, embedded)
        if changed:
            differences[plural] = f"{plural} changed: {_clips(changed)}"
    return differences


def changed_recordings(
    stored: Mapping[str, Sequence[str]],
    now: Mapping[str, Sequence[str]],
    embedded: NDArray[np.bool_],
) -> list[str]:
    """Give the ids of clips that have embeddings of another recording; as `clip_differences`."""
    position = {clip_id: index for index, clip_id in enumerate(now["clip_id"])}
    return _changed(schema.SHA256, stored, now, position, embedded)


def _changed(
    column: str,
    stored: Mapping[str, Sequence[str]],
    now: Mapping[str, Sequence[str]],
    position: Mapping[str, int],
    embedded: NDArray[np.bool_],
) -> list[str]:
    return [
        str(clip_id)
        for row, clip_id in enumerate(stored["clip_id"])
        if clip_id in position
        and _differ(column, stored[column][row], now[column][position[clip_id]], embedded[row])
    ]


def _differ(column: str, stored: str, now: str, embedded: np.bool_) -> bool:
    if column == schema.SHA256:
        # A recording that cannot be read today is reported as a failed clip, not as changed;
        # one that was not at hand when embeddings were imported is now known.
        return bool(embedded and now and stored) and stored != now
    return stored != now


def _clips(clip_ids: list[str]) -> str:
    return f"{len(clip_ids):,} clip{'s' * (len(clip_ids) != 1)} ({listed(clip_ids)})"
