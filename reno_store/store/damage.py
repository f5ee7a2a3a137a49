"""Finding damage in stored embeddings: unreadable chunks, and rows without finite numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reno_store.store.raw_chunks import LOST, Damage
from reno_store.store.reader import StoreReader

__all__ = ["NOT_FINITE", "find_damage"]

NOT_FINITE = "no finite numbers: lost, or wrong before they were written"
_ROWS_AT_A_TIME = 4096


def find_damage(reader: StoreReader, dataset: str, model: str) -> list[Damage]:
    """Read all embeddings of a model and return what is damaged.

    Unreadable chunks count even without embeddings, because a build could not write there. Of
    the other rows, those that are marked as done must hold finite numbers.

    Raises
    ------
    StoreError
        If the marks or the metadata of the embeddings are damaged.
    """
    done = reader.done(dataset, model)
    n_rows = min(len(done), reader.n_rows(dataset, model))
    damage: dict[Damage, None] = {}  # a chunk may be in two pieces
    wrong = [np.zeros(0, np.int64)]
    for start in range(0, n_rows, _ROWS_AT_A_TIME):
        rows = np.arange(start, min(start + _ROWS_AT_A_TIME, n_rows))
        numbers, found = reader.read(dataset, model, rows)
        checked = done[rows]
        if found:
            # A lost chunk may never have been written.
            unreadable = [each for each in found if each.reason != LOST]
            damage.update(dict.fromkeys(unreadable))
            for each in unreadable:
                checked &= (rows < each.start) | (rows >= each.stop)
            if not checked.any():
                continue
            numbers, found = reader.read(dataset, model, rows[checked])
        else:
            numbers = numbers[checked]
        rows = rows[checked]
        wrong.append(rows if found else rows[~np.isfinite(numbers).all(axis=1)])
    return [*damage, *_stretches(np.concatenate(wrong))]


def _stretches(rows: NDArray[np.int64]) -> Iterator[Damage]:
    """Group ascending rows without finite numbers into stretches."""
    starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1).tolist()
    for start, stop in pairwise([*starts, len(rows)]):
        yield Damage(int(rows[start]), int(rows[stop - 1]) + 1, NOT_FINITE)
