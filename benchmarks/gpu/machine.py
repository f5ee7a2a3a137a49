"""A device's clock, memory and name."""

from __future__ import annotations

import gc
import os
import platform
import resource
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

import reno_store

__all__ = ["allow_no_tf32", "facts", "forget_peak", "peak_gb", "seconds_of", "synchronize"]

_PACKAGES = ("numpy", "scikit-learn", "skorch", "torch", "transformers", "zarr")


def synchronize(device: str) -> None:
    """Wait until the device has done all that it was given."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(run: Callable[[], object], device: str) -> float:
    """Time a call, from an idle device to an idle device."""
    synchronize(device)
    begun = time.perf_counter()
    run()
    synchronize(device)
    return time.perf_counter() - begun


def forget_peak(device: str) -> float:
    """Give unused memory back, count its peak anew, and return what is in use, in GB.

    On a CPU 0.
    """
    gc.collect()
    if torch.device(device).type != "cuda":
        return 0.0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device) / 1e9


def peak_gb(device: str, before_gb: float = 0.0) -> dict[str, float]:
    """Return the most memory in use since `forget_peak`, as a number for a row.

    Parameters
    ----------
    device : str
        A torch device. On a CPU it is the most that the process took since it began.
    before_gb : float
        What was in use before, such as weights, and is left out.
    """
    if torch.device(device).type == "cuda":
        name = "GB beyond weights" if before_gb else "GB"
        return {name: torch.cuda.max_memory_allocated(device) / 1e9 - before_gb}
    most_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"GB in the process": most_kb * 1024 / 1e9}


def allow_no_tf32(device: str) -> None:
    """Have a GPU compute float32 in float32 in the whole process, peers included."""
    if torch.device(device).type != "cuda":
        return
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def facts(device: str) -> dict[str, Any]:
    """Return what results depend on: the card, versions, cores."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "reno_store": reno_store.__version__,
        **{name: _version(name) for name in _PACKAGES},
        "cores": len(os.sched_getaffinity(0)),
        "device": device,
    }
    if torch.device(device).type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found |= {
            "card": card.name,
            "card_gb": round(card.total_memory / 1e9, 1),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
