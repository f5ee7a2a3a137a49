"""torch's process-wide state, held and pinned while a classifier trains or predicts.

What a caller has set of it (autocast, default types and devices, precision of products,
inference mode) would otherwise go into the numbers here, and not on another process, so that
results would depend on ``n_jobs``.
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
# predictions on threads of one process take turns; on processes of their own they need not.
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # Held by a thread of the parent, it would never be freed in the child.
    os.register_at_fork(after_in_child=_renew_lock)


@contextlib.contextmanager
def pinned(device: str) -> Iterator[None]:
    """Hold torch's state as it is by default, with one thread, and put it back as it was.

    Inside, gradients are recorded. Another thread of the process waits for its turn.
    """
    with _lock, contextlib.ExitStack() as state:
        state.enter_context(one_thread())
        state.enter_context(torch.inference_mode(False))
        state.enter_context(torch.enable_grad())
        for kind in {"cpu", torch.device(device).type} & {"cpu", "cuda"}:
            state.enter_context(torch.autocast(kind, enabled=False))
        state.enter_context(torch.autograd.set_detect_anomaly(False))
        if torch.get_default_device().type != "cpu":
            # A default device takes a detour through Python at every call: 8 % of a step.
            state.enter_context(torch.device("cpu"))
        state.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float32)
        state.enter_context(exact_float32())
        # torch's own context manager warns of settings that nobody has touched.
        state.callback(setattr, torch.backends.mkldnn, "enabled", torch.backends.mkldnn.enabled)
        setattr(torch.backends.mkldnn, "enabled", True)  # noqa: B010
        if torch.device(device).type == "cuda":
            # cuDNN would add up in any order.
            state.enter_context(cudnn_untuned(deterministic=True))
        yield
