"""Seeds, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reno_store.errors import ProtocolError

__all__ = ["check_seeds"]

_LARGEST_SEED = 2**32 - 1


def check_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Take one seed or several.

    Raises
    ------
    ProtocolError
        If there is none, one stands twice, or one is no number that can seed.
    """
    found: tuple[int, ...] = tuple(np.atleast_1d(seeds).tolist())
    if not found:
        raise ProtocolError("expected at least one seed, got none.")
    for seed in found:
        if not 0 <= seed <= _LARGEST_SEED:
            raise ProtocolError(f"seed {seed} is out of range; expected 0 to {_LARGEST_SEED}.")
        if found.count(seed) > 1:
            raise ProtocolError(
                f"seed {seed} is given twice; the same seed gives the same scores. Give each once."
            )
    return found
