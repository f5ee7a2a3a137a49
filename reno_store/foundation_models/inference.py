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
    "ProductConvolution",
    "Projection",
    "computing_in",
    "use_product_convolutions",
    "use_projections",
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


class ProductConvolution(nn.Conv1d):
    """`torch.nn.Conv1d` as a product of matrices, for GPUs.

    cuDNN plans anew for each shape, and every batch has its own: on an H200 that was a third of
    the first pass of a base-sized wav2vec 2.0 in bfloat16. It also computes the grouped
    positional convolution without the tensor cores, in more than half of the GPU's time. As
    products, extraction is 1.3 to 1.5 times as fast in later passes (benchmarks/RESULTS.md), and
    in float32 it needs a sixth of the memory. The weights are unchanged.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """Map (batch, in_channels, n) to (batch, out_channels, n_frames)."""
        kind = input.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else input.dtype
        padded = functional.pad(input.to(dtype), (int(self.padding[0]),) * 2)
        way = self._by_clip if self.groups == 1 else self._by_group
        product = way(padded.unfold(2, self.kernel_size[0], self.stride[0]))
        return product if self.bias is None else product.add_(self.bias[:, None].to(dtype))

    def _by_clip(self, windows: torch.Tensor) -> torch.Tensor:
        """Convolve (batch, in_channels, n_frames, size) where there is one group."""
        columns = windows.transpose(2, 3).flatten(1, 2)
        weight = self.weight.flatten(1).to(columns.dtype)
        return torch.bmm(weight.expand(len(columns), -1, -1), columns)

    def _by_group(self, windows: torch.Tensor) -> torch.Tensor:
        """Convolve (batch, in_channels, n_frames, size), as many clips at once as memory bears."""
        n_clips, _, n_frames, _ = windows.shape
        weight = self.weight.to(windows.dtype).reshape(self.groups, -1, self.weight[0].numel())
        outputs = windows.new_empty(n_clips, self.out_channels, n_frames)
        n_at_once = max(_MOST_IN_COLUMNS // max(windows[:1].numel(), 1), 1)
        for start in range(0, n_clips, n_at_once):
            some = windows[start : start + n_at_once]
            grouped = some.reshape(len(some), self.groups, -1, n_frames, self.kernel_size[0])
            columns = grouped.permute(1, 2, 4, 0, 3).reshape(self.groups, weight.shape[2], -1)
            product = torch.bmm(weight, columns).reshape(self.out_channels, len(some), n_frames)
            outputs[start : start + n_at_once] = product.transpose(0, 1)
        return outputs


_MOST_IN_COLUMNS = 2**27
"""Numbers in the windows of a grouped convolution at a time: half a gigabyte in float32."""

_LEAST_CHANNELS = 16
"""Channels of a group from which a product is worth it; the first layer, of one, is one group."""


def use_product_convolutions(module: nn.Module) -> None:
    """Replace every `torch.nn.Conv1d` that is worth it by a `ProductConvolution`.

    Weight normalization is applied for good, since the weights are frozen.
    """
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if not (isinstance(child, nn.Conv1d) and _is_worth_a_product(child)):
                continue
            if parametrize.is_parametrized(child, "weight"):
                parametrize.remove_parametrizations(child, "weight")
                child.weight = nn.Parameter(child.weight.detach(), requires_grad=False)
            if type(child) is not nn.Conv1d:
                continue
            with torch.device("meta"):
                convolution = ProductConvolution(
                    child.in_channels,
                    child.out_channels,
                    child.kernel_size[0],
                    child.stride[0],
                    child.padding[0],
                    groups=child.groups,
                    bias=child.bias is not None,
                )
            convolution.weight, convolution.bias = child.weight, child.bias
            convolution.train(child.training)
            setattr(parent, name, convolution)


def _is_worth_a_product(layer: nn.Conv1d) -> bool:
    return (
        layer.kernel_size != (1,)
        and layer.dilation == (1,)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and (layer.groups == 1 or layer.in_channels // layer.groups >= _LEAST_CHANNELS)
        and not layer._forward_pre_hooks
    )
