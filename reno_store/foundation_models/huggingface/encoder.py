"""A transformers encoder as a foundation model: the same embeddings alone and in a batch.

Data flow: waveform -> the checkpoint's own feature extractor, clip by clip -> a padded batch
that knows its valid frames -> encoder in eval mode -> hidden state of a layer -> pooling over
the frames of each clip. On a CPU a batch is no faster than its clips one by one, so clips go
in parallel there, one per thread, without padding.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.errors import ModelError
from reno_store.foundation_models.checking import relative_errors
from reno_store.foundation_models.huggingface.checkpoint import (
    Checkpoint,
    read_checkpoint,
    unusable,
)
from reno_store.foundation_models.huggingface.families import Family
from reno_store.foundation_models.huggingface.families.generic import Generic, check_contract
from reno_store.foundation_models.huggingface.hub import locate
from reno_store.foundation_models.inference import (
    computing_in,
    use_product_convolutions,
    use_projections,
)
from reno_store.foundation_models.pooling import LayerChoice, Pooling
from reno_store.foundation_models.protocol import (
    Waveform,
    check_precision,
    refuse_long,
    refuse_short,
)
from reno_store.runtime.devices import map_on_threads

__all__ = ["HuggingFaceEncoder"]

_CODE_VERSION = 1
"""Raised whenever this package's numbers change."""

_TOLERANCE = 1e-5
"""Relative error of an embedding up to which a batch counts as exact."""

_ADAPTER = "the convolutions of its adapter look beyond the end of a clip"


