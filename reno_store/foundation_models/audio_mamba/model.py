"""Audio-Mamba as a foundation model: waveforms in, one pooled embedding a clip out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.audio import PREPROCESSING
from reno_store.errors import ModelError
from reno_store.foundation_models.audio_mamba.checkpoint import read_encoder
from reno_store.foundation_models.audio_mamba.encoder import AudioMambaEncoder
from reno_store.foundation_models.audio_mamba.frontend import (
    LOG_MEL_SETTINGS,
    MIN_SAMPLES,
    SAMPLE_RATE_HZ,
    UNIT_FRAMES,
    cut_into_units,
    log_mel,
)
from reno_store.foundation_models.pooling import mean_over_time
from reno_store.foundation_models.protocol import Waveform
from reno_store.foundation_models.weights import hash_weights

__all__ = ["AudioMamba"]

_CODE_VERSION = 1
"""Raised whenever this package's numbers change."""

_UNITS_ON_ACCELERATOR = 16

_T = TypeVar("_T")


class AudioMamba:
    """A frozen Audio-Mamba encoder; see `FoundationModel` for the attributes and `embed`.

    Parameters
    ----------
    encoder : AudioMambaEncoder
        With its weights.
    device : str
        A torch device.
    units_at_a_time : int or None
        Units of two seconds that go through the encoder together, whichever clips they
        come from; memory is bounded by it. None is 1 on a CPU, where more are no faster
        and matrix products of one size make a clip's embedding the same to the last bit
        whatever it is batched with, and 16 elsewhere, where the last bits may differ.

    Raises
    ------
    ModelError
        If `units_at_a_time` is less than 1.
    """

    sample_rate_hz: int = SAMPLE_RATE_HZ
    min_samples: int = MIN_SAMPLES

    def __init__(
        self,
        encoder: AudioMambaEncoder,
        *,
        device: str = "cpu",
        units_at_a_time: int | None = None,
    ) -> None:
        if units_at_a_time is None:
            units_at_a_time = 1 if torch.device(device).type == "cpu" else _UNITS_ON_ACCELERATOR
        if units_at_a_time < 1:
            raise ModelError(f"units_at_a_time is {units_at_a_time}; expected at least 1.")
        self.dim: int = encoder.sizes.dim
        self.fingerprint: Mapping[str, Any] = {
            "kind": "audio-mamba",
            "architecture": asdict(encoder.sizes),
            "weights": hash_weights(encoder),
            "preprocessing": {**PREPROCESSING, **LOG_MEL_SETTINGS},
            "layer": "last",
            "pooling": "mean",
            "precision": "float32",
            "code": _CODE_VERSION,
        }
        self._encoder = encoder.to(device).eval().requires_grad_(False)
        self._device = device
        self._units_at_a_time = units_at_a_time

    @classmethod
    def load(
        cls, location: str, *, device: str = "cpu", units_at_a_time: int | None = None
    ) -> AudioMamba:
        """Load a published checkpoint, weights only: nothing in it is run as code.

        Parameters
        ----------
        location : str
            A ``.pth`` file, or a folder with ``checkpoints/NAME-EPOCH.pth`` or
            ``NAME-EPOCH.pth`` in it, of which the highest EPOCH is taken.
        device : str
            A torch device.
        units_at_a_time : int or None
            As in the class.

        Raises
        ------
        ModelError
            If there is no checkpoint, it is damaged, would run code when read, is of
            another kind, or has a weight that is missing, misshapen or not finite.
        """
        return cls(read_encoder(location), device=device, units_at_a_time=units_at_a_time)

    @torch.inference_mode()
    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips; see `FoundationModel.embed`."""
        for waveform in waveforms:
            self._refuse_short(waveform)
        embeddings = np.empty((len(waveforms), self.dim), np.float32)
        rows_of_clip: list[torch.Tensor] = []
        for batch in _batches(self._units(waveforms), self._units_at_a_time):
            frames = torch.from_numpy(np.stack([unit.frames for unit in batch]))
            for unit, rows in zip(batch, self._encoder(frames.to(self._device)), strict=True):
                rows_of_clip.append(rows[: unit.n_rows])
                if unit.is_last:
                    pooled = mean_over_time(torch.cat(rows_of_clip))
                    embeddings[unit.clip] = pooled.cpu().numpy()
                    rows_of_clip.clear()
        return embeddings

    def _units(self, waveforms: Sequence[Waveform]) -> Iterator[_Unit]:
        """Give the units of all clips in turn, leaving out those that are padding alone."""
        rows_in_unit = self._encoder.sizes.n_rows
        for clip, waveform in enumerate(waveforms):
            spectrogram = log_mel(waveform)
            units = cut_into_units(spectrogram)
            padding = len(units) * UNIT_FRAMES - len(spectrogram)
            n_rows = len(units) * rows_in_unit - int(rows_in_unit * padding / UNIT_FRAMES)
            for frames in units:
                yield _Unit(clip, frames, min(n_rows, rows_in_unit), n_rows <= rows_in_unit)
                n_rows -= rows_in_unit
                if n_rows <= 0:
                    break

    def _refuse_short(self, waveform: Waveform) -> None:
        if len(waveform) < self.min_samples:
            raise ModelError(
                f"{len(waveform)} samples at {self.sample_rate_hz} Hz are shorter than half a "
                f"window of the model's spectrogram; it needs at least {self.min_samples} "
                f"({self.min_samples / self.sample_rate_hz:.3f} s)."
            )


@dataclass(frozen=True, slots=True)
class _Unit:
    """Two seconds of a clip on their way through the encoder.

    Attributes
    ----------
    clip : int
        The clip's row among the embeddings.
    frames : numpy.ndarray of float32, shape (200, 80)
        Standardised log-mel frames, zeros where the clip has ended.
    n_rows : int
        Of the encoder's rows, how many stand for the clip and not for padding.
    is_last : bool
        Whether the clip ends here.
    """

    clip: int
    frames: NDArray[np.float32]
    n_rows: int
    is_last: bool


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
