"""torch's process-wide state, set to its defaults while a classifier trains or predicts.

Otherwise the caller's settings (autocast, default types and devices, precision of products,
inference mode) would change the results here but not in other processes, so that results would
depend on ``n_jobs``.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import torch

from reno_store.runtime.devices import cudnn_untuned, exact_float32, one_thread

__all__ = ["pinned"]

# The random state and the number of threads belong to the whole process, so fits and
# predictions on threads of one process take turns.
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # A lock held by a thread of the parent would never be released in the child.
    os.register_at_fork(after_in_child=_renew_lock)


@contextlib.contextmanager
def pinned(device: str) -> Iterator[None]:
    """Set torch's state to its defaults, with one thread, and restore it afterwards.

    Gradients are recorded inside. Other threads of the process wait for their turn.
    """
    with _lock, contextlib.ExitStack() as state:
        state.enter_context(one_thread())
        state.enter_context(torch.inference_mode(False))
        state.enter_context(torch.enable_grad())
        for kind in {"cpu", torch.device(device).type} & {"cpu", "cuda"}:
            state.enter_context(torch.autocast(kind, enabled=False))
        state.enter_context(torch.autograd.set_detect_anomaly(False))
        if torch.get_default_device().type != "cpu":
            # A default device routes every call through Python: 8 % of a step.
            state.enter_context(torch.device("cpu"))
        state.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float32)
        state.enter_context(exact_float32())
        # torch's own context manager warns about unchanged settings.
        state.callback(setattr, torch.backends.mkldnn, "enabled", torch.backends.mkldnn.enabled)
        setattr(torch.backends.mkldnn, "enabled", True)  # noqa: B010
        if torch.device(device).type == "cuda":
            # cuDNN would add up in any order.
            state.enter_context(cudnn_untuned(deterministic=True))
        yield
