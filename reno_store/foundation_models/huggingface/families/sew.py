"""SEW and SEW-D: the wav2vec 2.0 kind with a transformer on squeezed frames.

Every two frames are averaged before the transformer and expanded after it. A last frame without
a partner does not reach the transformer, and transformers returns zeros for it; those are left out
of the pooling.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from reno_store.foundation_models.huggingface.families.base import (
    Family,
    Frames,
    IgnorePadding,
    convolutions,
    valid_positions,
)
from reno_store.foundation_models.huggingface.valid_frames import FrameCounts, ValidFrames

__all__ = ["SqueezedEncoder"]


@dataclass(frozen=True, slots=True)
class _WholeGroups:
    """Frames in whole groups of `size`."""

    counts: FrameCounts
    size: int

    @property
    def shortest(self) -> int:
        return FrameCounts(
            (*self.counts.kernels, self.size), (*self.counts.strides, self.size)
        ).shortest

    def after(self, n_samples: int) -> int:
        return self.counts.after(n_samples) // self.size * self.size


@dataclass(frozen=True, slots=True)
class SqueezedEncoder(Family):
    """SEW and SEW-D."""

    parts: tuple[str, ...] = (
        "feature_extractor.",
        "layer_norm.",
        "feature_projection.",
        "encoder.",
    )
    only_last_because: str = "its lower layers have fewer frames than its output"

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the frames that reach the transformer, one every 20 ms at the published strides."""
        return _WholeGroups(convolutions(config), config.squeeze_factor)

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Have the transformer attend to whole groups of valid frames only.

        The encoder's own mask includes a group of which only a part is valid.
        """
        config = encoder.config
        valid = ValidFrames(encoder, convolutions(config))
        inner = encoder.encoder
        layers = inner.layers if hasattr(inner, "layers") else inner.encoder.layer
        n_groups: list[int] = []

        def mask(_: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
            if not n_groups:
                return None
            hidden, *others = inputs
            counts = torch.tensor(n_groups, device=hidden.device)
            attended = valid_positions(counts, hidden.shape[1])[:, None, None]
            if "attention_mask" in named:
                return inputs, {**named, "attention_mask": attended}
            return (hidden, attended, *others[1:]), named

        for layer in layers:
            layer.register_forward_pre_hook(mask, with_kwargs=True)

        @contextlib.contextmanager
        def of(lengths: Sequence[int]) -> Iterator[None]:
            counts = convolutions(config)
            n_groups[:] = [counts.after(length) // config.squeeze_factor for length in lengths]
            try:
                with valid.of(lengths):
                    yield
            finally:
                n_groups.clear()

        return of
