"""Which device to compute on, checked before work begins, and on how many CPU threads."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from reno_store.errors import DeviceError, Remedy

if TYPE_CHECKING:
    import torch

__all__ = [
    "check_device",
    "cudnn_untuned",
    "exact_float32",
    "free_memory",
    "freed_memory_kept",
    "is_out_of_memory",
    "map_on_threads",
    "one_thread",
    "onednn_is_faster",
    "resolve_device",
]

_SIGNS_OF_NO_MEMORY = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)

# Options of mallopt, from glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4

# torch's names of devices, so that an unknown one is refused without importing torch.
_KINDS = (
    "auto", "cpu", "cuda", "hip", "hpu", "ipu", "lazy", "maia", "meta", "mps", "mtia", "vulkan",
    "xla", "xpu",
)  # fmt: skip

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def check_device(device: str) -> None:
    """Check the name of a device, without importing torch.

    Raises
    ------
    DeviceError
        If the name is unknown.

    Examples
    --------
    >>> check_device("gpu")
    Traceback (most recent call last):
    ...
    reno_store.errors.DeviceError: device 'gpu' is unknown; expected auto, cpu, cuda or cuda:N.
    """
    if str(device).partition(":")[0] not in _KINDS:
        raise DeviceError(f"device {device!r} is unknown; expected auto, cpu, cuda or cuda:N.")


def resolve_device(device: str) -> str:
    """Return the torch device for a user's choice, if it is available.

    Parameters
    ----------
    device : str
        ``"auto"`` (a CUDA GPU if there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    DeviceError
        If the device is unknown or not available.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    check_device(device)
    if device == "cpu":
        return device
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
                f"device {device!r} is not available: torch {torch.__version__} sees {count} "
                "CUDA GPUs. Is torch installed with CUDA?",
                Remedy("Use a GPU only if there is one", {"device": "auto"}),
            )
    elif kind.type != "cpu":
        raise DeviceError(f"device {device!r} is not supported; expected auto, cpu or cuda.")
    return device


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one CPU thread inside the block.

    Processes with one thread per core slow each other down: with two threads per process on
    two busy cores, ten times as slow as with one thread was measured. One thread everywhere
    also makes results independent of the number of processes.
    """
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def map_on_threads(
    function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[_Result]:
    """Apply a torch function to items in parallel on the CPU, one thread per item.

    There are as many threads as torch has. On small inputs this is faster than sharing each
    operation among them, much faster where other programs use the cores too, and no result
    depends on the number of threads.

    Yields
    ------
    object
        The results, in the order of the items.
    """
    import torch

    n_threads = min(torch.get_num_threads(), len(items))
    if n_threads < 2:
        with one_thread():
            yield from map(function, items)
        return
    pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))
    with one_thread(), pool:
        yield from pool.map(function, items)  # closing it cancels the remaining items


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the memory of a GPU or machine was exhausted."""
    if isinstance(error, MemoryError):
        return True
    kinds = {kind.__name__ for kind in type(error).__mro__}  # works without importing torch
    return "OutOfMemoryError" in kinds or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS_OF_NO_MEMORY)
    )


def free_memory() -> None:
    """Release the GPU memory that torch caches, if a GPU is in use."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


@contextlib.contextmanager
def exact_float32() -> Iterator[None]:
    """Have torch compute float32 as float32 inside the block: no TF32, no bfloat16.

    A caller may have chosen a shorter type through torch's older flags or, from torch 2.9 on,
    for each kind of operation (``torch.backends.fp32_precision`` and those below it). torch
    raises where the older are read after the newer were set.
    """
    import torch

    backends: Any = torch.backends
    cudnn = backends.cudnn
    has_newer = hasattr(cudnn, "conv")
    with contextlib.ExitStack() as state:
        try:
            older = torch.get_float32_matmul_precision(), cudnn.allow_tf32
        except RuntimeError:
            for kind in (backends.cuda.matmul, cudnn.conv, *_mkldnn_kinds()):
                state.callback(setattr, kind, "fp32_precision", _own_precision(kind))
                kind.fp32_precision = "ieee"
        else:
            # Setting the older flag of products would leave these set for good.
            for kind in (backends.cuda.matmul, *_mkldnn_kinds()) if has_newer else ():
                state.callback(setattr, kind, "fp32_precision", _own_precision(kind))
            state.callback(setattr, cudnn, "allow_tf32", older[1])
            state.callback(torch.set_float32_matmul_precision, older[0])
            torch.set_float32_matmul_precision("highest")
            cudnn.allow_tf32 = False
            if has_newer:  # it would else be what is set above it
                cudnn.conv.fp32_precision = "ieee"
        yield


def _mkldnn_kinds() -> tuple[Any, Any]:
    import torch

    mkldnn: Any = torch.backends.mkldnn
    return mkldnn.matmul, mkldnn.conv


def _own_precision(kind: Any) -> str:
    """Give what is set for a kind of operation; "none" where it is what is set above it."""
    found: str = kind.fp32_precision
    kind.fp32_precision = "none"
    own = "none" if kind.fp32_precision == found else found
    kind.fp32_precision = found
    return own


@contextlib.contextmanager
def cudnn_untuned(*, deterministic: bool = False) -> Iterator[None]:
    """Have cuDNN choose algorithms by rule, not by trying them on each new shape.

    Parameters
    ----------
    deterministic : bool
        Whether only those that add up in the same order each time.
    """
    import torch

    cudnn = torch.backends.cudnn
    # `cudnn.flags` would read the older flags of precision too; see `exact_float32`.
    values = {"enabled": True, "benchmark": False, "deterministic": deterministic}
    before = {name: getattr(cudnn, name) for name in values}
    try:
        for name, value in values.items():
            setattr(cudnn, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(cudnn, name, value)


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Make the C library keep freed memory for the next allocation inside the block.

    glibc returns large blocks to the system as soon as they are free, so each training step
    gets new pages, which the system fills with zeros: 15 % of a step of RENO on 3,840 + 768
    features, whose gradients are 63 MB. The memory is returned at the end of the block. Other
    C libraries are unchanged.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_M_MMAP_MAX, 0)
    library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        # The largest values up to which glibc adapts these two itself, until one is set.
        library.mallopt(_M_MMAP_THRESHOLD, 2**25)
        library.mallopt(_M_TRIM_THRESHOLD, 2**26)
        library.mallopt(_M_MMAP_MAX, 2**16)
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def onednn_is_faster(input: torch.Tensor) -> bool:  # noqa: A002
    """Return whether matrix products with an input are faster in oneDNN than in MKL.

    MKL, the default of torch, leaves AVX-512 idle on processors that are not Intel's; on
    Intel's they are equally fast. Only single precision uses oneDNN.
    """
    import torch

    is_built_in: Callable[[], bool] = torch.backends.mkldnn.is_available
    return (
        input.device.type == "cpu"
        and input.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and is_built_in()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
    )
