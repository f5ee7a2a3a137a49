"""Linear layers by whichever of torch's two CPU libraries is faster."""

from __future__ import annotations

import torch
from torch.nn import functional

from reno_store.runtime.devices import onednn_is_faster

__all__ = ["project"]

_MIN_PRODUCTS = 2**22
"""Smaller products lose more by conversion to oneDNN's layout than they gain."""


def project(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """Compute `torch.nn.functional.linear`, with oneDNN where that is faster.

    Parameters
    ----------
    input : torch.Tensor, shape (..., in_features)
        Of any precision.
    weight : torch.Tensor, shape (out_features, in_features)
        As in `torch.nn.Linear`.
    bias : torch.Tensor, shape (out_features,), or None
        Added to each row.

    Returns
    -------
    torch.Tensor, shape (..., out_features)
        With first derivatives only where oneDNN computes.
    """
    n_products = input.numel() * len(weight)
    if n_products >= _MIN_PRODUCTS and onednn_is_faster(input):
        dense: torch.Tensor = functional.linear(
            input.contiguous().to_mkldnn(), weight, bias
        ).to_dense()
        return dense
    return functional.linear(input, weight, bias)
