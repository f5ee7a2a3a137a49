"""What a foundation model promises to the rest of the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ModelError, UnknownNameError

__all__ = ["PRECISIONS", "FoundationModel", "Waveform", "check_precision", "refuse_short"]

PRECISIONS = ("float32", "bfloat16", "float16")
"""Weights stay in float32; in the shorter types, products and convolutions are computed in them."""

Waveform: TypeAlias = NDArray[np.float32]
"""One clip, mono, shape (n_samples,), full scale 1, at the model's `sample_rate_hz`. An array does
not say its rate: one at another rate is taken for a slower or faster clip, without an error."""


@runtime_checkable
class FoundationModel(Protocol):
    """A frozen model that turns waveforms into embeddings.

    Attributes
    ----------
    sample_rate_hz : int
        The rate that waveforms given to `embed` must have, in hertz. `embed` cannot check
        it; `reno_store.embed_files` reads and resamples files.
    min_samples : int
        The shortest waveform that the model can take, in samples.
    dim : int
        Length of an embedding.
    fingerprint : Mapping[str, Any]
        Everything that the numbers depend on besides the clip, in readable parts (weights,
        preprocessing, layer, pooling, precision, and the version of the code that
        computes them), as JSON values. Two models with one fingerprint give the same
        embeddings; a change of any part is a change of the model, but for ``source``,
        which tells where the weights came from.
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

        Nothing is resampled here: the same samples at another rate give another embedding,
        without an error. For files use `reno_store.embed_files`, which resamples; for
        arrays ``soxr.resample(waveform, rate_hz, model.sample_rate_hz)``.

        Parameters
        ----------
        waveforms : Sequence[Waveform]
            Clips of any lengths from `min_samples` on, sampled at `sample_rate_hz`.

        Returns
        -------
        numpy.ndarray of float32, shape (len(waveforms), dim)
            Row i depends on ``waveforms[i]`` and on the model alone.
        """
        ...


def check_precision(precision: str) -> str:
    """Return it unchanged, or raise.

    Raises
    ------
    UnknownNameError
        If there is no such precision; the choices are listed.
    """
    if precision not in PRECISIONS:
        raise UnknownNameError.among("precision", precision, PRECISIONS)
    return precision


def refuse_short(
    waveforms: Sequence[Waveform], model: FoundationModel, least: str = "one frame of the model"
) -> None:
    """Refuse waveforms that are shorter than a model can take.

    Raises
    ------
    ModelError
        With the length of the first and what it needs; `least` says what it does not fill.
    """
    for waveform in waveforms:
        if len(waveform) < model.min_samples:
            raise ModelError(
                f"{len(waveform)} samples at {model.sample_rate_hz} Hz are shorter than {least}; "
                f"it needs at least {model.min_samples} "
                f"({model.min_samples / model.sample_rate_hz:.3f} s)."
            )
