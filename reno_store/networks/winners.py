"""A convolution of one channel and the max-pooling after it, differentiated at the winners alone.

Of all that a convolution computes, max-pooling lets one number a window through, and only
that one carries a gradient. So the convolution is computed without recording, a few clips at
a time so that it stays in cache, and forgotten but for each window's winner and where it
stood; the gradient of the weights is a sum over the three inputs of each winner. The numbers
and gradients are those of the plain layers; the work behind them is a fraction.

Data lies with channels last, as torch's vectorised pooling wants it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import adaptive_max_pool2d, max_pool2d, pad

__all__ = ["convolve_and_pool", "pool"]

_BYTES_IN_CACHE = 2**21
_BYTES_ON_A_GPU = 2**28


def convolve_and_pool(
    signals: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, length: int | None
) -> torch.Tensor:
    """Convolve signals of one channel with filters of size 3, and take each window's maximum.

    Parameters
    ----------
    signals : torch.Tensor, shape (batch, n_features)
        Zeros are put around them.
    weight : torch.Tensor, shape (n_channels, 1, 3)
        Filters, as of `torch.nn.Conv1d`.
    bias : torch.Tensor, shape (n_channels,)
        One number a filter.
    length : int or None
        Windows of adaptive pooling; None pools by 2.

    Returns
    -------
    torch.Tensor, shape (batch, n_channels, 1, n_windows), channels last
        Without gradients of gradients.
    """
    pooled: torch.Tensor = _Winners.apply(signals, weight, bias, length)  # type: ignore[no-untyped-call]
    return pooled


def pool(channels: torch.Tensor, length: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Max-pool (batch, n_channels, 1, n) to `length` windows, or by 2; give the winners' places.

    A pool by 2 over fewer than two positions leaves them as they are.
    """
    if length is None and channels.shape[-1] >= 2:
        pooled, places = max_pool2d(channels, (1, 2), return_indices=True)
    else:
        length = channels.shape[-1] if length is None else length
        pooled, places = adaptive_max_pool2d(channels, (1, length), return_indices=True)
    return pooled, places


class _Winners(torch.autograd.Function):
    """Convolution and pooling as one step of the graph."""

    @staticmethod
    def forward(
        ctx: Any,
        signals: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        length: int | None,
    ) -> torch.Tensor:
        n_features, n_channels = signals.shape[1], len(bias)
        padded = pad(signals, (1, 1))
        windows = padded.unfold(1, 3, 1)
        filters = weight[:, 0].t()
        n_bytes = n_features * n_channels * signals.element_size()
        limit = _BYTES_IN_CACHE if signals.device.type == "cpu" else _BYTES_ON_A_GPU
        parts = []
        step = min(max(limit // n_bytes, 1), len(signals))
        room = signals.new_empty(step * n_features, n_channels)
        for piece in torch.split(windows, step):
            convolved = room[: len(piece) * n_features]
            torch.mm(piece.reshape(-1, 3), filters, out=convolved)
            channels_last = convolved.view(len(piece), 1, n_features, n_channels)
            parts.append(pool(channels_last.permute(0, 3, 1, 2), length))
        pooled, places = (
            torch.cat(each) if len(each) > 1 else each[0] for each in zip(*parts, strict=True)
        )
        ctx.save_for_backward(padded, weight, places)
        # The bias moves the maximum and not the winner, so the few that won can have it.
        return (pooled + bias.view(1, -1, 1, 1)).contiguous(memory_format=torch.channels_last)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        padded, weight, places = ctx.saved_tensors
        n_features = padded.shape[1] - 2
        # (batch, n_windows, n_channels), which lies in one piece
        gradient, places = (each[:, :, 0].transpose(1, 2) for each in (gradient, places))
        flat = places.reshape(len(places), -1)
        inputs = [padded[:, k : k + n_features].gather(1, flat).view_as(gradient) for k in range(3)]
        of_weight = torch.stack([(each * gradient).sum(dim=(0, 1)) for each in inputs], dim=1)
        of_signals = None
        if ctx.needs_input_grad[0]:
            scattered = torch.zeros_like(padded)
            for k in range(3):
                shifted = scattered[:, k : k + n_features]
                shifted.scatter_add_(1, flat, (gradient * weight[:, 0, k]).flatten(1))
            of_signals = scattered[:, 1:-1]
        return of_signals, of_weight.unsqueeze(1), gradient.sum(dim=(0, 1)), None
