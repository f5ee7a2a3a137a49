"""Calls as they travel to a worker of a Dask cluster, and what functions ask there.

A worker that cannot import what a message names closes, and Dask sends the message to the next. So
a call is sent as bytes and functions of the standard library, which unpickle it as part of the
work: where this package is missing, or is another version, that is an error of the call.
"""

from __future__ import annotations

import functools
import pickle
import socket
import threading
from collections.abc import Callable
from typing import Any

from reno_store import __version__
from reno_store.errors import ClusterError, Remedy

__all__ = ["is_cancelled", "packed", "report", "use_worker_threads", "worker_name"]

_turn = threading.Lock()


def packed(function: Callable[..., Any], arguments: list[Any]) -> bytes:
    """Return bytes that, unpickled on a worker, call a function; see `_call`."""
    import cloudpickle  # comes with Dask; also packs what a notebook defines

    try:
        work = cloudpickle.dumps((function, arguments))
    except Exception as error:
        raise ClusterError(
            "something in this work cannot be pickled, so it cannot be sent to the cluster: "
            f"{type(error).__name__}: {error}."
        ) from error
    return pickle.dumps(functools.partial(_call, __version__, work))


def _call(expected: str, work: bytes, given: tuple[list[int], list[Any]]) -> Any:
    """Call a function, on a worker; threads of one process would share torch's settings."""
    if expected != __version__:
        raise ClusterError(
            f"a worker of the cluster, {worker_name()}, has reno-store {__version__}; expected "
            f"{expected}, as here.",
            Remedy("Install the same version there"),
        )
    function, arguments = pickle.loads(work)  # noqa: S301 (sent by the client)
    for place, value in zip(*given, strict=True):
        arguments[place] = value
    with _turn:
        return function(*arguments)


def use_worker_threads() -> None:
    """Let torch use as many CPU threads as the worker has that runs this call."""
    import torch
    from distributed import get_worker

    torch.set_num_threads(get_worker().state.nthreads)


def worker_name() -> str:
    """Return the address and the host of the worker that runs this call."""
    from distributed import get_worker

    return f"{get_worker().address} on {socket.gethostname()}"


def report(topic: str, message: Any) -> None:
    """Send a message to the client of the call that this worker runs; see `Cluster.hearing`."""
    from distributed import get_worker

    get_worker().log_event(topic, message)


def is_cancelled() -> bool:
    """Return whether nobody waits any more for the call that this worker runs.

    The client has cancelled it, or is gone.
    """
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is None or task.state in ("cancelled", "released", "forgotten")
