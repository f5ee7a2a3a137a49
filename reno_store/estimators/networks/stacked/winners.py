"""`reno_store.estimators.networks.winners` with filters of many networks at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from reno_store.estimators.networks.winners import convolve, pieces, pool

__all__ = ["convolve_and_pool"]


def convolve_and_pool(
    signals: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, length: int | None
) -> torch.Tensor:
    """Convolve each member's signals with its filters of size 3, and take windows' maxima.

    Parameters
    ----------
    signals : torch.Tensor, shape (members, rows, n_features)
        Zeros are put around them. They get no gradient.
    weight : torch.Tensor, shape (members, n_channels, 1, 3)
        Filters.
    bias : torch.Tensor, shape (members, n_channels)
        One number a filter.
    length : int or None
        Windows of adaptive pooling; None pools by 2.

    Returns
    -------
    torch.Tensor, shape (members, rows, n_windows, n_channels)
        Without gradients of gradients.
    """
    pooled: torch.Tensor = _Winners.apply(signals, weight, bias, length)  # type: ignore[no-untyped-call]
    return pooled


class _Winners(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        signals: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        length: int | None,
    ) -> torch.Tensor:
        n_members, n_rows, n_features = signals.shape
        n_channels = bias.shape[1]
        padded = pad(signals, (1, 1)).view(n_members * n_rows, n_features + 2)
        is_recorded = any(ctx.needs_input_grad)
        parts = [
            pool(convolved, length)[: 1 + is_recorded]
            for convolved in _convolved(padded, weight, n_rows)
        ]
        pooled, *places = (
            torch.cat([part[:, :, 0].transpose(1, 2) for part in each])
            for each in zip(*parts, strict=True)
        )
        ctx.save_for_backward(padded, *places)
        return pooled.view(n_members, n_rows, -1, n_channels) + bias.view(n_members, 1, 1, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        padded, places = ctx.saved_tensors
        n_members, n_rows, n_windows, n_channels = gradient.shape
        n_features = padded.shape[1] - 2
        flat_gradient = gradient.reshape(len(padded), n_windows, n_channels)
        flat = places.reshape(len(padded), n_windows * n_channels)
        of_weight = gradient.new_empty(len(padded), n_channels, 3)
        for rows in pieces(flat_gradient, n_windows * n_channels):
            piece = flat_gradient[rows]
            for k in range(3):
                inputs = torch.gather(padded[rows, k : k + n_features], 1, flat[rows])
                of_weight[rows, :, k] = inputs.view_as(piece).mul_(piece).sum(dim=1)
        of_weight = of_weight.view(n_members, n_rows, n_channels, 3).sum(dim=1)
        return None, of_weight.unsqueeze(2), gradient.sum(dim=(1, 2)), None


def _convolved(padded: torch.Tensor, weight: torch.Tensor, n_rows: int) -> Iterator[torch.Tensor]:
    """Convolve each member's rows without bias, in pieces: (rows, n_channels, 1, n_features)."""
    way = _member_by_member if padded.device.type == "cpu" else _batched
    yield from way(padded, weight, n_rows)


def _member_by_member(
    padded: torch.Tensor, weight: torch.Tensor, n_rows: int
) -> Iterator[torch.Tensor]:
    width = padded.shape[1] - 2
    for member, filters in enumerate(weight):
        own = padded[member * n_rows : (member + 1) * n_rows]
        for rows in pieces(own, width * len(filters)):
            yield convolve(own[rows], filters)


def _batched(padded: torch.Tensor, weight: torch.Tensor, n_rows: int) -> Iterator[torch.Tensor]:
    n_members, n_channels = weight.shape[:2]
    width = padded.shape[1] - 2
    windows = padded.unfold(1, 3, 1).view(n_members, n_rows, width, 3)
    for members in pieces(windows, n_rows * width * n_channels):
        own = windows[members].reshape(-1, n_rows * width, 3)
        convolved = torch.bmm(own, weight[members, :, 0].transpose(1, 2))
        yield convolved.view(-1, 1, width, n_channels).permute(0, 3, 1, 2)
