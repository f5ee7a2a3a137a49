"""Which clips go through a model together: clips of similar length, by seconds of audio."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

__all__ = ["default_batch_seconds", "plan_batches", "split_by_length"]

_DEFAULT_BATCH_SECONDS = {"cpu": 60.0, "cuda": 160.0}
"""On a GPU about 4 GB of activations in a base-sized encoder. A CPU embeds clips side by side,
not together; there it is how many are handed over at a time."""

_MOST_CLIPS = 512
_LEAST_SHARE = 0.7
"""Of a padded batch's longest clip: a shorter one would bring too much padding."""


def default_batch_seconds(device: str) -> float:
    """Give the seconds of audio, padding included, that a batch has unless told otherwise."""
    return _DEFAULT_BATCH_SECONDS[device.partition(":")[0]]


def plan_batches(
    durations_s: NDArray[np.float64],
    is_missing: NDArray[np.bool_],
    batch_seconds: float,
    *,
    padded: bool = True,
) -> list[list[int]]:
    """Plan batches over a whole manifest and keep of them what is missing.

    Because the plan is over all clips, a build that was killed goes on with the very
    batches that it would have had. Where clips were added to a manifest, what they leave
    of a batch is merged with what others leave.

    Parameters
    ----------
    durations_s : numpy.ndarray of float64, shape (n_clips,)
        Seconds of each clip; NaN where they cannot be told, which makes it go alone.
    is_missing : numpy.ndarray of bool, shape (n_clips,)
        Which clips have no embedding yet.
    batch_seconds : float
        The longest clip of a batch times its number of clips, at most; a longer clip goes
        alone.
    padded : bool
        Whether clips are padded to a batch's longest, so that much shorter ones are better
        put into another batch.

    Returns
    -------
    list of list of int
        Indices of clips, each missing one once. The batch with the longest clips comes
        first, so that what is too much for the memory shows at once; the others follow in
        a mixed order, always the same, so that the first minute of a build is like the
        last and forecasts are right.
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
    """Cut clips, longest first, into batches whose padded length is at most so much.

    Parameters
    ----------
    clips : Iterable[int]
        Indices into `lengths`, longest first.
    lengths : Sequence[float]
        Length of every clip, in any unit.
    batch_length : float
        In the same unit.
    least_share : float
        A clip shorter than this share of a batch's longest begins another batch.
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
