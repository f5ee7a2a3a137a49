"""How to embed with one architecture; the defaults are those of the wav2vec 2.0 kind."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from reno_store.errors import ModelError
from reno_store.foundation_models.huggingface.valid_frames import FrameCounts, ValidFrames
from reno_store.foundation_models.protocol import Waveform

__all__ = [
    "MOST_FIXED_CLIPS",
    "Family",
    "Frames",
    "IgnorePadding",
    "convolutions",
    "no_padding",
    "valid_positions",
]

MOST_FIXED_CLIPS = 16
"""Clips in a batch of an encoder that computes 10 or 30 s for every clip, however short."""

IgnorePadding = Callable[[Sequence[int]], AbstractContextManager[None]]
"""Takes the lengths of the clips in a batch, in samples, and returns a context in which the
encoder ignores what follows them."""

_Self = TypeVar("_Self", bound="Family")


class Frames(Protocol):
    """How many frames cover a clip; `FrameCounts` is that of convolutions without padding."""

    @property
    def shortest(self) -> int:
        """Length of the shortest clip, in samples."""
        ...

    def after(self, n_samples: int, /) -> int:
        """Return the number of frames of a clip."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """How to embed with one architecture; the defaults suit the wav2vec 2.0 kind.

    A family answers these questions: which class of transformers has the encoder, which feature
    extractor prepares a clip, how many frames of the encoder cover it, how clips of different
    lengths share a batch, and which weights every embedding needs.

    Attributes
    ----------
    extractor : str
        Class of the feature extractor in transformers.
    input_name : str
        Key of what the extractor returns.
    settings : tuple of str
        Settings of the extractor that change the input; part of the fingerprint.
    parts : tuple of str
        Beginnings of the names of weights that every embedding needs. Other weights of a
        fine-tuned checkpoint (lm_head, classifier, quantizer, adapter ...) may stay unused.
    contexts : tuple of str
        What the encoder can be given around a clip, the default first; empty where the clip is
        all that it is given.
    context : str
        Which of them is used.
    one_by_one_because : str
        Why clips of different lengths cannot share a batch; empty where they can.
    only_last_because : str
        Why only the output of the last layer can be used; empty where others can.
    encoder_class : str
        Module below ``transformers.models`` and class of the encoder, for checkpoints that
        contain more than it; by default what ``AutoModel`` returns.
    inside : str
        Regular expression of what comes before the names of the encoder's weights in such a
        checkpoint; only these weights are read.
    part_config : str
        Where the encoder's config is in such a checkpoint's config, if it is a part of it.
    """

    extractor: str = "Wav2Vec2FeatureExtractor"
    input_name: str = "input_values"
    settings: tuple[str, ...] = (
        "do_normalize",
        "sampling_rate",
        "padding_value",
        "return_attention_mask",
    )
    parts: tuple[str, ...] = ("feature_extractor.", "feature_projection.", "encoder.")
    contexts: tuple[str, ...] = ()
    context: str = ""
    one_by_one_because: str = ""
    only_last_because: str = ""
    encoder_class: str = ""
    inside: str = ""
    part_config: str = ""

    def in_context(self: _Self, context: str) -> _Self:
        """Return the family with another context.

        Raises
        ------
        ModelError
            If it has no such context; the choices are listed.
        """
        if context not in self.contexts:
            offered = (
                f"expected {' or '.join(self.contexts)}"
                if self.contexts
                else "this architecture always gets the clip as it is"
            )
            raise ModelError(f"context={context}: no such context; {offered}.")
        return replace(self, context=context)

    def load(self, folder: str, **arguments: Any) -> tuple[Any, dict[str, Any]]:
        """Return the model of a folder, and what transformers reports about its weights.

        Parameters
        ----------
        folder : str
            With ``config.json`` and weights.
        **arguments
            For ``from_pretrained``.
        """
        from transformers import AutoConfig, AutoModel

        loaded: tuple[Any, dict[str, Any]]
        if not self.encoder_class:
            loaded = AutoModel.from_pretrained(folder, trust_remote_code=False, **arguments)
            return loaded
        module, _, name = self.encoder_class.rpartition(".")
        encoder = getattr(importlib.import_module(f"transformers.models.{module}"), name)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        loaded = encoder.from_pretrained(
            folder,
            config=getattr(config, self.part_config) if self._is_part(config) else config,
            key_mapping={self.inside: ""},
            **arguments,
        )
        return loaded

    def load_extractor(self, folder: str) -> tuple[str, Any]:
        """Return the class name of a folder's feature extractor, and the extractor."""
        from transformers import AutoFeatureExtractor

        extractor = AutoFeatureExtractor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        return type(extractor).__name__, extractor

    def _is_part(self, config: Any) -> bool:
        return bool(self.part_config) and hasattr(config, self.part_config)

    def encoder(self, model: Any) -> Any:
        """Return the part of a loaded model that embeds."""
        return model

    def parts_of(self, model: Any) -> tuple[str, ...]:
        """Return the beginnings of the names of weights that every embedding needs."""
        return self.parts

    def fitted(self: _Self, encoder: Any, extractor: Any) -> _Self:
        """Return the family for one checkpoint, with what has to be tried out.

        Raises
        ------
        ModelError
            If the encoder cannot be used.
        """
        return self

    def described(self, extractor: Any) -> Mapping[str, Any]:
        """Return the settings of an extractor for the fingerprint."""
        return {key: getattr(extractor, key) for key in self.settings}

    def problem(self, extractor: Any, config: Any) -> str:
        """Return why an extractor does not fit an encoder; empty if it does."""
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Return how many frames cover a clip of any length."""
        return convolutions(config)

    def longest(self, config: Any, extractor: Any) -> int | None:
        """Return the length of the longest clip, in samples; None if there is no limit."""
        return None

    def most_clips(self) -> int | None:
        """Return how many clips may share a batch; None where only their lengths count."""
        return None

    def n_layers(self, config: Any) -> int:
        """Return the number of layers that can be chosen."""
        return int(config.num_hidden_layers)

    def stack(self, encoder: Any) -> Any:
        """Return the module whose ``layers`` are the encoder's."""
        return getattr(encoder, "encoder", None)

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return one clip as the encoder takes it, without a batch axis, time first."""
        inputs = extractor(waveform, sampling_rate=extractor.sampling_rate, return_tensors="np")
        return torch.from_numpy(np.ascontiguousarray(inputs[self.input_name][0], np.float32))

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return prepared clips as a batch, with zeros after each, and its attention mask."""
        batch = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
        lengths = torch.tensor([len(clip) for clip in clips])
        return batch, valid_positions(lengths, batch.shape[1]).long()

    def run(self, encoder: Any, batch: torch.Tensor, **arguments: Any) -> Any:
        """Run the encoder on a batch.

        Parameters
        ----------
        encoder : object
            From `encoder`.
        batch : torch.Tensor
            From `pad`, or one clip of `prepare` with a batch axis.
        **arguments
            ``output_hidden_states``, and ``attention_mask`` where `pad` returns one.

        Returns
        -------
        object
            With ``last_hidden_state``, and ``hidden_states`` where they are asked for.
        """
        return encoder(batch, **arguments)

    def covered(self, hidden: torch.Tensor, n_frames: int, config: Any) -> torch.Tensor:
        """Return the frames that a clip covers, of one clip's hidden states.

        Parameters
        ----------
        hidden : torch.Tensor, shape (n_positions, width)
            What the encoder returns for the clip, without a batch axis.
        n_frames : int
            From `frames`.
        config : object
            Of the encoder.

        Returns
        -------
        torch.Tensor, shape (n_frames, width)
        """
        return hidden[:n_frames]

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change an encoder so that padding changes no embedding."""
        return ValidFrames(encoder, convolutions(encoder.config)).of

    def width(self, config: Any) -> int:
        """Return the width of a frame of the encoder."""
        return int(config.hidden_size)

    def adapter_width(self, config: Any) -> int | None:
        """Return the width of an adapter after the last layer, None where there is none."""
        adapted = getattr(config, "add_adapter", False)
        return int(config.output_hidden_size) if adapted else None


def no_padding(lengths: Sequence[int]) -> AbstractContextManager[None]:
    """Return a context that changes nothing, for encoders that ignore padding by themselves."""
    return nullcontext()


def valid_positions(counts: torch.Tensor, n_positions: int) -> torch.Tensor:
    """Return which positions of each row are below its count, shape (n_rows, n_positions)."""
    return torch.arange(n_positions, device=counts.device) < counts[:, None]


def convolutions(config: Any) -> FrameCounts:
    """Return the frame counts of the convolutions of a config of the wav2vec 2.0 kind."""
    return FrameCounts(tuple(config.conv_kernel), tuple(config.conv_stride))
