"""Linear layers in training, on whichever of torch's two CPU libraries is faster."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from reno_store.runtime.devices import onednn_is_faster

__all__ = ["linear", "project"]

_MIN_PRODUCTS = 2**22
"""With fewer, what oneDNN gains is lost on the way into its layout and back."""


def linear(input: torch.Tensor, layer: nn.Linear) -> torch.Tensor:  # noqa: A002
    """Apply a linear layer; its hooks are not called. See `project`."""
    return project(input, layer.weight, layer.bias)


def project(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """Do as `torch.nn.functional.linear`, by oneDNN where that is faster.

    Parameters
    ----------
    input : torch.Tensor, shape (..., in_features)
        On any device, of any precision.
    weight : torch.Tensor, shape (out_features, in_features)
        As of `torch.nn.Linear`.
    bias : torch.Tensor, shape (out_features,), or None
        One number an output.

    Returns
    -------
    torch.Tensor, shape (..., out_features)
        With gradients, but without gradients of gradients where oneDNN computes.
    """
    n_products = input.numel() * len(weight)
    if n_products >= _MIN_PRODUCTS and onednn_is_faster(input):
        dense: torch.Tensor = functional.linear(
            input.contiguous().to_mkldnn(), weight, bias
        ).to_dense()
        return dense
    return functional.linear(input, weight, bias)