class HuggingFaceEncoder:
    """A frozen encoder; see `FoundationModel` for the attributes and `embed`.

    Parameters
    ----------
    checkpoint : Checkpoint
        From `read_checkpoint`; its encoder is changed.
    device : str
        A torch device.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; see `computing_in`.
    layer : str
        ``"last"``, the number of a layer or ``"all"``; see `LayerChoice`.
    pool : str
        ``"mean"``, ``"max"``, ``"mean+std"`` ...; see `Pooling`.
    batched : bool, optional
        Whether clips that are embedded together go through the encoder together, padded.
        By default on any device but a CPU.

    Attributes
    ----------
    max_samples : int or None
        Length of the longest waveform, in samples; None if there is no limit.
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
        config = checkpoint.encoder.config
        self._family, self._extractor = checkpoint.family, checkpoint.extractor
        self._device, self._precision = device, check_precision(precision)
        self._pooling = Pooling(pool)
        self._layer = LayerChoice.parse(layer, self._family.n_layers(config))
        self._config = config
        self._frames = self._family.frames(config, self._extractor)
        adapter_width = self._family.adapter_width(config)
        only_last = "the model has an adapter" if adapter_width else self._family.only_last_because
        if only_last and self._layer.which != "last":
            raise ModelError(f"layer={layer}: {only_last}, so only its last layer can be used.")
        self.sample_rate_hz: int = int(self._extractor.sampling_rate)
        self.min_samples: int = self._frames.shortest
        self.max_samples: int | None = self._family.longest(config, self._extractor)
        width = adapter_width or self._family.width(config)
        self.dim: int = width * self._pooling.n_statistics
        self.fingerprint = {
            **checkpoint.identity,
            "layer": self._layer.which,
            "pooling": self._pooling.name,
            "precision": precision,
            "code": _CODE_VERSION,
        }
        self._encoder = _prepared(checkpoint.encoder, self._family, self._layer, device)
        self.one_by_one_because = _ADAPTER if adapter_width else self._family.one_by_one_because
        self._batched = torch.device(device).type != "cpu" if batched is None else batched
        if self._batched and not self.one_by_one_because:
            self._ignoring_padding = self._family.ignore_padding(self._encoder)
            if self.batch_error("float32") > _TOLERANCE:
                self.one_by_one_because = "padding changes its embeddings, for unknown reasons"
        self._batched = self._batched and not self.one_by_one_because

    @classmethod
    def load(
        cls, location: str, *, revision: str | None = None, context: str = "", **settings: Any
    ) -> HuggingFaceEncoder:
        """Load a checkpoint; only weights are read, no code in it is run.

        Parameters
        ----------
        location : str
            A folder as ``save_pretrained`` writes it, or a hub id.
        revision : str, optional
            A branch, tag or commit of the hub.
        context : str
            What the encoder is given around a clip, for architectures that have a choice:
            Whisper has ``"full"`` (30 s) and ``"clip"``. By default what it was trained on.
        **settings
            ``device``, ``precision``, ``layer``, ``pool`` and ``batched``, as in the class.

        Raises
        ------
        ModelError
            If the folder, its config, its preprocessor config or its weights are missing,
            the weights do not fit, a hub model is not available, the layer or pooling does not
            exist, or the architecture is not among `FAMILIES` and the model does not pass
            `FoundationModelContract` one clip at a time.
        """
        files = locate(location, revision)
        with _random_state_kept():
            checkpoint = read_checkpoint(files, context)
            try:
                model = cls(checkpoint, **settings)
            except ModelError as error:
                raise ModelError(f"model {location}: {error}") from None
        if isinstance(checkpoint.family, Generic):
            try:
                check_contract(model)
            except ModelError as error:
                architecture = checkpoint.identity["architecture"]
                raise unusable(location, architecture, error) from None
        return model

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips sampled at `sample_rate_hz`; see `FoundationModel.embed`."""
        refuse_short(waveforms, self)
        refuse_long(waveforms, self)
        if not len(waveforms):
            return np.empty((0, self.dim), np.float32)
        with _random_state_kept():
            if self._batched and len(waveforms) > 1:
                step = self._family.most_clips() or len(waveforms)
                some = range(0, len(waveforms), step)
                return np.concatenate(
                    [self._embed_together(waveforms[start : start + step]) for start in some]
                )
            if torch.device(self._device).type == "cpu":
                return np.stack(list(map_on_threads(self._embed_one, waveforms)))
            return np.stack([self._embed_one(waveform) for waveform in waveforms])

    def batch_error(self, precision: str | None = None) -> float:
        """Return how much a padded batch changes the embeddings of three short noises.

        Parameters
        ----------
        precision : str, optional
            To compute in; the model's own by default.

        Returns
        -------
        float
            The largest relative error against each noise alone.
        """
        random = np.random.default_rng(0)
        lengths = (self.min_samples, 3 * self.min_samples, self.sample_rate_hz // 2)
        noises = [
            random.normal(0, 0.1, max(length, self.min_samples)).astype(np.float32)
            for length in lengths
        ]
        own, self._precision = self._precision, precision or self._precision
        try:
            together = self._embed_together(noises)
            alone = np.stack([self._embed_one(noise) for noise in noises])
        finally:
            self._precision = own
        return float(np.nan_to_num(relative_errors(together, alone), nan=np.inf).max())

    def _embed_one(self, waveform: Waveform) -> NDArray[np.float32]:
        clip = self._prepare(waveform)
        with computing_in(self._precision, self._device):
            hidden = self._hidden(clip[None].to(self._device))[0]
            return self._pooled(hidden, len(waveform)).cpu().numpy()

    def _embed_together(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        clips = [self._prepare(waveform) for waveform in waveforms]
        with computing_in(self._precision, self._device):
            lengths = [len(waveform) for waveform in waveforms]
            batch, mask = self._family.pad(clips)
            with self._ignoring_padding(lengths):
                hidden = self._hidden(
                    batch.to(self._device), None if mask is None else mask.to(self._device)
                )
            pooled = [
                self._pooled(clip, length) for clip, length in zip(hidden, lengths, strict=True)
            ]
            return torch.stack(pooled).cpu().numpy()

    def _prepare(self, waveform: Waveform) -> torch.Tensor:
        """Return one clip as the encoder takes it, in float32: spectrograms need its range."""
        with computing_in("float32", "cpu"):
            return self._family.prepare(self._extractor, waveform)

    def _pooled(self, hidden: torch.Tensor, n_samples: int) -> torch.Tensor:
        """Pool the frames that a clip covers, shape (dim,)."""
        n_frames = self._frames.after(n_samples)
        return self._pooling(self._family.covered(hidden, n_frames, self._config))

    def _hidden(self, batch: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the hidden state of the chosen layer, shape (n_clips, n_frames, width)."""
        arguments = {"output_hidden_states": not self._layer.is_top}
        if mask is None:  # also on threads, where warnings cannot be filtered
            output = self._family.run(self._encoder, batch, **arguments)
        else:
            with warnings.catch_warnings():
                # About the masks of WavLM, one of which holds numbers; they are right.
                warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
                output = self._family.run(self._encoder, batch, attention_mask=mask, **arguments)
        if self._layer.is_top:
            return output.last_hidden_state
        if self._layer.which != "all":
            return output.hidden_states[self._layer.which]
        total = output.last_hidden_state.float()
        for hidden in output.hidden_states[1 : self._layer.n_layers]:
            total = total + hidden
        return total / self._layer.n_layers


def _random_state_kept() -> AbstractContextManager[None]:
    """Restore torch's random state: some versions of transformers draw numbers that they ignore.

    They draw on the CPU, whatever the device.
    """
    return torch.random.fork_rng(devices=[])


def _prepared(encoder: Any, family: Family, layer: LayerChoice, device: str) -> Any:
    """Return an encoder on its device, frozen, without the layers above the chosen one."""
    stack = family.stack(encoder)
    if isinstance(layer.which, int) and not layer.is_top and hasattr(stack, "layers"):
        # One more than needed: some architectures norm what comes out of the last one.
        stack.layers = stack.layers[: layer.which + 1]
    if torch.device(device).type == "cpu":
        use_projections(encoder)
    else:
        use_product_convolutions(encoder)
    return encoder.to(device).eval().requires_grad_(False)
