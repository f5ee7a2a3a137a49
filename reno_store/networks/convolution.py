"""The two convolutional blocks of the paper, over the features of one embedding."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["N_CHANNELS", "ConvolutionalBlocks"]

N_CHANNELS = 64
"""Channels of each token: the filters of the second convolution."""


class ConvolutionalBlocks(nn.Module):
    """Conv1d of 32 and 64 filters, size 3, max-pooling after each (paper, section III).

    The embedding is read as a signal of one channel. The paper does not give the pool's
    size. With `n_tokens` the pooling is adaptive: the first goes to the geometric mean of
    the two lengths, the second to `n_tokens` positions, so that the parameters are those
    of the paper for every input size. With None both pool by 2.

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
        first: nn.Module
        second: nn.Module
        if n_tokens is None:
            # A pool over fewer than two positions leaves them as they are.
            between = max(n_features // 2, 1)
            self.n_tokens = max(between // 2, 1)
            first = nn.MaxPool1d(2) if n_features >= 2 else nn.Identity()
            second = nn.MaxPool1d(2) if between >= 2 else nn.Identity()
        else:
            self.n_tokens = min(n_tokens, n_features)
            between = round(math.sqrt(n_features * self.n_tokens))
            first = nn.AdaptiveMaxPool1d(between)
            second = nn.AdaptiveMaxPool1d(self.n_tokens)
        self.layers = nn.Sequential(
            nn.Conv1d(1, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            first,
            nn.Conv1d(32, N_CHANNELS, kernel_size=3, padding=1),
            nn.ReLU(),
            second,
        )

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_features) to (batch, 64, n_tokens)."""
        channels: torch.Tensor = self.layers(embedding.unsqueeze(1))
        return channels
