"""How a frozen model computes: in which precision, and with which library on a CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from reno_store.runtime.devices import cudnn_untuned, exact_float32, onednn_is_faster

__all__ = ["Projection", "computing_in", "use_projections"]


@contextlib.contextmanager
def computing_in(precision: str, device: str) -> Iterator[None]:
    """Run the block for inference in a precision.

    The shorter types run under `torch.autocast`, which keeps norms and sums in float32.

    Parameters
    ----------
    precision : str
        One of `PRECISIONS`.
    device : str
        A torch device.
    """
    kind = torch.device(device).type
    shorter = precision != "float32"
    mixed = torch.autocast(
        kind,
        dtype=getattr(torch, precision) if shorter else None,
        enabled=shorter,
        cache_enabled=False,
    )
    with contextlib.ExitStack() as state:
        state.enter_context(torch.inference_mode())
        state.enter_context(mixed)
        if kind == "cuda":
            # TF32, the default of cuDNN for convolutions, has 10 bits where float32 has 23.
            state.enter_context(exact_float32())
            state.enter_context(cudnn_untuned())
        yield


class Projection(nn.Linear):
    """`torch.nn.Linear` that uses oneDNN instead of MKL where AVX-512 is available.

    MKL leaves AVX-512 idle on processors that are not Intel's, where oneDNN is twice as
    fast; on Intel's they are equally fast. The weights are unchanged.
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
    """Replace every `torch.nn.Linear` inside a module by a `Projection` with its weights."""
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
