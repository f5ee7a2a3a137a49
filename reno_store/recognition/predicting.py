"""Predictions for many recordings, piece by piece, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.extraction import MAX_SECONDS
from reno_store.recognition.finding import Found
from reno_store.recognition.recognizer import Recognizer
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.cluster_calls import use_worker_threads
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.places import Place
from reno_store.runtime.progress import counting

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Prediction", "predict_recordings"]

_AT_A_TIME = 1024
"""Recordings whose embeddings are in memory. Batches are planned among them."""
_AT_A_TIME_ON_A_WORKER = 64
"""Recordings of one call on a cluster."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What is predicted for a recording or a window of one, or why nothing is.

    Attributes
    ----------
    recording : Found
        The recording.
    probabilities : numpy.ndarray of float64, shape (n_classes,), or None
        In the order of the recognizer's ``classes_``; None where the recording failed.
    problem : str
        Why it failed; empty otherwise.
    start_s, end_s : float or None
        Where the window begins and ends, in seconds; None for a whole recording.
    """

    recording: Found
    probabilities: NDArray[np.float64] | None
    problem: str = ""
    start_s: float | None = None
    end_s: float | None = None


def predict_recordings(
    recognizer: Recognizer,
    recordings: Sequence[Found],
    *,
    max_seconds: float | None = MAX_SECONDS,
    client: Client | None = None,
    progress: bool | None = None,
) -> Iterator[Prediction]:
    """Yield a prediction for each recording, in their order; a bad one stops no other.

    Parameters
    ----------
    recognizer : Recognizer
        The recognizer.
    recordings : Sequence[Found]
        From `find_recordings`.
    max_seconds : float or None
        Longer recordings fail; None allows any length.
    client : distributed.Client, optional
        A Dask cluster whose workers predict instead of this process. They read the recordings and
        the foundation models by their paths. It is not closed.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Raises
    ------
    ModelError
        If a foundation model cannot be loaded, or is not the one of training.
    ClusterError
        If the cluster was lost.
    """
    n_models = len(recognizer.models)
    if client is None:
        device = resolve_device(recognizer.device)
        for model in recognizer.models:
            model.load(device)
    with counting(
        "predicting",
        len(recordings),
        unit="recordings",
        work=float(len(recordings) * n_models),
        show=progress,
    ) as counter:
        if client is not None:
            cluster = Cluster(client)
            for part in _predict_on_cluster(cluster, recognizer, recordings, max_seconds):
                counter.advance(len(part), work=len(part) * n_models)
                yield from part
            return
        for start in range(0, len(recordings), _AT_A_TIME):
            some = recordings[start : start + _AT_A_TIME]
            n_done = [0]

            def advance(n: int, n_done: list[int] = n_done) -> None:
                n_done[0] += n
                counter.advance(0, work=n)

            found = _predict(recognizer, [each.path for each in some], max_seconds, advance)
            counter.advance(len(some), work=len(some) * n_models - n_done[0])
            yield from _predictions(some, found)


_Predicted: TypeAlias = "tuple[dict[int, NDArray[np.float64]], dict[int, str]]"
"""The probabilities of recordings, and why others failed, by their positions."""


def _predict(
    recognizer: Recognizer,
    paths: Sequence[Place],
    max_seconds: float | None,
    advance: Callable[[int], None] = lambda n: None,
) -> _Predicted:
    X, failures = recognizer.embed(paths, max_seconds=max_seconds, advance=advance)
    right = [n for n in range(len(paths)) if n not in failures]
    found = dict(zip(right, recognizer.probabilities(X[right]), strict=True))
    return found, {n: failure.reason for n, failure in failures.items()}


def _predictions(recordings: Sequence[Found], predicted: _Predicted) -> Iterator[Prediction]:
    found, reasons = predicted
    for n, each in enumerate(recordings):
        yield Prediction(each, found.get(n), reasons.get(n, ""))


def _predict_on_cluster(
    cluster: Cluster, recognizer: Recognizer, recordings: Sequence[Found], max_seconds: float | None
) -> Iterator[list[Prediction]]:
    shared = cluster.share(recognizer)
    starts = range(0, len(recordings), _AT_A_TIME_ON_A_WORKER)
    parts = [recordings[start : start + _AT_A_TIME_ON_A_WORKER] for start in starts]
    calls = ((shared, [each.path.absolute() for each in some], max_seconds) for some in parts)
    for some, (found, reasons) in zip(
        parts, cluster.run_in_order(_predict_on_worker, calls), strict=True
    ):
        # As the user named them, not as workers in other folders find them.
        named = {
            n: reason.replace(str(some[n].path.absolute()), str(some[n].path))
            for n, reason in reasons.items()
        }
        yield list(_predictions(some, (found, named)))


def _predict_on_worker(
    recognizer: Recognizer, paths: Sequence[Place], max_seconds: float | None
) -> _Predicted:
    use_worker_threads()
    return _predict(recognizer, paths, max_seconds)
