"""The two convolutional blocks of the paper, over the features of one embedding."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import adaptive_max_pool1d, pad

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
        signal = embedding.unsqueeze(2)
        for convolution, length in zip((self.first, self.second), self.lengths, strict=True):
            signal = _pool(_convolve(signal, convolution), length).relu()
        return signal.transpose(1, 2)


def _convolve(signal: torch.Tensor, layer: nn.Conv1d) -> torch.Tensor:
    """Convolve (batch, n, n_channels) with filters of size 3 and a padding of 1.

    It is a matrix product with each position and its two neighbours. Inside `torch.vmap` it
    becomes one batched product, where `torch.nn.functional.conv1d` becomes a grouped
    convolution, for whose gradient cuDNN launches a kernel per network.
    """
    padded = pad(signal, (0, 0, 1, 1))
    n = signal.shape[1]
    windows = torch.cat([padded[:, start : start + n] for start in range(3)], dim=2)
    weight = layer.weight.transpose(1, 2).flatten(1)  # (n_filters, 3 * n_channels)
    product = functional.linear(windows.flatten(0, 1), weight, layer.bias)
    return product.reshape(-1, n, layer.out_channels)


def _pool(signal: torch.Tensor, length: int | None) -> torch.Tensor:
    """Max-pool (batch, n, n_channels) to `length` positions, or by 2 where there are two."""
    if length is not None:
        return adaptive_max_pool1d(signal.transpose(1, 2), length).transpose(1, 2)
    n_pairs = signal.shape[1] // 2
    if not n_pairs:
        return signal
    # Not torch.maximum: where both are equal, it would divide the gradient between them.
    pairs = signal[:, : 2 * n_pairs].reshape(len(signal), n_pairs, 2, signal.shape[2])
    return pairs.max(dim=2).values
