"""Audio-Mamba as a foundation model: waveforms in, one pooled embedding per clip out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.corpora.audio import PREPROCESSING
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
from reno_store.foundation_models.inference import computing_in
from reno_store.foundation_models.pooling import LayerChoice, Pooling
from reno_store.foundation_models.protocol import Waveform, check_precision, refuse_short
from reno_store.foundation_models.weights import hash_weights
from reno_store.runtime.devices import map_on_threads

__all__ = ["AudioMamba"]

_CODE_VERSION = 1
"""Raised whenever this package's numbers change."""

_UNITS_ON_ACCELERATOR = 16
_BATCHES_IN_MEMORY = 64
"""Limits memory, and how long threads wait for each other at the end."""


class AudioMamba:
    """A frozen Audio-Mamba encoder; see `FoundationModel` for the attributes and `embed`.

    Parameters
    ----------
    encoder : AudioMambaEncoder
        With its weights.
    device : str
        A torch device.
    units_at_a_time : int or None
        Units of two seconds that go through the encoder together, from any clips; it limits
        memory. None means 1 on a CPU, where more are no faster and where matrix products of
        one size keep an embedding the same to the last bit in any batch, and 16 elsewhere,
        where the last bits may differ. On a CPU several such groups run in parallel, one per
        thread.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; see `computing_in`. The selective
        scan is always in float32.
    layer : str
        ``"last"``, the number of a block or ``"all"``; see `AudioMambaEncoder.forward`.
    pool : str
        ``"mean"``, ``"max"``, ``"mean+std"`` ...; see `Pooling`.

    Raises
    ------
    ModelError
        If `units_at_a_time` is less than 1, or there is no such layer or pooling.
    """

    sample_rate_hz: int = SAMPLE_RATE_HZ
    min_samples: int = MIN_SAMPLES

    def __init__(
        self,
        encoder: AudioMambaEncoder,
        *,
        device: str = "cpu",
        units_at_a_time: int | None = None,
        precision: str = "float32",
        layer: str = "last",
        pool: str = "mean",
    ) -> None:
        if units_at_a_time is None:
            units_at_a_time = 1 if torch.device(device).type == "cpu" else _UNITS_ON_ACCELERATOR
        if units_at_a_time < 1:
            raise ModelError(f"units_at_a_time is {units_at_a_time}; expected at least 1.")
        self._layer = LayerChoice.parse(layer, encoder.sizes.depth)
        self._pooling = Pooling(pool)
        self._precision = check_precision(precision)
        self.dim: int = encoder.sizes.dim * self._pooling.n_statistics
        self.fingerprint: Mapping[str, Any] = {
            "kind": "audio-mamba",
            "architecture": asdict(encoder.sizes),
            "weights": hash_weights(encoder),
            "preprocessing": {**PREPROCESSING, **LOG_MEL_SETTINGS},
            "layer": self._layer.which,
            "pooling": self._pooling.name,
            "precision": precision,
            "code": _CODE_VERSION,
        }
        self._encoder = encoder.to(device).eval().requires_grad_(False)
        self._device = device
        self._units_at_a_time = units_at_a_time

    @classmethod
    def load(cls, location: str, **settings: Any) -> AudioMamba:
        """Load a published checkpoint; only weights are read, no code in it is run.

        Parameters
        ----------
        location : str
            A ``.pth`` file, or a folder that contains ``checkpoints/NAME-EPOCH.pth`` or
            ``NAME-EPOCH.pth``, of which the highest EPOCH is used.
        **settings
            ``device``, ``units_at_a_time``, ``precision``, ``layer`` and ``pool``, as in the
            class.

        Raises
        ------
        ModelError
            If there is no checkpoint, it is damaged, would run code when read, is of
            another kind, or has a weight that is missing, misshapen or not finite, or if
            the layer or pooling does not exist.
        """
        encoder = read_encoder(location)
        try:
            return cls(encoder, **settings)
        except ModelError as error:
            raise ModelError(f"model {location}: {error}") from None

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips sampled at `sample_rate_hz`; see `FoundationModel.embed`."""
        refuse_short(waveforms, self, "half a window of the model's spectrogram")
        embeddings = np.empty((len(waveforms), self.dim), np.float32)
        rows_of_clip: list[torch.Tensor] = []
        units = self._units(waveforms)
        batches = iter(lambda: list(islice(units, self._units_at_a_time)), [])
        while some := list(islice(batches, _BATCHES_IN_MEMORY)):
            for batch, encoded in zip(some, self._encode(some), strict=True):
                for unit, rows in zip(batch, encoded, strict=True):
                    rows_of_clip.append(rows[: unit.n_rows])
                    if unit.is_last:
                        pooled = self._pooling(torch.cat(rows_of_clip))
                        embeddings[unit.clip] = pooled.cpu().numpy()
                        rows_of_clip.clear()
        return embeddings

    def _encode(self, batches: list[list[_Unit]]) -> Iterator[torch.Tensor]:
        """Return the rows of the units of each batch; batches run in parallel on a CPU."""
        if torch.device(self._device).type == "cpu":
            return map_on_threads(self._encode_batch, batches)
        return map(self._encode_batch, batches)

    def _encode_batch(self, batch: list[_Unit]) -> torch.Tensor:
        frames = torch.from_numpy(np.stack([unit.frames for unit in batch]))
        with computing_in(self._precision, self._device):
            rows: torch.Tensor = self._encoder(frames.to(self._device), self._layer.which)
            return rows

    def _units(self, waveforms: Sequence[Waveform]) -> Iterator[_Unit]:
        """Yield the units of all clips in turn, without those that are only padding."""
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


@dataclass(frozen=True, slots=True)
class _Unit:
    """Two seconds of a clip.

    Attributes
    ----------
    clip : int
        The clip's row among the embeddings.
    frames : numpy.ndarray of float32, shape (200, 80)
        Standardized log-mel frames, zeros where the clip has ended.
    n_rows : int
        How many rows of the encoder belong to the clip and not to padding.
    is_last : bool
        Whether the clip ends here.
    """

    clip: int
    frames: NDArray[np.float32]
    n_rows: int
    is_last: bool
