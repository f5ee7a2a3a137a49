"""What a build did: one record in total, one per model, one per failed clip."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.runtime.notebooks import html_details, html_table, html_text, html_view
from reno_store.runtime.places import Place

__all__ = ["BuildReport", "Failure", "ModelReport"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A clip without an embedding.

    Attributes
    ----------
    clip_id : str
        The clip.
    reason : str
        Why it has none.
    is_unreadable : bool
        Whether the recording could not be read; otherwise the model failed.
    """

    clip_id: str
    reason: str
    is_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What a build did for one model.

    Attributes
    ----------
    model : str
        Its name in the store.
    n_new, n_reused : int
        Clips embedded now, and clips whose embedding existed.
    failures : tuple[Failure, ...]
        Clips that could not be embedded.
    silent : tuple[str, ...]
        Ids of silent clips that were embedded now.
    n_copied : int
        New embeddings that were copied from a clip with the same recording, in this or another
        dataset of the store.
    seconds : float
        How long it took.
    one_by_one_because : str
        Why the model took one clip at a time; empty where batches are exact.
    """

    model: str
    n_new: int
    n_reused: int
    failures: tuple[Failure, ...] = ()
    silent: tuple[str, ...] = ()
    n_copied: int = 0
    seconds: float = 0.0
    one_by_one_because: str = ""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes
    ----------
    store : Path
        The store.
    dataset : str
        Name of the dataset in it.
    n_clips : int
        Clips in the manifest.
    models : tuple[ModelReport, ...]
        One report per model that was started, in order.
    interrupted : bool
        Whether the user stopped it (Ctrl-C); embeddings computed until then are stored.
    duplicates : tuple[tuple[str, ...], ...]
        Groups of clip ids with identical recordings. A score is too high where such clips are
        on both sides of a fold. With a shard, only among its clips.
    shard : tuple[int, int], optional
        Number and count, if the build was one of several shards; `models` has only its clips.
    n_left : int
        With a shard, how many clips of the whole manifest lacked an embedding of some model at
        its end: those that failed, and those of shards that have not finished.
    shards_left : tuple[int, ...]
        The numbers of the shards that have these clips.
    """

    store: Place
    dataset: str
    n_clips: int
    models: tuple[ModelReport, ...]
    interrupted: bool = False
    duplicates: tuple[tuple[str, ...], ...] = ()
    shard: tuple[int, int] | None = None
    n_left: int = 0
    shards_left: tuple[int, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every clip, of the shard if there is one, now has an embedding of every model."""
        return not self.interrupted and not any(model.failures for model in self.models)

    def _repr_html_(self) -> str:
        rows = [
            (model.model, model.n_new, model.n_reused, len(model.failures), f"{model.seconds:.1f}")
            for model in self.models
        ]
        failed = [
            (model.model, failure.clip_id, failure.reason)
            for model in self.models
            for failure in model.failures
        ]
        parts = [html_table(("model", "new", "reused", "failed", "seconds"), rows)]
        if self.interrupted:
            parts.append(html_text("Interrupted: build again to continue from here."))
        if failed:
            reasons = html_table(("model", "clip", "reason"), failed)
            parts.append(html_details(f"{len(failed):,} failed", reasons))
        if self.duplicates:
            groups = html_table(
                ("identical recordings",), [[", ".join(g)] for g in self.duplicates]
            )
            parts.append(html_details(f"Identical recordings: {len(self.duplicates):,}", groups))
        where = f"{self.store.name}: {self.dataset}, {self.n_clips:,} clips"
        return html_view(f"Build of {where}", *parts)
