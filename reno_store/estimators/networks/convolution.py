"""The two convolutional blocks of the paper, over the features of one embedding."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import conv2d

from reno_store.estimators.networks.winners import convolve_and_pool, pool

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
        Positions that are left after pooling, at most `n_features`.

    Attributes
    ----------
    n_tokens : int
        Positions that are left.
    """

    def __init__(self, n_features: int, n_tokens: int | None) -> None:
        super().__init__()
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
        first, second = self.first, self.second
        # ReLU comes after the pool: the maximum of what is cut off at zero is the maximum
        # cut off at zero, and there are fewer numbers to cut.
        channels = convolve_and_pool(embedding, first.weight, _bias(first), self.lengths[0]).relu()
        channels = conv2d(channels, second.weight.unsqueeze(2), second.bias, padding=(0, 1))
        channels, _ = pool(channels, self.lengths[1])
        return channels.relu().squeeze(2)


def _bias(layer: nn.Conv1d) -> torch.Tensor:
    bias = layer.bias
    if bias is None:
        raise TypeError("the convolution has no bias")
    return bias
