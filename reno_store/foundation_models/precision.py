"""The precision that a model computes in: float32 exactly, or mixed with a shorter type."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from reno_store.devices import cudnn_untuned, exact_float32

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
    with contextlib.ExitStack() as state:
        state.enter_context(torch.inference_mode())
        state.enter_context(mixed)
        if kind == "cuda":
            # TF32, cuDNN's own choice for convolutions, has 10 bits, not 23.
            state.enter_context(exact_float32())
            state.enter_context(cudnn_untuned())
        yield
