"""The interface of a foundation model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ModelError, Remedy, UnknownNameError

__all__ = [
    "PRECISIONS",
    "FoundationModel",
    "Waveform",
    "check_precision",
    "refuse_long",
    "refuse_short",
]

PRECISIONS = ("float32", "bfloat16", "float16")
"""Weights stay in float32; only products and convolutions use the shorter types."""

Waveform: TypeAlias = NDArray[np.float32]
"""One clip, mono, shape (n_samples,), full scale 1, at the `sample_rate_hz` of the model. An array
has no rate: at another rate it is a slower or faster clip, without an error."""


@runtime_checkable
class FoundationModel(Protocol):
    """A frozen model that turns waveforms into embeddings.

    Attributes
    ----------
    sample_rate_hz : int
        Sample rate of the input of `embed`, in hertz. `embed` cannot check it;
        `reno_store.embed_files` reads and resamples files.
    min_samples : int
        Length of the shortest waveform, in samples.
    dim : int
        Length of an embedding.
    fingerprint : Mapping[str, Any]
        Everything besides the clip that an embedding depends on, in readable parts (weights,
        preprocessing, layer, pooling, precision, and the version of the code), as JSON
        values. Models with equal fingerprints return the same embeddings. A change of any
        part is another model, except for ``source``, where the weights came from.

    Notes
    -----
    A model that takes clips of a limited length also has ``max_samples``, the length of the
    longest waveform in samples (None: no limit).
    """

    @property
    def sample_rate_hz(self) -> int: ...  # noqa: D102

    @property
    def min_samples(self) -> int: ...  # noqa: D102

    @property
    def dim(self) -> int: ...  # noqa: D102

    @property
    def fingerprint(self) -> Mapping[str, Any]: ...  # noqa: D102

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips at `sample_rate_hz`, each exactly as if it were alone.

        Nothing is resampled here: samples at another rate return a different embedding,
        without an error. For files use `reno_store.embed_files`, which resamples; for
        arrays ``soxr.resample(waveform, rate_hz, model.sample_rate_hz)``.

        Parameters
        ----------
        waveforms : Sequence[Waveform]
            Clips of any lengths from `min_samples` on, sampled at `sample_rate_hz`.

        Returns
        -------
        numpy.ndarray of float32, shape (len(waveforms), dim)
            Row i depends only on ``waveforms[i]`` and the model.
        """
        ...


def check_precision(precision: str) -> str:
    """Return a precision unchanged, or raise.

    Raises
    ------
    UnknownNameError
        If the precision does not exist; the choices are listed.
    """
    if precision not in PRECISIONS:
        raise UnknownNameError.among("precision", precision, PRECISIONS)
    return precision


def refuse_short(
    waveforms: Sequence[Waveform], model: FoundationModel, least: str = "one frame of the model"
) -> None:
    """Refuse waveforms that are too short for a model.

    Raises
    ------
    ModelError
        With the length of the first and the shortest length; `least` is the unit that it
        does not fill.
    """
    for waveform in waveforms:
        if len(waveform) < model.min_samples:
            raise ModelError(
                f"{len(waveform)} samples at {model.sample_rate_hz} Hz are shorter than {least}; "
                f"it needs at least {model.min_samples} "
                f"({model.min_samples / model.sample_rate_hz:.3f} s)."
            )


def refuse_long(waveforms: Sequence[Waveform], model: FoundationModel) -> None:
    """Refuse waveforms that are longer than a model's ``max_samples``, if it has one.

    Raises
    ------
    ModelError
        With the length of the first and the longest length.
    """
    most = getattr(model, "max_samples", None)
    for waveform in waveforms:
        if most is not None and len(waveform) > most:
            rate_hz = model.sample_rate_hz
            seconds = most / rate_hz
            raise ModelError(
                f"{len(waveform)} samples at {rate_hz} Hz ({len(waveform) / rate_hz:.1f} s) are "
                f"longer than the model takes; it takes at most {most} ({seconds:g} s).",
                Remedy("Embed it window by window", {"window": int(seconds) or seconds}),
            )
