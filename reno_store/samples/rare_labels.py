"""Leaving out labels with too few clips for the folds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reno_store.errors import ProtocolError, Remedy
from reno_store.samples.loading import Samples

__all__ = ["leave_out_rare", "rare_labels_note"]


def leave_out_rare(samples: Samples, min_clips: int) -> tuple[Samples, dict[str, int]]:
    """Leave out the clips of labels that have fewer than `min_clips` clips.

    Parameters
    ----------
    samples : Samples
        Clips of one dataset.
    min_clips : int
        How many clips a label needs to stay; 1 leaves nothing out.

    Returns
    -------
    samples : Samples
        The clips of the other labels, in the same order.
    rare : dict of str to int
        Label that was left out -> its number of clips, sorted by label.

    Raises
    ------
    ProtocolError
        If no label has that many clips, or `min_clips` is below 1.
    """
    if min_clips < 1:
        raise ProtocolError(f"min_clips is {min_clips}; expected at least 1.")
    labels, counts = np.unique(samples.y, return_counts=True)
    rare = {
        label: count
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
        if count < min_clips
    }
    if not rare:
        return samples, {}
    if len(rare) == len(labels):
        raise ProtocolError(
            f"dataset {samples.dataset!r}: no label has {min_clips:,} clips, the most frequent has "
            f"{max(rare.values()):,}.",
            Remedy("Require fewer", {"min_clips": max(rare.values())}),
        )
    rows = np.flatnonzero(~np.isin(samples.y, list(rare)))
    return samples.take(rows), rare


def rare_labels_note(rare: Mapping[str, int], min_clips: int) -> str:
    """Return a sentence about the labels that were left out; empty if there are none.

    Examples
    --------
    >>> rare_labels_note({"gasp": 1, "sigh": 3}, 5)
    'Labels with fewer than 5 clips are left out (4 clips): gasp (1), sigh (3).'
    """
    if not rare:
        return ""
    named = ", ".join(f"{label} ({count:,})" for label, count in rare.items())
    n_clips = sum(rare.values())
    return (
        f"Labels with fewer than {min_clips:,} clips are left out ({n_clips:,} "
        f"clip{'s' * (n_clips > 1)}): {named}."
    )
