"""`Samples`: embeddings, labels and speakers, ready to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reno_store.runtime.notebooks import html_table, html_text, html_view

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Samples", "column_names"]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Embeddings of one or several datasets, ready to learn from.

    Attributes
    ----------
    X : numpy.ndarray of float32, shape (n_clips, sum(block_sizes))
        The models' embeddings side by side, one block of columns per model.
    y : numpy.ndarray of str, shape (n_clips,)
        Labels.
    groups : numpy.ndarray of str, shape (n_clips,), or None
        Speakers, empty where unknown; None where no clip's speaker is known.
    clip_ids : numpy.ndarray of str, shape (n_clips,)
        The clips, in the order of the store.
    block_sizes : tuple[int, ...]
        How many columns each model has.
    dataset : str
        Name of the dataset; of several, their names joined by ``+``.
    models : tuple[str, ...]
        Names of the models, in the order of the blocks.
    corpus : numpy.ndarray of str, shape (n_clips,), or None
        The dataset of each clip, from `EmbeddingStore.load_many`; None for a single dataset.
    """

    X: NDArray[np.float32]
    y: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    clip_ids: NDArray[np.str_]
    block_sizes: tuple[int, ...]
    dataset: str
    models: tuple[str, ...]
    corpus: NDArray[np.str_] | None = None

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns, ``MODEL:i``."""
        return column_names(self.models, self.block_sizes)

    def split_models(self) -> list[Samples]:
        """Return the same clips once per model, with that model's columns."""
        ends = np.cumsum(self.block_sizes).tolist()
        return [
            replace(self, X=self.X[:, end - size : end], block_sizes=(size,), models=(model,))
            for model, size, end in zip(self.models, self.block_sizes, ends, strict=True)
        ]

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """Return some of the clips, in the order of the row numbers."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            groups=None if self.groups is None else self.groups[rows],
            clip_ids=self.clip_ids[rows],
            corpus=None if self.corpus is None else self.corpus[rows],
        )

    def to_frame(self) -> pd.DataFrame:
        """Return X as a DataFrame; the estimators read the blocks from its ``MODEL:i`` columns."""
        import pandas as pd

        return pd.DataFrame(self.X, index=self.clip_ids, columns=self.feature_names)

    def _repr_html_(self) -> str:
        blocks = ", ".join(
            f"{model} {size}" for model, size in zip(self.models, self.block_sizes, strict=True)
        )
        known = set() if self.groups is None else set(self.groups.tolist()) - {""}
        speakers = f"{len(known):,} speakers" if known else "speakers unknown"
        size = f"{len(self.y):,} clips, {self.X.shape[1]:,} columns ({blocks}), {speakers}"
        labels, counts = np.unique(self.y, return_counts=True)
        rows = list(zip(labels.tolist(), counts.tolist(), strict=True))
        return html_view(
            f"Samples of {self.dataset}", html_text(size), html_table(["label", "clips"], rows)
        )


def column_names(models: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """Return the names of the columns of X, ``MODEL:i``."""
    return [f"{model}:{i}" for model, size in zip(models, sizes, strict=True) for i in range(size)]
