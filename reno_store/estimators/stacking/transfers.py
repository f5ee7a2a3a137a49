"""From numpy to the device, without waiting for it."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

__all__ = ["send"]


def send(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy numbers to a device; what is computed with them there comes after.

    To a GPU from memory that is pinned: from any other torch waits until the GPU has done all
    that it was given, and then the GPU waits for the next step to be launched.

    Parameters
    ----------
    values : numpy.ndarray
        Not to be written to afterwards, since a CPU's tensor shares its memory.
    device : torch.device
        Where to.
    """
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
