"""How a frozen model computes: in which precision, and by which library."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from reno_store.runtime.devices import cudnn_untuned, exact_float32, onednn_is_faster

__all__ = [
    "Projection",
    "StridedConvolution",
    "computing_in",
    "use_projections",
    "use_strided_convolutions",
]


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


class StridedConvolution(nn.Conv1d):
    """`torch.nn.Conv1d` without padding as a product of matrices, for GPUs.

    cuDNN plans anew for each shape, and every batch has its own: on an H200 that took four
    fifths of the first pass of a base-sized wav2vec 2.0 in bfloat16, and the kernels that it
    chose there left the tensor cores idle. cuBLAS does neither. The weights are unchanged.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """Map (batch, in_channels, n) to (batch, out_channels, n_frames)."""
        if torch.is_autocast_enabled(input.device.type):
            input = input.to(torch.get_autocast_dtype(input.device.type))  # noqa: A001
        windows = input.unfold(2, self.kernel_size[0], self.stride[0])
        columns = windows.transpose(2, 3).flatten(1, 2)  # (batch, in_channels * size, n_frames)
        weight = self.weight.flatten(1).to(columns.dtype)
        product = torch.bmm(weight.expand(len(columns), -1, -1), columns)
        return product if self.bias is None else product.add_(self.bias[:, None].to(product.dtype))


def use_strided_convolutions(module: nn.Module) -> None:
    """Replace every plain strided `torch.nn.Conv1d` inside a module by a `StridedConvolution`."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv1d and _is_plain(child):
                with torch.device("meta"):
                    convolution = StridedConvolution(
                        child.in_channels,
                        child.out_channels,
                        child.kernel_size[0],
                        child.stride[0],
                        bias=child.bias is not None,
                    )
                convolution.weight, convolution.bias = child.weight, child.bias
                convolution.train(child.training)
                setattr(parent, name, convolution)


def _is_plain(layer: nn.Conv1d) -> bool:
    """Return whether a layer has a stride, and no padding, groups, gaps or hooks."""
    return (
        layer.stride[0] > 1
        and layer.padding == (0,)
        and layer.groups == 1
        and layer.dilation == (1,)
        and not parametrize.is_parametrized(layer)
        and not layer._forward_pre_hooks
    )
