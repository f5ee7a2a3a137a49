"""Shards: which clips of a manifest one of several processes embeds.

Clips are dealt by stripes, the rows of the store that one process at a time writes. All shards
deal alike, from the manifest and the rows of its clips alone, so they need not talk.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import RenoStoreError

__all__ = ["Shard", "deal"]

_TEXT = re.compile(r"(\d+)/(\d+)")
_ARRAY = "SLURM_ARRAY_TASK_"


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a build.

    Attributes
    ----------
    number : int
        Which one, from 1.
    count : int
        How many there are.

    Raises
    ------
    RenoStoreError
        If the number is not between 1 and the count.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            zero = (
                f" Add 1 to numbers that begin at 0: {self.number + 1}/{self.count}."
                if self.number == 0
                else ""
            )
            raise RenoStoreError(
                f"shard {self}: expected NUMBER/COUNT with a number from 1 to the count, such as "
                f"3/16.{zero}"
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str, environment: Mapping[str, str]) -> Shard:
        """Read ``NUMBER/COUNT``; numbers begin at 1.

        In a task of a SLURM array, the task's own number and count may begin anywhere and have
        any step: the environment gives both.

        Parameters
        ----------
        text : str
            As a user types it.
        environment : Mapping[str, str]
            The process's environment.

        Raises
        ------
        RenoStoreError
            If the text is something else, or the task is not on a grid of evenly spaced ones.

        Examples
        --------
        >>> str(Shard.parse("3/16", {}))
        '3/16'
        >>> array = {"ID": "0", "COUNT": "16", "MIN": "0", "MAX": "15"}
        >>> environment = {f"SLURM_ARRAY_TASK_{name}": value for name, value in array.items()}
        >>> str(Shard.parse("0/16", environment))
        '1/16'
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            empty = " Is a variable empty?" if not all(text.strip().split("/")) else ""
            raise RenoStoreError(f"shard {text!r}: expected NUMBER/COUNT, such as 3/16.{empty}")
        number, count = int(found[1]), int(found[2])
        names = ("ID", "COUNT", "MIN", "MAX")
        values = [environment.get(_ARRAY + name, "") for name in names]
        if not all(value.isdecimal() for value in values):
            return cls(number, count)
        task, n_tasks, first, last = map(int, values)
        if (number, count) != (task, n_tasks):
            return cls(number, count)
        # Not SLURM's own step, which is 1 for an array such as 1,3,5,7.
        step, is_uneven = divmod(last - first, n_tasks - 1) if n_tasks > 1 else (1, 0)
        if is_uneven or (task - first) % step:
            raise RenoStoreError(
                f"shard {text}: this array has {n_tasks} tasks between {first} and {last}, so a "
                "task's place among them is unknown. To run some tasks of an earlier array again, "
                "give the count of that array, and numbers from 1."
            )
        return cls((task - first) // step + 1, n_tasks)


def deal(rows: NDArray[np.int64], stripe_rows: int, count: int) -> NDArray[np.int64]:
    """Return the number of the shard that embeds each clip, shape (n_clips,).

    The stripes with the most clips are dealt first, each to the shard that has the fewest
    clips until then.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (n_clips,)
        Row of each clip in the store.
    stripe_rows : int
        Rows of a stripe.
    count : int
        Number of shards. Those beyond the number of stripes get nothing.

    Examples
    --------
    >>> deal(np.arange(5), 2, 2)
    array([1, 1, 2, 2, 1])
    """
    stripes, stripe_of, n_clips = np.unique(
        rows // stripe_rows, return_inverse=True, return_counts=True
    )
    loads = [(0, number) for number in range(1, min(count, len(stripes)) + 1)]
    owners = np.zeros(len(stripes), np.int64)
    for stripe in np.argsort(-n_clips, kind="stable").tolist():
        load, number = loads[0]
        heapq.heapreplace(loads, (load + int(n_clips[stripe]), number))
        owners[stripe] = number
    return np.asarray(owners[stripe_of], np.int64)
