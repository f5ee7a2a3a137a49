"""Two networks over two or more embeddings of a clip: concatenation, and RENO (Fig. 1).

Data flow: each block of X -> its convolutional blocks -> (RENO: self-attention over the
positions) -> flattened -> aligned to a common width -> (RENO: self-attention over the
blocks) -> concatenated -> dense block. The baseline is the same network without the
attention and, through its loss, without the divergence, as section IV-B says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch
from torch import nn

from reno_store.estimators.networks.attention import Norm, SelfAttention
from reno_store.estimators.networks.convolution import N_CHANNELS, ConvolutionalBlocks
from reno_store.estimators.networks.dense import DenseBlock, input_dropout_layer, linear
from reno_store.estimators.networks.outputs import Prediction

__all__ = ["RENO", "Branch", "Concat"]

_MakeAttention: TypeAlias = Callable[[int], SelfAttention] | None
"""Width of a token -> attention over such tokens; None: no attention."""


class Branch(nn.Module):
    """One block of X: (batch, n_features) -> (batch, align_dim)."""

    def __init__(
        self, n_features: int, n_tokens: int | None, align_dim: int, attention: _MakeAttention
    ) -> None:
        super().__init__()
        self.convolution = ConvolutionalBlocks(n_features, n_tokens)
        self.attention = None if attention is None else attention(N_CHANNELS)
        self.n_tokens = self.convolution.n_tokens
        self.align = nn.Linear(N_CHANNELS * self.n_tokens, align_dim)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_features) to (batch, align_dim)."""
        channels = self.convolution(embedding)
        if self.attention is not None:
            # Positions are the tokens; a single flattened vector would attend to nothing.
            channels = self.attention(channels.transpose(1, 2)).transpose(1, 2)
        return linear(channels.flatten(1), self.align.weight, self.align.bias)


class RENO(nn.Module):
    """The paper's RENO (section III-A): 6.9 M parameters for two blocks of 768.

    Parameters
    ----------
    block_sizes : Sequence[int]
        Columns of each block of X.
    n_classes : int
        Width of the output.
    n_tokens : int or None
        Positions left after adaptive pooling; None pools by 2 after each convolution.
    align_dim : int
        Width that every block is aligned to.
    n_heads : int
        Heads of every self-attention; divides 64 and `align_dim`.
    attention : bool
        Whether there is any self-attention; without it this is `Concat`.
    residual, norm
        As for `SelfAttention`, for each of them.
    dropout : float
        Dropout after each hidden layer of the dense block.
    input_dropout : float
        Dropout on the embeddings themselves.

    Attributes
    ----------
    n_tokens : tuple of int
        Positions left of each block, at most its columns.
    """

    def __init__(
        self,
        block_sizes: Sequence[int],
        n_classes: int,
        *,
        n_tokens: int | None = None,
        align_dim: int = 256,
        n_heads: int = 2,
        attention: bool = True,
        residual: bool = True,
        norm: Norm = None,
        dropout: float = 0.3,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        make = partial(SelfAttention, n_heads=n_heads, residual=residual, norm=norm)
        self.input_dropout = input_dropout_layer(input_dropout)
        self.block_sizes = tuple(block_sizes)
        branches = [
            Branch(size, n_tokens, align_dim, make if attention else None)
            for size in self.block_sizes
        ]
        self.n_tokens = tuple(branch.n_tokens for branch in branches)
        self.branches = nn.ModuleList(branches)
        self.attention = make(align_dim) if attention else None
        self.dense = DenseBlock(align_dim * len(self.block_sizes), n_classes, dropout)

    def forward(self, X: torch.Tensor) -> Prediction:
        """Map (batch, sum(block_sizes)) to logits and (batch, n_blocks, align_dim)."""
        blocks = torch.split_with_sizes(self.input_dropout(X), self.block_sizes, dim=1)
        aligned = torch.stack(
            [branch(block) for branch, block in zip(self.branches, blocks, strict=True)], dim=1
        )
        fused = aligned if self.attention is None else self.attention(aligned)
        return Prediction(self.dense(fused.flatten(1)), aligned)


class Concat(RENO):
    """The paper's baseline: concatenation of the aligned blocks, without attention.

    Parameters
    ----------
    block_sizes, n_classes, n_tokens, align_dim, dropout, input_dropout
        As for `RENO`.
    """

    def __init__(
        self,
        block_sizes: Sequence[int],
        n_classes: int,
        *,
        n_tokens: int | None = None,
        align_dim: int = 256,
        dropout: float = 0.3,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__(
            block_sizes,
            n_classes,
            n_tokens=n_tokens,
            align_dim=align_dim,
            attention=False,
            dropout=dropout,
            input_dropout=input_dropout,
        )
