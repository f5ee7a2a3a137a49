"""The two convolutional blocks of the paper, over the features of one embedding."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import adaptive_max_pool1d, max_pool1d

from reno_store.estimators.networks import fast_cpu

__all__ = ["N_CHANNELS", "ConvolutionalBlocks"]

N_CHANNELS = 64
"""Channels of each token: the filters of the second convolution."""


class ConvolutionalBlocks(nn.Module):
    """Conv1d of 32 and 64 filters, size 3, max-pooling after each (paper, section III).

    The embedding is read as a signal of one channel. The paper does not give the size of
    the pools. With None both pool by 2. With `n_tokens` the pooling is adaptive: the first
    goes to the geometric mean of the two lengths, the second to `n_tokens` positions, so
    that the number of parameters does not depend on the size of the embedding.

    Parameters
    ----------
    n_features : int
        Length of an embedding.
    n_tokens : int or None
        Positions left after pooling, at most `n_features`.

    Attributes
    ----------
    n_features, n_tokens : int
        Positions before the first convolution, and after the second pool.
    """

    def __init__(self, n_features: int, n_tokens: int | None) -> None:
        super().__init__()
        self.n_features = n_features
        if n_tokens is None:
            self.lengths: tuple[int | None, int | None] = (None, None)
            self.n_tokens = max(max(n_features // 2, 1) // 2, 1)
        else:
            self.n_tokens = min(n_tokens, n_features)
            self.lengths = (round(math.sqrt(n_features * self.n_tokens)), self.n_tokens)
        self.first = nn.Conv1d(1, 32, kernel_size=3, padding=1)
        self.second = nn.Conv1d(32, N_CHANNELS, kernel_size=3, padding=1)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_features) to (batch, 64, n_tokens)."""
        if fast_cpu.is_used(embedding) and not embedding.requires_grad:
            return fast_cpu.convolve_twice(embedding, self.first, self.second, self.lengths)
        channels = embedding.unsqueeze(1)
        for convolution, length in zip((self.first, self.second), self.lengths, strict=True):
            channels = _pool(convolution(channels), length).relu()
        return channels


def _pool(channels: torch.Tensor, length: int | None) -> torch.Tensor:
    """Max-pool (batch, n_channels, n) to `length` positions, or by 2 where there are two."""
    if length is not None:
        return adaptive_max_pool1d(channels, length)
    return max_pool1d(channels, 2) if channels.shape[-1] >= 2 else channels
