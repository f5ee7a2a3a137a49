"""`open_store` returns an `EmbeddingStore`; its `load` lines up embeddings as one X."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import (
    MissingEmbeddingsError,
    Remedy,
    StaleStoreError,
    UnknownNameError,
    listed,
)
from reno_store.runtime.notebooks import html_table, html_text, html_view
from reno_store.runtime.places import Place, concurrently
from reno_store.samples.samples import Samples, column_names
from reno_store.store import (
    ModelSummary,
    StoreReader,
    fingerprint_differences,
    summarize,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EmbeddingStore", "Samples", "column_names", "open_store", "ordered_names"]

_IDENTITY = ("clip_id", "label", "speaker", "audio_sha256")


class EmbeddingStore(StoreReader):
    """A store, open for reading; made by `open_store`.

    Parameters
    ----------
    path : str or Path
        The store's folder.
    """

    def __repr__(self) -> str:
        return f"EmbeddingStore({str(self.path)!r})"

    def _repr_html_(self) -> str:
        parts: list[str] = []
        summary = self.summary()
        for name in dict.fromkeys(row.dataset for row in summary):
            rows = [row for row in summary if row.dataset == name]
            speakers = f"{rows[0].n_speakers:,}" if rows[0].n_speakers else "unknown"
            size = f"{rows[0].n_clips:,} clips, {rows[0].n_labels:,} labels, speakers: {speakers}"
            models = [
                (row.model, row.dim, row.n_done, row.n_missing, row.storage, row.fingerprint)
                for row in rows
                if row.model
            ]
            headings = ("model", "dimensions", "done", "missing", "stored as", "fingerprint")
            parts.append(html_text(f"{name}: {size}"))
            parts += [html_table(headings, models)] if models else []
            problems = dict.fromkeys(row.problem for row in rows if row.problem)
            parts += [html_text(f"Damaged: {problem}") for problem in problems]
        return html_view(f"Store {self.path.name}", *(parts or [html_text("It is empty.")]))

    def check_names(self, dataset: str, models: Sequence[str] = ()) -> None:
        """Check that the store has a dataset and its models, without reading anything else.

        Raises
        ------
        UnknownNameError
            If it lacks one of them.
        """
        held = self.models(dataset)
        for name in models:
            if name not in held:
                kind = f"model of dataset {dataset!r} in store {self.path}:"
                raise UnknownNameError.among(kind, name, held)

    def to_frame(self, dataset: str) -> pd.DataFrame:
        """Return the clip table: one row per clip, in the order of the store.

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

        table = self.table(dataset)
        index = pd.Index(table.pop("clip_id", []), dtype=object, name="clip_id")
        first = {name: table.pop(name, []) for name in ("label", "speaker")}
        hashes = table.pop("audio_sha256", [])
        columns = {**first, **dict(sorted(table.items())), "audio_sha256": hashes}
        return pd.DataFrame(columns, index=index, dtype=object)

    def n_missing(self, dataset: str, model: str) -> int:
        """Return how many clips of the dataset lack an embedding of the model."""
        return int((~self.done(dataset, model)).sum())

    def summary(self) -> list[ModelSummary]:
        """Return how much each (dataset, model) holds."""
        return summarize(self)

    def rows_done(self, dataset: str, models: Sequence[str], n_clips: int) -> NDArray[np.bool_]:
        """Return which of the first clips have an embedding of every model, shape (n_clips,)."""
        found = concurrently(lambda name: self.done(dataset, name)[:n_clips], models, self.path)
        return np.logical_and.reduce(list(found))

    def blocks(
        self, dataset: str, models: Sequence[str], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the models' embeddings of some rows side by side, shape (n, sum of dims)."""
        read = lambda name: self.embeddings(dataset, name, rows)  # noqa: E731
        blocks = list(concurrently(read, models, self.path))
        return np.concatenate(blocks, axis=1) if len(blocks) > 1 else blocks[0]

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
            If the stored data are damaged.
        """
        names = ordered_names(models)
        if missing not in {"raise", "drop"}:
            raise ValueError(f"missing must be 'raise' or 'drop', got {missing!r}")
        store = self.settled(dataset, names, _IDENTITY)
        # Read once: clips that a build appends meanwhile must not lengthen a single column.
        texts = store.table(dataset, names, _IDENTITY)
        table = {name: np.array(texts.get(name, []), np.str_) for name in _IDENTITY[:3]}
        clip_ids = table["clip_id"]
        done = store.rows_done(dataset, names, len(clip_ids))
        if not done.all() and (missing == "raise" or not done.any()):
            lacking = clip_ids[~done]
            raise MissingEmbeddingsError(
                f"store {self.path}: {len(lacking):,} of {len(clip_ids):,} clips of {dataset!r} "
                f"have no embedding of {' and '.join(names)}: {listed(lacking.tolist())}. "
                "Build again to see why.",
                Remedy("Or leave them out", {"missing": "drop"}),
            )
        rows = np.flatnonzero(done)
        speakers = table["speaker"][rows]
        return Samples(
            X=store.blocks(dataset, names, rows),
            y=table["label"][rows],
            groups=speakers if (speakers != "").any() else None,
            clip_ids=clip_ids[rows],
            block_sizes=tuple(store.dim(dataset, name) for name in names),
            dataset=dataset,
            models=names,
        )

    def load_many(
        self,
        datasets: Sequence[str],
        models: str | Sequence[str],
        *,
        missing: Literal["raise", "drop"] = "raise",
        word: Callable[[str, str], str] | None = None,
    ) -> Samples:
        """Line up the embeddings of several datasets, one below the other.

        Parameters
        ----------
        datasets : Sequence[str]
            Names of datasets, at least one.
        models, missing
            As for `load`.
        word : callable, optional
            (dataset, label) -> common word, such as `LabelMap.word`; clips with an empty word are
            left out. By default labels stay as they are.

        Returns
        -------
        Samples
            `corpus` has the dataset of each clip. Ids of clips and speakers begin with it, as in
            ``jnv/F1``, because equal ids in two datasets are not the same person.

        Raises
        ------
        StaleStoreError
            If a model differs between the datasets.
        UnknownNameError, MissingEmbeddingsError, StoreError
            As for `load`.
        """
        names = ordered_names(datasets, "dataset")
        for model in ordered_names(models):
            self.check_same_model(names, model)
        parts = []
        for name in names:
            own = self.load(name, models, missing=missing)
            if word is not None:
                words = {label: word(name, label) for label in np.unique(own.y).tolist()}
                y = np.array([words[label] for label in own.y.tolist()], np.str_)
                own = replace(own, y=y).take(np.flatnonzero(y != ""))
            parts.append(own)
        n_known = sum(part.groups is not None for part in parts)
        groups = [
            np.array([""] * len(p.y)) if p.groups is None else _inside(p.dataset, p.groups)
            for p in parts
        ]
        return Samples(
            X=np.concatenate([part.X for part in parts]),
            y=np.concatenate([part.y for part in parts]),
            groups=np.concatenate(groups) if n_known else None,
            clip_ids=np.concatenate([_inside(part.dataset, part.clip_ids) for part in parts]),
            block_sizes=parts[0].block_sizes,
            dataset="+".join(names),
            models=parts[0].models,
            corpus=np.concatenate([np.repeat(part.dataset, len(part.y)) for part in parts]),
        )

    def check_same_model(self, datasets: Sequence[str], model: str) -> None:
        """Check that a name means one model in all of the datasets.

        Raises
        ------
        StaleStoreError
            If its fingerprints differ; the message names the parts.
        UnknownNameError
            If a dataset does not have it.
        """
        first, *others = datasets
        self.check_names(first, [model])
        fingerprint = self.fingerprint(first, model)
        for other in others:
            self.check_names(other, [model])
            differences = fingerprint_differences(fingerprint, self.fingerprint(other, model))
            if differences:
                parts = "\n".join(f"  {_between(each, first, other)}" for each in differences)
                raise StaleStoreError(
                    f"store {self.path}: {model!r} is not one model: it differs between datasets "
                    f"{first!r} and {other!r}, so their embeddings cannot be compared.\n{parts}\n",
                    Remedy(
                        "Build one of them again with the other's model",
                        {"manifest": ..., "store": str(self.path), "refresh": "model"},
                        "build_store",
                    ),
                    Remedy("Or use the datasets one by one"),
                )


def _inside(dataset: str, ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Put the dataset before each id; unknown ones stay empty."""
    return np.array([f"{dataset}/{each}" if each else "" for each in ids.tolist()], np.str_)


def _between(difference: str, first: str, other: str) -> str:
    return re.sub(r": stored (.*), now ", rf": {first} \1, {other} ", difference, flags=re.DOTALL)


def ordered_names(models: str | Sequence[str], kind: str = "model") -> tuple[str, ...]:
    """Return names of models, or of another kind, as a tuple, each once.

    Raises
    ------
    ValueError
        If there is none, one occurs twice, or they have no order: a set has another order in
        each process.
    """
    names = (models,) if isinstance(models, str) else models
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{kind}s must be a list or tuple of names, in an order; got {models!r}")
    if not names:
        raise ValueError(f"{kind}s is empty; expected at least one name")
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{kind} {min(twice)!r} is named twice; name each once")
    return tuple(names)


def open_store(path: str | Place) -> EmbeddingStore:
    """Open a store for reading.

    Parameters
    ----------
    path : str or Path
        The store's folder, as `build_store` made it, or its URL, such as ``s3://BUCKET/my.zarr``.

    Raises
    ------
    StoreError
        If there is no store, or its format version is not supported.
    BucketError
        If it is in a bucket that cannot be reached or used.

    Examples
    --------
    >>> import reno_store as rs
    >>> store = rs.open_store("reno-demo/embeddings.zarr")
    >>> store.datasets, store.models("synthetic")
    (('synthetic',), ('logmel', 'mfcc'))
    >>> store.load("synthetic", ["mfcc", "logmel"]).X.shape
    (240, 360)
    """
    return EmbeddingStore(path)
