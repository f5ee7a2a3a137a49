"""A transformers encoder as a foundation model: exact alone, exact in a batch.

Data walks: waveform -> the checkpoint's own feature extractor, clip by clip -> a padded
batch that knows its valid frames -> encoder in eval mode -> a layer's hidden state ->
pooling over each clip's frames. On a CPU, where a batch is no faster than its clips one by
one, clips go side by side, a thread each, without padding.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.devices import map_on_threads
from reno_store.errors import ModelError
from reno_store.foundation_models.checking import relative_errors
from reno_store.foundation_models.huggingface.checkpoint import Checkpoint, read_checkpoint
from reno_store.foundation_models.huggingface.hub import locate
from reno_store.foundation_models.huggingface.valid_frames import FrameCounts, ValidFrames
from reno_store.foundation_models.layers import LayerChoice
from reno_store.foundation_models.pooling import Pooling
from reno_store.foundation_models.precision import computing_in
from reno_store.foundation_models.projection import use_projections
from reno_store.foundation_models.protocol import Waveform, check_precision, refuse_short

__all__ = ["HuggingFaceEncoder"]

_CODE_VERSION = 1
"""Raised whenever this package's numbers change."""

_TOLERANCE = 1e-5
"""Relative error of an embedding up to which a batch counts as exact."""

_ADAPTER = "its adapter's convolutions look beyond a clip's end"


