"""The precision that a model computes in: float32 exactly, or mixed with a shorter type."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

__all__ = ["computing_in"]


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
    mixed = torch.autocast(
        kind,
        dtype=getattr(torch, precision) if precision != "float32" else None,
        enabled=precision != "float32",
        cache_enabled=False,
    )
    with torch.inference_mode(), mixed, _without_tf32() if kind == "cuda" else _nothing():
        yield


@contextlib.contextmanager
def _without_tf32() -> Iterator[None]:
    """Let float32 be float32: TF32, cuDNN's own choice for convolutions, has 10 bits, not 23."""
    products = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(products)


_nothing = contextlib.nullcontext
