"""Predictions for many recordings, piece by piece, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reno_store.extraction import MAX_SECONDS
from reno_store.recognition.finding import Found
from reno_store.recognition.recognizer import Recognizer
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.progress import counting

__all__ = ["Prediction", "predict_recordings"]

_AT_A_TIME = 1024
"""Recordings whose embeddings are in memory. Batches are planned among them."""


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
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Raises
    ------
    ModelError
        If a foundation model cannot be loaded, or is not the one of training.
    """
    device = resolve_device(recognizer.device)
    for model in recognizer.models:
        model.load(device)
    n_models = len(recognizer.models)
    with counting(
        "predicting",
        len(recordings),
        unit="recordings",
        work=float(len(recordings) * n_models),
        show=progress,
    ) as counter:
        for start in range(0, len(recordings), _AT_A_TIME):
            some = recordings[start : start + _AT_A_TIME]
            n_done = [0]

            def advance(n: int, n_done: list[int] = n_done) -> None:
                n_done[0] += n
                counter.advance(0, work=n)

            X, failures = recognizer.embed(
                [each.path for each in some], max_seconds=max_seconds, advance=advance
            )
            counter.advance(len(some), work=len(some) * n_models - n_done[0])
            right = [n for n in range(len(some)) if n not in failures]
            found = dict(zip(right, recognizer.probabilities(X[right]), strict=True))
            for n, each in enumerate(some):
                reason = failures[n].reason if n in failures else ""
                yield Prediction(each, found.get(n), reason)
