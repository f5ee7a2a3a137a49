"""Faster substitutes for the networks' layers on a CPU.

The networks are defined in the modules above this package, in plain PyTorch. These substitutes
return the same numbers and gradients, and tests compare the two; benchmarks/training.py measures
what they gain. GPUs and stacks of networks use the plain layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from reno_store.estimators.networks.fast_cpu.linear import project
from reno_store.estimators.networks.fast_cpu.softmax_excess import softmax_excess
from reno_store.estimators.networks.fast_cpu.winners import convolve_twice

__all__ = ["convolve_twice", "is_used", "plain_layers", "project", "softmax_excess"]

_is_plain: ContextVar[bool] = ContextVar("plain layers", default=False)


def is_used(tensor: torch.Tensor) -> bool:
    """Return whether the substitutes compute with a tensor."""
    return tensor.device.type == "cpu" and not _is_plain.get()


@contextmanager
def plain_layers() -> Iterator[None]:
    """Use the plain layers inside the block, on a CPU too: `torch.vmap` needs them."""
    token = _is_plain.set(True)
    try:
        yield
    finally:
        _is_plain.reset(token)
