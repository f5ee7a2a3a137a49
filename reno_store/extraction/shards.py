"""The shard of a build: which clips are its own, and what all shards have left."""

from __future__ import annotations

import operator
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import Manifest
from reno_store.errors import RenoStoreError
from reno_store.extraction.stripes import Shard, deal
from reno_store.store import StoreWriter

__all__ = ["Dealing", "Left", "read_shard"]

Left: TypeAlias = tuple[int, tuple[int, ...]]
"""How many clips have no embedding of some model, and numbers of the shards that have them."""


def read_shard(shard: str | tuple[int, int] | None) -> Shard | None:
    """Return a shard as a user gives it; a text may be that of a task of a SLURM array.

    Raises
    ------
    RenoStoreError
        If there is no such shard.
    """
    if shard is None or isinstance(shard, str):
        return None if shard is None else Shard.parse(shard, os.environ)
    try:
        number, count = map(operator.index, shard)
    except (TypeError, ValueError):
        raise RenoStoreError(f"shard is {shard!r}; expected two numbers, as in (3, 16).") from None
    return Shard(number, count)


@dataclass(frozen=True, slots=True)
class Dealing:
    """Deals the clips of a manifest to shards, by the rows that they have in a store.

    Attributes
    ----------
    writer : StoreWriter
        The store.
    manifest : Manifest
        The clips.
    models : Collection[str]
        Names of the models that are built.
    refresh : Collection[str]
        What may be replaced; see `build_store`.
    shard : Shard or None
        Which shard this build is; None if it embeds all clips.
    """

    writer: StoreWriter
    manifest: Manifest
    models: Collection[str]
    refresh: Collection[str]
    shard: Shard | None

    def is_mine(self) -> NDArray[np.bool_] | None:
        """Return which clips are the shard's; None without a shard or if some are not stored."""
        if self.shard is None or self.manifest.dataset not in self.writer.reader.datasets:
            return None
        rows = self.writer.reader.find_clips(
            self.manifest.dataset, [clip.clip_id for clip in self.manifest.clips]
        )
        return None if (rows < 0).any() else self._owners(rows, self.shard) == self.shard.number

    def left(self, rows: NDArray[np.int64]) -> Left:
        """Return what all shards together have left, given the rows of all clips."""
        if self.shard is None:
            return 0, ()
        reader, dataset = self.writer.reader, self.manifest.dataset
        is_left = np.zeros(len(rows), bool)
        for model in self.models:
            is_stored = model in reader.models(dataset)
            is_left |= ~reader.done(dataset, model)[rows] if is_stored else True
        owners = self._owners(rows, self.shard)[is_left]
        return int(is_left.sum()), tuple(np.unique(owners).tolist())

    def _owners(self, rows: NDArray[np.int64], shard: Shard) -> NDArray[np.int64]:
        anew = "model" in self.refresh
        stripe_rows = self.writer.stripe_rows(self.manifest.dataset, self.models, anew=anew)
        return deal(rows, stripe_rows, shard.count)
