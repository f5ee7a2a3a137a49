"""How much the shorter precisions and batches of a model change its embeddings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reno_store.foundation_models.protocol import PRECISIONS, FoundationModel, Waveform

__all__ = ["Load", "PrecisionCheck", "check_model", "relative_errors", "trial_clips"]


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """Measurements of a model in one precision.

    Attributes
    ----------
    precision : str
        One of `PRECISIONS`.
    median_error, largest_error : float
        Relative error of an embedding against float32 (norm of the difference over the
        norm), over the trial clips; 0 for float32 itself.
    batch_error : float
        The largest relative error of an embedding from a batch of all clips against the same
        clip alone, in this precision.
    clips_a_second : float
        Speed on the trial clips, in one batch.
    one_by_one_because : str
        Why the model embeds clips one by one; empty where it uses batches.
    """

    precision: str
    median_error: float
    largest_error: float
    batch_error: float
    clips_a_second: float
    one_by_one_because: str = ""


class Load(Protocol):
    """Loads one model in any precision."""

    def __call__(self, *, precision: str) -> FoundationModel: ...  # noqa: D102


def check_model(load: Load, precisions: Sequence[str] = PRECISIONS) -> list[PrecisionCheck]:
    """Measure a model in several precisions.

    Parameters
    ----------
    load : Load
        Loads the model in a precision.
    precisions : Sequence[str]
        The precisions; float32 is always loaded for the comparison.

    Returns
    -------
    list of PrecisionCheck
        One per precision; only one for a model without a choice.
    """
    reference = load(precision="float32")
    clips = trial_clips(reference.sample_rate_hz, reference.min_samples)
    expected = np.concatenate([reference.embed([clip]) for clip in clips])
    checks = []
    measured: list[object] = []
    for precision in precisions:
        model = reference if precision == "float32" else load(precision=precision)
        if model.fingerprint in measured:
            continue
        measured.append(model.fingerprint)
        alone = np.concatenate([model.embed([clip]) for clip in clips])
        begun = time.perf_counter()
        together = model.embed(clips)
        seconds = time.perf_counter() - begun
        errors = relative_errors(alone, expected)
        checks.append(
            PrecisionCheck(
                "float32" if model.fingerprint == reference.fingerprint else precision,
                float(np.median(errors)),
                float(errors.max()),
                float(relative_errors(together, alone).max()),
                len(clips) / seconds,
                getattr(model, "one_by_one_because", ""),
            )
        )
    return checks


def trial_clips(sample_rate_hz: int, min_samples: int = 1) -> list[Waveform]:
    """Return clips to measure on: harmonics that glide and fade in noise, 0.3 to 4 seconds.

    The same at every call.
    """
    random = np.random.default_rng(0)
    clips = []
    for duration_s in (0.3, 0.5, 0.8, 1.0, 1.4, 2.0, 2.8, 4.0):
        time_s = np.arange(max(int(duration_s * sample_rate_hz), min_samples)) / sample_rate_hz
        pitch_hz = random.uniform(120, 500) * (1 + 0.3 * np.sin(2 * np.pi * 3 * time_s))
        phase = 2 * np.pi * np.cumsum(pitch_hz) / sample_rate_hz
        voice = sum(np.sin(order * phase) / order for order in range(1, 6))
        sound = voice * np.exp(-time_s) * 0.2 + random.normal(0, 0.01, len(time_s))
        clips.append(sound.astype(np.float32))
    return clips


def relative_errors(
    rows: NDArray[np.float32], expected: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the norm of the difference of each row over the norm of the expected row.

    Where that norm is 0, return the norm of the difference.
    """
    differences = np.linalg.norm(rows.astype(np.float64) - expected, axis=1)
    lengths = np.linalg.norm(expected.astype(np.float64), axis=1)
    errors: NDArray[np.float64] = differences / np.where(lengths > 0, lengths, 1.0)
    return errors
