"""Workers of a Dask cluster that fill the stripes of a model together.

Each loads the model once, and takes a claim to the stripes of its part. A part whose worker is lost
is begun again by another: what was stored of it is not computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from reno_store.corpora.audio import hash_file
from reno_store.errors import AudioError, ClusterError, Remedy, StoreError
from reno_store.extraction.filling import (
    Filled,
    FillJob,
    FillPart,
    FillParts,
    Outcome,
    fill,
)
from reno_store.foundation_models import FoundationModel
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.cluster_calls import (
    is_cancelled,
    report,
    use_worker_threads,
    worker_name,
)
from reno_store.runtime.devices import free_memory, resolve_device
from reno_store.runtime.places import Place
from reno_store.runtime.progress import Counter
from reno_store.store import StoreReader

__all__ = ["cluster_workers"]

_TRIED = 5
"""Recordings of a part that are tried before a worker is taken to see none."""

_loaded: tuple[str, FoundationModel] | None = None
"""The model of the build that this worker works for, and the build's claim."""


def cluster_workers(cluster: Cluster) -> FillParts:
    """Return what fills parts on a cluster, whose workers see the same store and recordings."""

    def fill_parts(job: FillJob, parts: Sequence[FillPart], counter: Counter) -> Outcome:
        filled: list[Filled] = []
        died: list[tuple[FillPart, str]] = []
        named = _absolute(job)
        calls = ((part, (named, part)) for part in parts)
        in_a_row = 0

        def give_up(part: FillPart, why: str) -> None:
            nonlocal in_a_row
            died.append((part, why))
            in_a_row += 1
            if in_a_row > cluster.n_workers() + 1:
                raise ClusterError(
                    f"{why}, whatever the work is; probably memory is short. What is finished is "
                    "kept.",
                    Remedy("Give the workers more memory"),
                )

        results = cluster.run(_fill_on_worker, calls, give_up=give_up)
        try:
            with cluster.hearing(job.claim, counter.advance), closing(results):
                for _, result in results:
                    filled.append(result)
                    in_a_row = 0
                    counter.advance(result.report.n_copied)
        except KeyboardInterrupt:
            return Outcome(filled, died, True)
        return Outcome(filled, died, False)

    return fill_parts


def _absolute(job: FillJob) -> FillJob:
    """Name a model's folder so that workers in another one find it."""
    place = Path(job.spec.location).expanduser()
    if job.spec.source == "catalogue" or not place.exists():
        return job
    return replace(job, spec=replace(job.spec, location=str(place.absolute())))


class _Reporting(Counter):
    """Counts clips on the client's bar, and ends a part that nobody waits for."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    def advance(self, n: int = 1, *, work: float | None = None) -> None:
        """Count n more clips."""
        report(self._topic, n)
        if is_cancelled():
            raise KeyboardInterrupt


def _check_sees(job: FillJob, part: FillPart) -> None:
    """Check that this worker sees the store and the recordings that the client saw.

    Otherwise it would make a new store, and report all clips as unreadable.
    """
    try:
        is_there = job.dataset in StoreReader(job.store).datasets
    except StoreError:
        is_there = False
    missing = f"store {job.store} with dataset {job.dataset!r}"
    if is_there:
        read_by_client = [each.path for each in part.recordings if each.sha256][:_TRIED]
        if not read_by_client or any(map(_is_readable, read_by_client)):
            return
        missing = f"recordings, such as {read_by_client[0]}"
    raise ClusterError(
        f"a worker of the cluster, {worker_name()}, does not see the {missing}. All workers need "
        "them under the same absolute paths as here."
    )


def _is_readable(recording: Place) -> bool:
    try:
        hash_file(recording)
    except AudioError:
        return False
    return True


def _fill_on_worker(job: FillJob, part: FillPart) -> Filled:
    global _loaded
    _check_sees(job, part)
    use_worker_threads()
    settings = replace(job.settings, device=resolve_device(job.settings.device))
    if _loaded is None or _loaded[0] != job.claim:
        _loaded = None
        free_memory()  # that of the model before
        _loaded = job.claim, settings.load(job.spec)
    job = replace(job, settings=settings)
    return fill(job, part, model=_loaded[1], counter=_Reporting(job.claim))
