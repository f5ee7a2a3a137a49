"""Which device to compute on: ``auto``, ``cpu`` or ``cuda``, checked before work begins."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reno_store.errors import DeviceError

__all__ = ["one_thread", "resolve_device"]


def resolve_device(device: str) -> str:
    """Turn what a user asked for into a torch device that is there.

    Parameters
    ----------
    device : str
        ``"auto"`` (a CUDA GPU where there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    DeviceError
        If torch knows no such device or it is not there.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device)
    except (RuntimeError, TypeError):
        raise DeviceError(
            f"device {device!r} is unknown; expected auto, cpu, cuda or cuda:N."
        ) from None
    if kind.type == "cuda":
        count = torch.cuda.device_count()
        if (kind.index or 0) >= count:
            raise DeviceError(
                f"device {device!r} is not there: torch {torch.__version__} sees {count} CUDA "
                "GPUs. Use --device auto (device='auto') or cpu, or install torch for CUDA."
            )
    elif kind.type != "cpu":
        raise DeviceError(f"device {device!r} is not supported; expected auto, cpu or cuda.")
    return device


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one CPU thread inside the block.

    Several processes that each run a thread a core trip over one another: two threads a
    process on two busy cores were seen to be ten times slower than one. One thread
    everywhere also makes results independent of how many processes share the work.
    """
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
