"""Multi-head self-attention over tokens, Eq. 1 of the paper."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["SelfAttention"]


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √d_k) V over the tokens of one clip (Eq. 1).

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
        attended, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        normed: torch.Tensor = self.norm(tokens + attended if self.residual else attended)
        return normed
