"""Linear layers of many networks at once."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

__all__ = ["project"]


def project(inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Apply each member's linear layer to its rows.

    Parameters
    ----------
    inputs : torch.Tensor, shape (members, rows, in_features)
        Inputs.
    weight : torch.Tensor, shape (members, out_features, in_features)
        As of `torch.nn.Linear`.
    bias : torch.Tensor, shape (members, out_features)
        One number an output.

    Returns
    -------
    torch.Tensor, shape (members, rows, out_features)
        Without gradients of gradients.
    """
    projected: torch.Tensor = _Project.apply(inputs, weight, bias)  # type: ignore[no-untyped-call]
    return projected


class _Project(torch.autograd.Function):
    """Batched products.

    Autograd would give the weights' gradient transposed, and the optimiser would copy all of
    it at each step: four times its own work.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(inputs, weight)
        return torch.baddbmm(bias.unsqueeze(1), inputs, weight.transpose(1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        inputs, weight = ctx.saved_tensors
        of_inputs = torch.bmm(gradient, weight) if ctx.needs_input_grad[0] else None
        of_weight = torch.bmm(gradient.transpose(1, 2), inputs)
        return of_inputs, of_weight, gradient.sum(dim=1)
