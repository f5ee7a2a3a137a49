"""The output of a network for a batch."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["Prediction"]


class Prediction(NamedTuple):
    """Output of one forward pass.

    Attributes
    ----------
    logits : torch.Tensor, shape (batch, n_classes)
        Scores before the softmax.
    aligned : torch.Tensor, shape (batch, n_blocks, align_dim), or None
        Each block's features after alignment, before their softmax; None where the
        network does not compare blocks.
    """

    logits: torch.Tensor
    aligned: torch.Tensor | None = None
