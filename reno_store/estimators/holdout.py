"""Rows held out of the training rows for early stopping."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import HoldOutError

__all__ = ["hold_out", "is_unknown"]


def hold_out(
    y: NDArray[np.int64],
    groups: NDArray[np.generic] | None,
    fraction: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Choose the rows to hold out.

    Parameters
    ----------
    y : numpy.ndarray of int, shape (n,)
        Class indices of the training rows.
    groups : numpy.ndarray, shape (n,), or None
        Speakers of the training rows. With them, whole speakers are held out, so that
        validation uses voices outside the training rows; without them, the fraction of each
        class, at least one row.
    fraction : float
        Share of the speakers or rows: at least one, never all, and fewer speakers where more
        would lose a class.
    rng : numpy.random.Generator
        Random numbers.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        True where held out. Every class keeps a row to train on. All False, with a
        warning, where every class has a single row.

    Raises
    ------
    HoldOutError
        If no speaker can be held out without losing a class.
    """
    if groups is not None:
        return _by_group(y, groups, fraction, rng)
    held = np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        if len(rows) > 1:
            n_held = min(max(1, round(fraction * len(rows))), len(rows) - 1)
            held[rows[:n_held]] = True
    if not held.any():
        warnings.warn(
            "every class has a single row, so none can be held out: early stopping is off",
            UserWarning,
            stacklevel=6,
        )
    return held


def _by_group(
    y: NDArray[np.int64],
    groups: NDArray[np.generic],
    fraction: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    speakers = rng.permutation(np.unique(groups))
    n_wanted = min(max(1, round(fraction * len(speakers))), len(speakers) - 1)
    held, n_held = np.zeros(len(y), bool), 0
    for speaker in speakers:
        # Not all rows of a class with few speakers may be held out.
        candidate = held | (groups == speaker)
        if n_held < n_wanted and len(np.unique(y[~candidate])) == len(np.unique(y)):
            held, n_held = candidate, n_held + 1
    if not held.any():
        raise HoldOutError(
            f"none of the {len(speakers)} speakers can be held out for early stopping and leave "
            f"all {len(np.unique(y))} classes in training; give more speakers, leave groups out "
            "of fit, or set early_stopping=False"
        )
    return held


def is_unknown(group: Any) -> bool:
    """Return whether a speaker is missing, in any form that arrays and tables use."""
    if group is None or (isinstance(group, str) and not group):
        return True
    try:
        return bool(group != group)
    except TypeError:  # pandas.NA is neither equal nor unequal to anything
        return True
