"""Pooling over time: many frames in, one embedding out."""

from __future__ import annotations

import torch

__all__ = ["mean_over_time"]


def mean_over_time(frames: torch.Tensor) -> torch.Tensor:
    """Average a clip's frames, as the paper does ("average pooling", section II).

    Parameters
    ----------
    frames : torch.Tensor, shape (n_frames, dim)
        The last hidden state of one clip, without padding.

    Returns
    -------
    torch.Tensor of float32, shape (dim,)
        Summed in float32 whatever the precision of the frames.
    """
    return frames.float().mean(dim=0)
