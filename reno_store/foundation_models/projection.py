"""Linear layers on whichever of torch's two CPU libraries is faster."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from reno_store.runtime.devices import onednn_is_faster

__all__ = ["Projection", "use_projections"]


class Projection(nn.Linear):
    """`torch.nn.Linear` that asks oneDNN rather than MKL where AVX-512 is there.

    MKL leaves AVX-512 idle on processors that are not Intel's, where oneDNN is twice as
    fast; on Intel's the two are on a par. The weights stay as they are.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """Map (..., in_features) to (..., out_features)."""
        if onednn_is_faster(input) and not torch.is_grad_enabled():
            dense: torch.Tensor = functional.linear(
                input.contiguous().to_mkldnn(), self.weight, self.bias
            ).to_dense()
            return dense
        return functional.linear(input, self.weight, self.bias)


def use_projections(module: nn.Module) -> None:
    """Exchange every `torch.nn.Linear` below a module for a `Projection` of the same weights."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Linear:
                with torch.device("meta"):
                    projection = Projection(
                        child.in_features, child.out_features, bias=child.bias is not None
                    )
                projection.weight, projection.bias = child.weight, child.bias
                projection.train(child.training)
                setattr(parent, name, projection)