class HuggingFaceEncoder:
    """A frozen encoder; see `FoundationModel` for the attributes and `embed`.

    Parameters
    ----------
    checkpoint : Checkpoint
        From `read_checkpoint`; the encoder in it is taken over and changed.
    device : str
        A torch device.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; see `computing_in`.
    layer : str
        ``"last"``, a layer's number or ``"all"``; see `LayerChoice`.
    pool : str
        ``"mean"``, ``"max"``, ``"mean+std"`` ...; see `Pooling`.
    batched : bool, optional
        Whether clips that are embedded together go through the encoder together, padded.
        By default on any device but a CPU.

    Attributes
    ----------
    one_by_one_because : str
        Why clips never share a batch; empty where batches are exact.

    Raises
    ------
    ModelError
        If the layer or the pooling does not exist.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: str = "cpu",
        precision: str = "float32",
        layer: str = "last",
        pool: str = "mean",
        batched: bool | None = None,
    ) -> None:
        encoder, config = checkpoint.encoder, checkpoint.encoder.config
        self._extractor = checkpoint.extractor
        self._device, self._precision = device, check_precision(precision)
        self._pooling = Pooling(pool)
        self._layer = LayerChoice.parse(layer, config.num_hidden_layers)
        self._counts = FrameCounts(tuple(config.conv_kernel), tuple(config.conv_stride))
        adapted = bool(getattr(config, "add_adapter", False))
        if adapted and self._layer.which != "last":
            raise ModelError(
                f"layer={layer}: the model has an adapter; only its last layer serves."
            )
        width = config.output_hidden_size if adapted else config.hidden_size
        self.sample_rate_hz: int = int(self._extractor.sampling_rate)
        self.min_samples: int = self._counts.shortest
        self.dim: int = int(width) * self._pooling.n_statistics
        self.fingerprint = {
            **checkpoint.identity,
            "layer": self._layer.which,
            "pooling": self._pooling.name,
            "precision": precision,
            "code": _CODE_VERSION,
        }
        self._encoder = _prepared(encoder, self._layer, device)
        self.one_by_one_because = _ADAPTER if adapted else ""
        self._batched = torch.device(device).type != "cpu" if batched is None else batched
        if self._batched and not self.one_by_one_because:
            self._valid = ValidFrames(self._encoder, self._counts)
            if self.batch_error("float32") > _TOLERANCE:
                self.one_by_one_because = "padding changes its numbers in a way not known here"
        self._batched = self._batched and not self.one_by_one_because

    @classmethod
    def load(
        cls,
        location: str,
        *,
        device: str = "cpu",
        precision: str = "float32",
        layer: str = "last",
        pool: str = "mean",
        revision: str | None = None,
        batched: bool | None = None,
    ) -> HuggingFaceEncoder:
        """Load a checkpoint, weights only: nothing in it is run as code.

        Parameters
        ----------
        location : str
            A folder as ``save_pretrained`` writes it, or a hub id.
        revision : str, optional
            A branch, tag or commit of the hub.
        device, precision, layer, pool, batched
            As in the class.

        Raises
        ------
        ModelError
            If the folder, its config, its preprocessor config or its weights are missing,
            the weights do not fit, the architecture is not among `FAMILIES`, a hub model
            cannot be had, or there is no such layer or pooling.
        """
        files = locate(location, revision)
        with _random_state_kept():
            checkpoint = read_checkpoint(files)
            try:
                return cls(
                    checkpoint,
                    device=device,
                    precision=precision,
                    layer=layer,
                    pool=pool,
                    batched=batched,
                )
            except ModelError as error:
                raise ModelError(f"model {location}: {error}") from None

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips sampled at `sample_rate_hz`; see `FoundationModel.embed`."""
        refuse_short(waveforms, self)
        if not len(waveforms):
            return np.empty((0, self.dim), np.float32)
        with _random_state_kept():
            if self._batched and len(waveforms) > 1:
                return np.stack(self._embed_together(waveforms))
            if torch.device(self._device).type == "cpu":
                return np.stack(list(map_on_threads(self._embed_one, waveforms)))
            return np.stack([self._embed_one(waveform) for waveform in waveforms])

    def batch_error(self, precision: str | None = None) -> float:
        """Measure how far a padded batch moves the embeddings of three short noises.

        Parameters
        ----------
        precision : str, optional
            To compute in; the model's own unless given.

        Returns
        -------
        float
            The largest relative error against each alone.
        """
        own, self._precision = self._precision, precision or self._precision
        try:
            return self._measure_batch_error()
        finally:
            self._precision = own

    def _measure_batch_error(self) -> float:
        random = np.random.default_rng(0)
        lengths = (self.min_samples, 3 * self.min_samples, self.sample_rate_hz // 2)
        noises = [
            random.normal(0, 0.1, max(length, self.min_samples)).astype(np.float32)
            for length in lengths
        ]
        together = np.stack(self._embed_together(noises))
        alone = np.stack([self._embed_one(noise) for noise in noises])
        return float(np.nan_to_num(relative_errors(together, alone), nan=np.inf).max())

    def _embed_one(self, waveform: Waveform) -> NDArray[np.float32]:
        with computing_in(self._precision, self._device):
            hidden = self._hidden(self._prepare(waveform)[None].to(self._device))[0]
            return self._pooling(hidden).cpu().numpy()

    def _embed_together(self, waveforms: Sequence[Waveform]) -> list[NDArray[np.float32]]:
        with computing_in(self._precision, self._device):
            lengths = [len(waveform) for waveform in waveforms]
            batch = torch.zeros(len(lengths), max(lengths))
            mask = torch.zeros(batch.shape, dtype=torch.long)
            for row, waveform in enumerate(waveforms):
                batch[row, : lengths[row]] = self._prepare(waveform)
                mask[row, : lengths[row]] = 1
            with self._valid.of(lengths):
                hidden = self._hidden(batch.to(self._device), mask.to(self._device))
            pooled = [
                self._pooling(frames[: self._counts.after(length)])
                for frames, length in zip(hidden, lengths, strict=True)
            ]
            return list(torch.stack(pooled).cpu().numpy())

    def _prepare(self, waveform: Waveform) -> torch.Tensor:
        """Do to a clip what its feature extractor does; shape (n_samples,)."""
        inputs = self._extractor(waveform, sampling_rate=self.sample_rate_hz, return_tensors="np")
        return torch.from_numpy(np.ascontiguousarray(inputs["input_values"][0], np.float32))

    def _hidden(self, batch: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Give the chosen layer's hidden state, (batch, n_frames, width), of (batch, samples)."""
        if self._layer.is_top:
            return self._forward(batch, mask, every_layer=False).last_hidden_state
        output = self._forward(batch, mask, every_layer=True)
        if self._layer.which != "all":
            return output.hidden_states[self._layer.which]
        total = output.last_hidden_state.float()
        for hidden in output.hidden_states[1 : self._layer.n_layers]:
            total = total + hidden
        return total / self._layer.n_layers

    def _forward(self, batch: torch.Tensor, mask: torch.Tensor | None, every_layer: bool) -> Any:
        if mask is None:
            return self._encoder(batch, output_hidden_states=every_layer)
        with warnings.catch_warnings():
            # torch says so of WavLM's masks, one of which is of numbers; they are right.
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
            return self._encoder(batch, attention_mask=mask, output_hidden_states=every_layer)


def _random_state_kept() -> AbstractContextManager[None]:
    """Leave torch's random numbers as they were: some transformers draw some and ignore them.

    They are the CPU's, whatever the device.
    """
    return torch.random.fork_rng(devices=[])


def _prepared(encoder: Any, layer: LayerChoice, device: str) -> Any:
    """Put an encoder on its device, frozen, without the layers that nobody will look at."""
    blocks = getattr(getattr(encoder, "encoder", None), "layers", None)
    if isinstance(layer.which, int) and not layer.is_top and blocks is not None:
        # One more than asked for: some architectures norm what comes out of the last one.
        encoder.encoder.layers = blocks[: layer.which + 1]
    if torch.device(device).type == "cpu":
        use_projections(encoder)
    return encoder.to(device).eval().requires_grad_(False)
