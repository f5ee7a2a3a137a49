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
from torch.nn.functional import adaptive_max_pool2d, conv2d, max_pool2d, pad

__all__ = ["convolve", "convolve_and_pool", "pieces", "pool"]

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
        padded = pad(signals, (1, 1))
        # Nobody asks where the winners stood if there is no gradient.
        is_recorded = any(ctx.needs_input_grad)
        parts = [
            pool(convolve(padded[rows], weight), length)[: 1 + is_recorded]
            for rows in pieces(signals, signals.shape[1] * len(bias))
        ]
        pooled, *places = (
            torch.cat(each) if len(each) > 1 else each[0] for each in zip(*parts, strict=True)
        )
        ctx.save_for_backward(padded, weight, *places)
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
        cut = pieces(gradient, gradient[0].numel())
        sums = gradient.new_zeros(3, *gradient[cut[0]].shape)
        room = gradient.new_empty(sums.shape[1], flat.shape[1])
        for rows in cut:
            piece = gradient[rows]
            for k in range(3):
                inputs = room[: len(piece)]
                torch.gather(padded[rows, k : k + n_features], 1, flat[rows], out=inputs)
                sums[k, : len(piece)].addcmul_(inputs.view_as(piece), piece)
        of_weight = sums.sum(dim=(1, 2)).t()
        of_signals = None
        if ctx.needs_input_grad[0]:
            scattered = torch.zeros_like(padded)
            for k in range(3):
                shifted = scattered[:, k : k + n_features]
                shifted.scatter_add_(1, flat, (gradient * weight[:, 0, k]).flatten(1))
            of_signals = scattered[:, 1:-1]
        return of_signals, of_weight.unsqueeze(1), gradient.sum(dim=(0, 1)), None


def convolve(padded: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Convolve (batch, n_features + 2), without bias: (batch, n_channels, 1, n_features)."""
    n_clips, width = padded.shape
    if padded.device.type == "cpu" and padded.dtype == torch.float32:
        # The strides are what tells torch that channels come last, where there is one.
        images = padded.as_strided((n_clips, 1, 1, width), (width, 1, width, 1))
        return conv2d(images, weight.unsqueeze(2).contiguous(memory_format=torch.channels_last))
    windows = padded.unfold(1, 3, 1).reshape(-1, 3)
    convolved = torch.mm(windows, weight[:, 0].t())
    return convolved.view(n_clips, 1, width - 2, len(weight)).permute(0, 3, 1, 2)


def pieces(batch: torch.Tensor, n_numbers: int) -> list[slice]:
    """Cut a batch so that so many numbers a clip stay in cache."""
    limit = _BYTES_IN_CACHE if batch.device.type == "cpu" else _BYTES_ON_A_GPU
    size = min(max(limit // (n_numbers * batch.element_size()), 1), len(batch))
    return [slice(start, start + size) for start in range(0, len(batch), size)]
