"""`open_store` gives an `EmbeddingStore`; its `load` lines up embeddings as one X."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import MissingEmbeddingsError, UnknownNameError, listed
from reno_store.runtime.notebooks import html_table
from reno_store.store import ModelSummary, StoreReader, summarize

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EmbeddingStore", "Samples", "open_store"]

_FIRST_COLUMNS = ("clip_id", "label", "speaker")
_LAST_COLUMNS = ("audio_sha256",)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Embeddings of one dataset, ready to be learned from.

    Attributes
    ----------
    X : numpy.ndarray of float32, shape (n_clips, sum(block_sizes))
        The models' embeddings side by side, a block of columns a model.
    y : numpy.ndarray of str, shape (n_clips,)
        Labels.
    groups : numpy.ndarray of str, shape (n_clips,), or None
        Speakers, empty where unknown; None where no clip's speaker is known.
    clip_ids : numpy.ndarray of str, shape (n_clips,)
        The clips, in the order of the store.
    block_sizes : tuple[int, ...]
        How many columns each model has.
    dataset : str
        Name of the dataset.
    models : tuple[str, ...]
        Names of the models, in the order of the blocks.
    """

    X: NDArray[np.float32]
    y: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    clip_ids: NDArray[np.str_]
    block_sizes: tuple[int, ...]
    dataset: str
    models: tuple[str, ...]

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns, ``MODEL:i``."""
        sizes = zip(self.models, self.block_sizes, strict=True)
        return [f"{model}:{i}" for model, size in sizes for i in range(size)]

    def split_models(self) -> list[Samples]:
        """Take the blocks apart: the same clips, with one model's columns each."""
        ends = np.cumsum(self.block_sizes).tolist()
        return [
            replace(self, X=self.X[:, end - size : end], block_sizes=(size,), models=(model,))
            for model, size, end in zip(self.models, self.block_sizes, ends, strict=True)
        ]

    def to_frame(self) -> pd.DataFrame:
        """X as a DataFrame: columns ``MODEL:i``, from which the estimators read the blocks."""
        import pandas as pd

        return pd.DataFrame(self.X, index=self.clip_ids, columns=self.feature_names)

    def _repr_html_(self) -> str:
        import pandas as pd

        blocks = ", ".join(
            f"{model} {size}" for model, size in zip(self.models, self.block_sizes, strict=True)
        )
        known = set() if self.groups is None else set(self.groups.tolist()) - {""}
        speakers = f"{len(known):,} speakers" if known else "speakers unknown"
        heading = (
            f"{self.dataset}: {len(self.y):,} clips, {self.X.shape[1]:,} columns ({blocks}), "
            f"{speakers}"
        )
        labels, counts = np.unique(self.y, return_counts=True)
        return html_table(heading, pd.DataFrame({"label": labels, "clips": counts}))


