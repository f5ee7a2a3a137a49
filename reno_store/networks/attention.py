"""Multi-head self-attention over tokens, Eq. 1 of the paper."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from reno_store.networks.linear import linear, project

__all__ = ["SelfAttention", "attend"]


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √d_k) V over the tokens of one clip (Eq. 1).

    The parameters are those of a `torch.nn.MultiheadAttention`; what is computed with them is
    the same, in fewer passes over memory. Without gradients of gradients.

    Parameters
    ----------
    n_channels : int
        Width of a token.
    n_heads : int
        Heads; the paper uses 2 everywhere. Must divide `n_channels`.
    residual : bool
        Whether the tokens are added to what attention makes of them.
    layer_norm : bool
        Whether each token is normalised after that (LayerNorm).
    """

    def __init__(
        self, n_channels: int, n_heads: int, *, residual: bool = True, layer_norm: bool = True
    ) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(n_channels, n_heads, batch_first=True)
        self.residual = residual
        self.norm = nn.LayerNorm(n_channels) if layer_norm else nn.Identity()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_tokens, n_channels) to the same shape."""
        layer = self.attention
        projected = project(tokens, layer.in_proj_weight, layer.in_proj_bias)
        heads = attend(projected, layer.num_heads)
        attended = linear(heads, layer.out_proj)
        normed: torch.Tensor = self.norm(tokens + attended if self.residual else attended)
        return normed


def attend(projected: torch.Tensor, n_heads: int) -> torch.Tensor:
    """Eq. 1 in each head: (batch, n_tokens, 3 * n_channels) -> (batch, n_tokens, n_channels)."""
    attended: torch.Tensor = _Heads.apply(projected, n_heads)  # type: ignore[no-untyped-call]
    return attended


class _Heads(torch.autograd.Function):
    """Eq. 1 in each head as one step of the graph.

    torch's own kernel is made for long sequences; on 26 tokens it spends as long on layouts
    as on products.
    """

    @staticmethod
    def forward(ctx: Any, projected: torch.Tensor, n_heads: int) -> torch.Tensor:
        n_clips, n_tokens, width = projected.shape
        d_k = width // 3 // n_heads
        # (3, batch * n_heads, n_tokens, d_k)
        split = projected.view(n_clips, n_tokens, 3, n_heads, d_k).permute(2, 0, 3, 1, 4)
        q, k, v = split.reshape(3, n_clips * n_heads, n_tokens, d_k)
        weights = torch.bmm(q, k.transpose(1, 2)).div_(math.sqrt(d_k)).softmax(dim=-1)
        ctx.save_for_backward(q, k, v, weights)
        ctx.shape = (n_clips, n_heads, n_tokens, d_k)
        attended = torch.bmm(weights, v).view(ctx.shape)
        return attended.transpose(1, 2).reshape(n_clips, n_tokens, n_heads * d_k)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        q, k, v, weights = ctx.saved_tensors
        n_clips, n_heads, n_tokens, d_k = ctx.shape
        gradient = gradient.reshape(n_clips, n_tokens, n_heads, d_k).transpose(1, 2)
        gradient = gradient.reshape(n_clips * n_heads, n_tokens, d_k)
        of_weights = torch.bmm(gradient, v.transpose(1, 2))
        # Through the softmax and the division by √d_k.
        of_scores = of_weights.sub_((of_weights * weights).sum(dim=-1, keepdim=True))
        of_scores.mul_(weights).div_(math.sqrt(d_k))
        of_split = torch.stack(
            [
                torch.bmm(of_scores, k),
                torch.bmm(of_scores.transpose(1, 2), q),
                torch.bmm(weights.transpose(1, 2), gradient),
            ]
        )
        of_split = of_split.view(3, n_clips, n_heads, n_tokens, d_k).permute(1, 3, 0, 2, 4)
        return of_split.reshape(n_clips, n_tokens, 3 * n_heads * d_k), None
