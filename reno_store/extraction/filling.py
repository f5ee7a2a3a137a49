"""Embedding some clips of a model that is prepared, in any process that sees the store.

`fill` is a plain function of arguments that can be pickled: processes of this machine call it,
and so can those of a scheduler. It takes a claim to the stripes of its clips, so it is safe to
call it twice, at the same time too: the second call waits and finds the work done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import StaleStoreError
from reno_store.extraction.recordings import Recording
from reno_store.extraction.reports import ModelReport
from reno_store.extraction.running import Extraction
from reno_store.extraction.settings import Settings
from reno_store.foundation_models import FoundationModel, ModelSpec
from reno_store.runtime.progress import Counter, tell
from reno_store.store import StoredClips, StoreWriter

__all__ = ["FillJob", "FillPart", "FillParts", "Filled", "Outcome", "divide", "fill"]


@dataclass(frozen=True, slots=True)
class FillJob:
    """What all parts of a model have in common.

    Attributes
    ----------
    store : str
        The store.
    dataset : str
        Name of the dataset.
    spec : ModelSpec
        The model; its options are a plain dictionary, so that it can be pickled.
    fingerprint : Mapping[str, Any]
        Of its embeddings, as stored.
    settings : Settings
        How recordings are embedded; the device is the worker's own.
    claim : str
        Name of the claim of the process that has prepared the model and hands out the parts.
    """

    store: str
    dataset: str
    spec: ModelSpec
    fingerprint: Mapping[str, Any]
    settings: Settings
    claim: str


@dataclass(frozen=True, slots=True, eq=False)
class FillPart:
    """Clips of whole stripes, whether they have an embedding or not.

    Attributes
    ----------
    recordings : Sequence[Recording]
        The recordings.
    rows : numpy.ndarray of int64, shape (n_clips,)
        Their rows in the store.
    """

    recordings: Sequence[Recording]
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of a part.

    Attributes
    ----------
    report : ModelReport
        Its clips.
    interrupted : bool
        Whether `counter` raised KeyboardInterrupt; what was computed until then is stored.
    """

    report: ModelReport
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all parts.

    Attributes
    ----------
    filled : Sequence[Filled]
        Those that were filled, in any order.
    died : Sequence[tuple[FillPart, str]]
        Those whose process died twice, and how.
    interrupted : bool
        Whether the user stopped it.
    """

    filled: Sequence[Filled]
    died: Sequence[tuple[FillPart, str]]
    interrupted: bool


FillParts: TypeAlias = Callable[[FillJob, Sequence[FillPart], Counter], Outcome]
"""Fills all parts of a job, in whatever processes, and counts their clips."""


def fill(
    job: FillJob,
    part: FillPart,
    *,
    model: FoundationModel | None = None,
    counter: Counter | None = None,
) -> Filled:
    """Embed the clips of a part that have no embedding yet, and store them.

    Parameters
    ----------
    job : FillJob
        The model.
    part : FillPart
        The clips. Parts that are filled at the same time should not share a stripe (see
        `divide`); if they do, one waits for the other.
    model : FoundationModel, optional
        The loaded model, for a process that fills several parts; by default it is loaded.
    counter : Counter, optional
        Its `advance` is called with the number of clips, and their seconds of audio, after
        each batch. It may raise KeyboardInterrupt to stop.

    Raises
    ------
    ModelError, UnknownNameError, DeviceError
        If the model cannot be loaded here.
    StaleStoreError
        If it is not the prepared one, here or in the store.
    StoreError
        If the store cannot be written.
    """
    model = job.settings.load(job.spec) if model is None else model
    if (found := job.settings.fingerprint(model.fingerprint)) != job.fingerprint:
        raise StaleStoreError(
            f"model {job.spec.name}: this process loaded another model than the one that prepared "
            f"the build: {found}, expected {dict(job.fingerprint)}. Are all files and packages "
            "the same on all machines?"
        )
    columns = {
        "clip_id": [each.clip_id for each in part.recordings],
        "audio_sha256": [each.sha256 or "" for each in part.recordings],
    }
    with StoreWriter.open(job.store, notify=tell) as writer:
        clips = StoredClips(writer, job.dataset, columns, part.rows)
        name, fingerprint = job.spec.name, job.fingerprint
        with clips.filling(name, fingerprint, model.dim, within=job.claim) as target:
            is_missing = np.isin(part.rows, target.missing(part.rows))
            task = job.settings.task(
                part.recordings, part.rows, is_missing & ~target.is_changed, target.stripe_rows
            )
            extraction = Extraction(name, model, task, target.put)
            interrupted = extraction.run(False, counter)
        return Filled(extraction.report(0, is_missing & target.is_changed), interrupted)


def divide(
    recordings: Sequence[Recording],
    rows: NDArray[np.int64],
    is_missing: NDArray[np.bool_],
    stripe_rows: int,
    n_parts: int,
) -> list[FillPart]:
    """Divide the clips of a manifest into parts of whole stripes, the longest part first.

    Parameters
    ----------
    recordings : Sequence[Recording]
        All clips of the manifest.
    rows : numpy.ndarray of int64, shape (n_clips,)
        Their rows in the store.
    is_missing : numpy.ndarray of bool, shape (n_clips,)
        Which have no embedding; parts without any are left out. The others do not depend on
        it, so a build that is continued has the same parts and batches.
    stripe_rows : int
        Rows of a stripe, `ModelWriter.stripe_rows`.
    n_parts : int
        How many parts are wanted. There are fewer if there are fewer stripes, and more if a
        part would have more than eight.

    Returns
    -------
    list of FillPart
        In the order in which they should be filled.
    """
    stripe_of = np.unique(rows // stripe_rows, return_inverse=True)[1]
    n_together = min(max((int(stripe_of.max(initial=-1)) + 1) // n_parts, 1), 8)
    part_of = stripe_of // n_together
    order = np.argsort(part_of, kind="stable")
    seconds = np.nan_to_num([each.duration_s for each in recordings])
    parts: list[tuple[float, FillPart]] = []
    for some in np.split(order, np.flatnonzero(np.diff(part_of[order])) + 1):
        if is_missing[some].any():
            part = FillPart(tuple(recordings[index] for index in some.tolist()), rows[some])
            parts.append((float(seconds[some][is_missing[some]].sum()), part))
    return [part for _, part in sorted(parts, key=lambda each: -each[0])]