class EmbeddingStore:
    """A store, open for reading; made by `open_store`.

    Parameters
    ----------
    path : str or Path
        The store's folder.
    """

    def __init__(self, path: str | Path) -> None:
        self._reader = StoreReader(path)

    @property
    def path(self) -> Path:
        """The store's folder."""
        return self._reader.path

    def __repr__(self) -> str:
        return f"EmbeddingStore({str(self.path)!r})"

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, sorted."""
        return self._reader.datasets()

    def models(self, dataset: str) -> tuple[str, ...]:
        """Names of a dataset's models, sorted."""
        return self._reader.models(dataset)

    def check_names(self, dataset: str, models: Sequence[str] = ()) -> None:
        """Check that the store has a dataset and models of it; read nothing else.

        Raises
        ------
        UnknownNameError
            If it has not.
        """
        held = self.models(dataset)
        for name in models:
            if name not in held:
                kind = f"model of dataset {dataset!r} in store {self.path}:"
                raise UnknownNameError.among(kind, name, held)

    def n_clips(self, dataset: str) -> int:
        """How many clips the dataset has, embedded or not."""
        return self._reader.n_clips(dataset)

    def dim(self, dataset: str, model: str) -> int:
        """Length of a model's embeddings."""
        return self._reader.dim(dataset, model)

    def column(self, dataset: str, name: str) -> NDArray[np.str_]:
        """Give a column of the manifest, shape (n_clips,), in the order of the store.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        StoreError
            If it has no such column, or what is stored is damaged.
        """
        return self._reader.column(dataset, name)

    def to_frame(self, dataset: str) -> pd.DataFrame:
        """Give the clip table: a row per clip, in the order of the store, by clip id.

        Parameters
        ----------
        dataset : str
            Name of a dataset.

        Returns
        -------
        pandas.DataFrame
            Index ``clip_id``; columns ``label``, ``speaker`` (empty where unknown), the
            manifest's further columns, ``path`` among them, sorted, and ``audio_sha256``. All
            are text.

        Raises
        ------
        UnknownNameError
            If there is no such dataset.
        StoreError
            If the table is damaged.
        """
        import pandas as pd

        self._reader.check_clip_table(dataset)
        table = self._reader.table(dataset)
        further = sorted(set(table) - {*_FIRST_COLUMNS, *_LAST_COLUMNS})
        index = pd.Index(table.get("clip_id", []), dtype=object, name="clip_id")
        columns = {
            name: table.get(name, []) for name in (*_FIRST_COLUMNS[1:], *further, *_LAST_COLUMNS)
        }
        return pd.DataFrame(columns, index=index, dtype=object)

    def fingerprint(self, dataset: str, model: str) -> dict[str, Any]:
        """Say which model it is: weights, preprocessing, layer, pooling, precision."""
        return dict(self._reader.fingerprint(dataset, model))

    def n_missing(self, dataset: str, model: str) -> int:
        """How many clips of the dataset lack an embedding of the model."""
        return int((~self._reader.done(dataset, model)).sum())

    def summary(self) -> list[ModelSummary]:
        """Say how much of each (dataset, model) is there."""
        return summarize(self._reader)

    def load(
        self,
        dataset: str,
        models: str | Sequence[str],
        *,
        missing: Literal["raise", "drop"] = "raise",
    ) -> Samples:
        """Line up the embeddings of one or more models.

        Parameters
        ----------
        dataset : str
            Name of a dataset.
        models : str or Sequence[str]
            Names of its models; their embeddings become the blocks of X, in this order.
        missing : {"raise", "drop"}
            What to do with clips that lack an embedding of any of the models.

        Returns
        -------
        Samples

        Raises
        ------
        UnknownNameError
            If the store has no such dataset or model.
        MissingEmbeddingsError
            If clips lack an embedding and `missing` is ``"raise"``, or none is left.
        StoreError
            If what is stored is damaged.
        """
        names = (models,) if isinstance(models, str) else tuple(models)
        if not names:
            raise ValueError("no model is named; expected at least one")
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"model {min(twice)!r} is named twice; name each once")
        if missing not in {"raise", "drop"}:
            raise ValueError(f"missing must be 'raise' or 'drop', got {missing!r}")
        reader = self._reader
        reader.check_clip_table(dataset, names)
        # Once: a build that appends meanwhile must not lengthen one column and not another.
        n_clips = reader.n_clips(dataset)
        done = np.logical_and.reduce([reader.done(dataset, name)[:n_clips] for name in names])
        clip_ids = reader.column(dataset, "clip_id")[:n_clips]
        if not done.all() and (missing == "raise" or not done.any()):
            lacking = clip_ids[~done]
            raise MissingEmbeddingsError(
                f"store {self.path}: {len(lacking):,} of {len(clip_ids):,} clips of {dataset!r} "
                f"have no embedding of {' and '.join(names)}: {listed(lacking.tolist())}. "
                "Build again to see why, or leave them out: --allow-missing (missing='drop')."
            )
        rows = np.flatnonzero(done)
        speakers = reader.column(dataset, "speaker")[rows]
        blocks = [reader.embeddings(dataset, name, rows) for name in names]
        return Samples(
            X=np.concatenate(blocks, axis=1) if len(blocks) > 1 else blocks[0],
            y=reader.column(dataset, "label")[rows],
            groups=speakers if (speakers != "").any() else None,
            clip_ids=clip_ids[rows],
            block_sizes=tuple(reader.dim(dataset, name) for name in names),
            dataset=dataset,
            models=names,
        )


def open_store(path: str | Path) -> EmbeddingStore:
    """Open a store for reading.

    Parameters
    ----------
    path : str or Path
        The store's folder, as `build_store` made it.

    Raises
    ------
    StoreError
        If there is no store, or one of another version.
    """
    return EmbeddingStore(path)
