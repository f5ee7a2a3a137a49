"""Multi-head self-attention over tokens, Eq. 1 of the paper."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from reno_store.estimators.networks import fast_cpu
from reno_store.estimators.networks.dense import linear

__all__ = ["Norm", "SelfAttention"]

Norm: TypeAlias = Literal["pre", "post"] | None
"""LayerNorm before the attention, after the residual sum, or none."""


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √d_k) V over the tokens of one clip (Eq. 1).

    The parameters and the result are those of `torch.nn.MultiheadAttention`. There are first
    derivatives only.

    Parameters
    ----------
    n_channels : int
        Width of a token.
    n_heads : int
        Heads; the paper uses 2 everywhere. Must divide `n_channels`.
    residual : bool
        Whether to add the tokens to the output of the attention.
    norm : "pre", "post" or None
        LayerNorm over each token before the attention, after the residual sum, or none.
    """

    def __init__(
        self, n_channels: int, n_heads: int, *, residual: bool = True, norm: Norm = None
    ) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(n_channels, n_heads, batch_first=True)
        self.residual = residual
        self.norm_first = norm == "pre"
        self.norm = nn.Identity() if norm is None else nn.LayerNorm(n_channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_tokens, n_channels) to the same shape."""
        layer = self.attention
        inputs = self.norm(tokens) if self.norm_first else tokens
        projected = linear(inputs, layer.in_proj_weight, layer.in_proj_bias)
        attended = _attend(projected, layer.num_heads)
        outputs = linear(attended, layer.out_proj.weight, layer.out_proj.bias)
        if self.residual:
            outputs = tokens + outputs
        normed: torch.Tensor = outputs if self.norm_first else self.norm(outputs)
        return normed


def _attend(projected: torch.Tensor, n_heads: int) -> torch.Tensor:
    """Compute Eq. 1 per head: (batch, n_tokens, 3 * n_channels) -> (..., n_channels).

    A CPU uses torch's blockwise kernel, which never holds the n_tokens x n_tokens weights:
    with 960 tokens it needs a third of the time, and 30 MB instead of 1 GB. A GPU's kernels
    would add up in any order, in TF32.
    """
    n_clips, n_tokens, width = projected.shape
    d_k = width // 3 // n_heads
    q, k, v = projected.view(n_clips, n_tokens, 3, n_heads, d_k).permute(2, 0, 3, 1, 4)
    if fast_cpu.is_used(projected):
        attended = scaled_dot_product_attention(q, k, v)
    else:
        attended = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(d_k), dim=-1) @ v
    return attended.transpose(1, 2).reshape(n_clips, n_tokens, n_heads * d_k)
