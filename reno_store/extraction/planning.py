"""Which clips form a batch: clips of similar length, up to so many seconds of audio."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

__all__ = ["default_batch_seconds", "plan_batches", "split_by_length"]

_DEFAULT_BATCH_SECONDS = {"cpu": 60.0, "cuda": 160.0}
"""On a GPU about 4 GB of activations in a base-sized encoder. A CPU embeds clips side by side,
not together; there it only sets how many are passed on at a time."""

_MOST_CLIPS = 512
_LEAST_SHARE = 0.7
"""Shortest clip of a padded batch as a share of its longest; shorter ones need too much padding."""


def default_batch_seconds(device: str) -> float:
    """Return how many seconds of audio a batch has by default, padding included."""
    return _DEFAULT_BATCH_SECONDS[device.partition(":")[0]]


def plan_batches(
    durations_s: NDArray[np.float64],
    is_missing: NDArray[np.bool_],
    batch_seconds: float,
    *,
    padded: bool = True,
) -> list[list[int]]:
    """Plan batches over a whole manifest and reduce them to the missing clips.

    Because the plan covers all clips, a build that was killed continues with the batches that
    it would have had. Incomplete batches, after clips were added to a manifest, are merged.

    Parameters
    ----------
    durations_s : numpy.ndarray of float64, shape (n_clips,)
        Seconds of each clip; a clip of unknown length, NaN, is a batch of its own.
    is_missing : numpy.ndarray of bool, shape (n_clips,)
        Which clips have no embedding yet.
    batch_seconds : float
        Limit of a batch: its longest clip times its number of clips. A longer clip is a batch
        of its own.
    padded : bool
        Whether clips are padded to a batch's longest, so that much shorter ones belong into
        another batch.

    Returns
    -------
    list of list of int
        Indices of clips, each missing one once. The batch with the longest clips comes first,
        so that a lack of memory shows at once; the others follow in a fixed random order, so
        that the first minute of a build is like the last and forecasts are right.
    """
    lengths = np.where(np.isnan(durations_s), np.inf, durations_s)
    longest_first = np.argsort(-lengths, kind="stable").tolist()
    whole, parts = [], []
    split = partial(
        split_by_length,
        lengths=lengths.tolist(),
        batch_length=batch_seconds,
        least_share=_LEAST_SHARE if padded else 0.0,
    )
    for batch in split(longest_first):
        wanted = [clip for clip in batch if is_missing[clip]]
        if len(wanted) == len(batch):
            whole.append(wanted)
        else:
            parts.extend(wanted)
    batches = whole + split(parts)
    batches.sort(key=lambda batch: -lengths[batch[0]])
    mixed = 1 + np.random.default_rng(0).permutation(max(len(batches) - 1, 0))
    return batches[:1] + [batches[index] for index in mixed]


def split_by_length(
    clips: Iterable[int],
    lengths: Sequence[float],
    batch_length: float,
    least_share: float = 0.0,
) -> list[list[int]]:
    """Divide clips, longest first, into batches of limited padded length.

    Parameters
    ----------
    clips : Iterable[int]
        Indices into `lengths`, longest first.
    lengths : Sequence[float]
        Length of every clip, in any unit.
    batch_length : float
        The limit, in the same unit.
    least_share : float
        A clip shorter than this share of a batch's longest starts another batch.
    """
    batches: list[list[int]] = []
    longest = 0.0
    for clip in clips:
        if (
            batches
            and longest < math.inf
            and longest * (len(batches[-1]) + 1) <= batch_length
            and lengths[clip] >= least_share * longest
            and len(batches[-1]) < _MOST_CLIPS
        ):
            batches[-1].append(clip)
        else:
            batches.append([clip])
            longest = lengths[clip]
    return batches
