"""What the page shows about a recording."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import is_silent, read_waveform
from reno_store.errors import AudioError, ModelError
from reno_store.recognition.finding import Found
from reno_store.recognition.serving.app import Limits, Recognize
from reno_store.recognition.timelines import predict_timelines

if TYPE_CHECKING:
    from reno_store.recognition import Recognizer

__all__ = ["answering", "described"]

_N_PEAKS = 240
_SHOWN_RATE_HZ = 8_000
_HOP_S, _MOST_WINDOWS = 1.0, 12


def answering(recognizer: Recognizer, limits: Limits) -> Recognize:
    """Return a function that recognizes the recording at a path.

    It returns ``probabilities`` (label and probability, the most probable first), ``timeline``
    (windows of 2 s or more, at most 12; empty for a short recording), ``duration_s``, ``peaks``
    (of the waveform, 0 to 1) and ``notes``, and raises AudioError or ModelError.
    """

    def recognize(path: Path) -> Mapping[str, Any]:
        X, failures = recognizer.embed([path], max_seconds=limits.seconds)
        if failures:
            raise (AudioError if failures[0].is_unreadable else ModelError)(failures[0].reason)
        waveform = read_waveform(path, _SHOWN_RATE_HZ)
        duration_s = len(waveform) / _SHOWN_RATE_HZ
        return {
            "probabilities": _ranked(recognizer, recognizer.probabilities(X)[0]),
            "timeline": _timeline(recognizer, path, duration_s),
            "duration_s": duration_s,
            "peaks": _peaks(waveform),
            "notes": ["the recording is silent"] if is_silent(waveform) else [],
        }

    return recognize


def described(recognizer: Recognizer) -> str:
    """Return one line about a recognizer: its labels, classifier and models."""
    labels = ", ".join(map(str, recognizer.classes_))
    models = " + ".join(model.name for model in recognizer.models)
    return f"{labels}. {type(recognizer.classifier).__name__} on {models}."


def _timeline(recognizer: Recognizer, path: Path, duration_s: float) -> list[dict[str, Any]]:
    """Return the label of each window, of which there are few: each costs as much as a clip."""
    hop_s = max(_HOP_S, duration_s / _MOST_WINDOWS)
    if duration_s <= 2 * hop_s:
        return []
    found = predict_timelines(
        recognizer, [Found(path)], window_s=2 * hop_s, hop_s=hop_s, progress=False
    )
    return [
        {"start_s": each.start_s, "end_s": each.end_s, **_ranked(recognizer, each.probabilities)[0]}
        for each in found
        if each.probabilities is not None
    ]


def _ranked(recognizer: Recognizer, row: NDArray[np.float64]) -> list[dict[str, Any]]:
    order = np.argsort(-row, kind="stable")
    return [
        {"label": str(recognizer.classes_[i]), "probability": float(row[i])} for i in order.tolist()
    ]


def _peaks(waveform: NDArray[np.float32]) -> list[float]:
    """Return the largest magnitude in each of equal parts."""
    parts = np.array_split(np.abs(waveform), min(_N_PEAKS, max(len(waveform), 1)))
    return [round(float(part.max(initial=0.0)), 4) for part in parts]
