"""The convolutional blocks on a CPU; the first is differentiated at each window's maximum alone.

Max-pooling keeps one number per window, and only that one has a gradient. So the first
convolution is computed without recording, a few clips at a time to stay in the cache, and only
each window's maximum and its place are kept. The gradient of the weights is a sum over the
three inputs of each maximum.

Channels come last in memory, as torch's vectorized pooling needs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import adaptive_max_pool2d, conv2d, max_pool2d, pad

__all__ = ["convolve_and_pool", "convolve_twice"]

_BYTES_IN_CACHE = 2**21


def convolve_twice(
    signals: torch.Tensor, first: nn.Conv1d, second: nn.Conv1d, lengths: tuple[int | None, ...]
) -> torch.Tensor:
    """Compute both convolutional blocks.

    Parameters
    ----------
    signals : torch.Tensor, shape (batch, n_features)
        Embeddings; they get no gradient.
    first, second : torch.nn.Conv1d
        Filters of size 3 with a padding of 1.
    lengths : tuple of int or None
        Positions left by each pool; None pools by 2.

    Returns
    -------
    torch.Tensor, shape (batch, n_channels, n_tokens)
        With first derivatives only.
    """
    # ReLU comes after the pool: the result is the same, and there are fewer numbers.
    channels = convolve_and_pool(signals, first.weight, first.bias, lengths[0]).relu()
    channels = conv2d(channels, second.weight.unsqueeze(2), second.bias, padding=(0, 1))
    return _pool(channels, lengths[1])[0].relu().squeeze(2)


def convolve_and_pool(
    signals: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    length: int | None,
) -> torch.Tensor:
    """Convolve signals of one channel with filters of size 3, and take each window's maximum.

    Parameters
    ----------
    signals : torch.Tensor, shape (batch, n_features)
        Padded with zeros; they get no gradient.
    weight : torch.Tensor, shape (n_channels, 1, 3)
        Filters, as in `torch.nn.Conv1d`.
    bias : torch.Tensor, shape (n_channels,)
        Added to each filter's output.
    length : int or None
        Windows of adaptive pooling; None pools by 2.

    Returns
    -------
    torch.Tensor, shape (batch, n_channels, 1, n_windows), channels last
        With first derivatives only.
    """
    pooled: torch.Tensor = _Winners.apply(signals, weight, bias, length)  # type: ignore[no-untyped-call]
    return pooled


def _pool(channels: torch.Tensor, length: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Max-pool (batch, n_channels, 1, n) to `length` windows or by 2; return the places too."""
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
        is_recorded = any(ctx.needs_input_grad)
        parts = [
            _pool(_convolve(padded[rows], weight), length)[: 1 + is_recorded]
            for rows in _pieces(signals, signals.shape[1] * len(bias))
        ]
        pooled, *places = (
            torch.cat(each) if len(each) > 1 else each[0] for each in zip(*parts, strict=True)
        )
        ctx.save_for_backward(padded, *places)
        # The bias does not change which number is the maximum, so it is added afterwards.
        return (pooled + bias.view(1, -1, 1, 1)).contiguous(memory_format=torch.channels_last)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        padded, places = ctx.saved_tensors
        n_features = padded.shape[1] - 2
        # (batch, n_windows, n_channels), contiguous
        gradient, places = (each[:, :, 0].transpose(1, 2) for each in (gradient, places))
        flat = places.reshape(len(places), -1)
        cut = _pieces(gradient, gradient[0].numel())
        sums = gradient.new_zeros(3, *gradient[cut[0]].shape)
        room = gradient.new_empty(sums.shape[1], flat.shape[1])
        for rows in cut:
            piece = gradient[rows]
            for k in range(3):
                inputs = room[: len(piece)]
                torch.gather(padded[rows, k : k + n_features], 1, flat[rows], out=inputs)
                sums[k, : len(piece)].addcmul_(inputs.view_as(piece), piece)
        of_weight = sums.sum(dim=(1, 2)).t()
        return None, of_weight.unsqueeze(1), gradient.sum(dim=(0, 1)), None


def _convolve(padded: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Convolve (batch, n_features + 2), without bias: (batch, n_channels, 1, n_features)."""
    n_clips, width = padded.shape
    if padded.dtype == torch.float32:
        # With one channel, only the strides tell torch that channels come last.
        images = padded.as_strided((n_clips, 1, 1, width), (width, 1, width, 1))
        return conv2d(images, weight.unsqueeze(2).contiguous(memory_format=torch.channels_last))
    convolved = torch.mm(padded.unfold(1, 3, 1).reshape(-1, 3), weight[:, 0].t())
    return convolved.view(n_clips, 1, width - 2, len(weight)).permute(0, 3, 1, 2)


def _pieces(batch: torch.Tensor, n_numbers: int) -> list[slice]:
    """Cut a batch into pieces of clips, each of `n_numbers`, that fit into the cache."""
    size = min(max(_BYTES_IN_CACHE // (n_numbers * batch.element_size()), 1), len(batch))
    return [slice(start, start + size) for start in range(0, len(batch), size)]
