"""The paper's RENO in plain layers, as people write it: what ours is compared with.

Each layer stands in the order of the paper and is recorded by autograd as it is. Weights have
the names that they have in `reno_store.estimators.networks`, so one can be given the other's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from reno_store.estimators.networks.outputs import Prediction

__all__ = ["PlainConvolution", "PlainRENO"]


class PlainConvolution(nn.Module):
    """Conv1d, ReLU and max-pooling, twice; adaptive to `n_tokens`, or by 2."""

    def __init__(self, n_features: int, n_tokens: int | None) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 32, 3, padding=1)
        self.second = nn.Conv1d(32, 64, 3, padding=1)
        self.pools: tuple[nn.Module, nn.Module]
        if n_tokens is None:
            self.n_tokens = n_features // 2 // 2
            self.pools = (nn.MaxPool1d(2), nn.MaxPool1d(2))
        else:
            self.n_tokens = min(n_tokens, n_features)
            between = round(math.sqrt(n_features * self.n_tokens))
            self.pools = (nn.AdaptiveMaxPool1d(between), nn.AdaptiveMaxPool1d(self.n_tokens))

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_features) to (batch, 64, n_tokens)."""
        channels = self.pools[0](self.first(embedding.unsqueeze(1)).relu())
        return self.pools[1](self.second(channels).relu())


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + self.attention(tokens, tokens, tokens)[0]


class _Branch(nn.Module):
    def __init__(self, n_features: int, n_tokens: int | None) -> None:
        super().__init__()
        self.convolution = PlainConvolution(n_features, n_tokens)
        self.attention = _Attention(64)
        self.align = nn.Linear(64 * self.convolution.n_tokens, 256)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        tokens = self.attention(self.convolution(embedding).transpose(1, 2))
        return self.align(tokens.transpose(1, 2).flatten(1))


class _Dense(nn.Module):
    def __init__(self, n_features: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 512),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(512, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, n_classes),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers(features)


class PlainRENO(nn.Module):
    """RENO over two or more blocks, in plain layers."""

    def __init__(
        self,
        block_sizes: Sequence[int],
        n_classes: int,
        n_tokens: int | None,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.block_sizes = list(block_sizes)
        self.branches = nn.ModuleList(_Branch(size, n_tokens) for size in block_sizes)
        self.attention = _Attention(256)
        self.dense = _Dense(256 * len(block_sizes), n_classes, dropout)

    def forward(self, X: torch.Tensor) -> Prediction:
        """Map (batch, sum(block_sizes)) to logits and aligned blocks."""
        blocks = torch.split(X, self.block_sizes, dim=1)
        pairs = zip(self.branches, blocks, strict=True)
        aligned = torch.stack([branch(block) for branch, block in pairs], dim=1)
        return Prediction(self.dense(self.attention(aligned).flatten(1)), aligned)
