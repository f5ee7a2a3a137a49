"""A client of a Dask cluster: one that runs, or one that is started on this machine."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reno_store.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["check_cluster", "import_distributed", "open_client"]

_LOCAL = "local:"
_CONNECT_S = 30


def check_cluster(place: str) -> int | None:
    """Check the name of a cluster, without importing Dask.

    Parameters
    ----------
    place : str
        As for `open_client`.

    Returns
    -------
    int or None
        Number of processes of ``local:N``; None for a scheduler.

    Raises
    ------
    ClusterError
        If it is neither.

    Examples
    --------
    >>> check_cluster("local:4"), check_cluster("tcp://10.0.0.1:8786")
    (4, None)
    """
    if place.startswith(_LOCAL):
        n_processes = place.removeprefix(_LOCAL)
        if n_processes.isascii() and n_processes.isdigit() and int(n_processes) > 0:
            return int(n_processes)
    elif "://" in place or Path(place).is_file():
        return None
    raise ClusterError(
        f"cluster {place!r}: expected local:N with N processes, such as local:4; the address of a "
        "scheduler, such as tcp://10.0.0.1:8786; or its scheduler file, which must exist."
    )


@contextlib.contextmanager
def open_client(place: str) -> Iterator[Client]:
    """Connect to a Dask cluster, or start one on this machine, while the block runs.

    Parameters
    ----------
    place : str
        ``local:N`` starts N processes of one thread, which end with the block; otherwise the
        address of a scheduler, or the path of a scheduler file.

    Yields
    ------
    distributed.Client
        Closed at the end; a scheduler that ran before goes on.

    Raises
    ------
    ClusterError
        If the place is wrong, no scheduler answers, or Dask is not installed.
    """
    n_processes = check_cluster(place)
    distributed = import_distributed()
    with contextlib.ExitStack() as opened:
        opened.enter_context(_silent())
        if n_processes is not None:
            import dask

            # Otherwise a worker that is lost again this long after it was lost is not replaced.
            patience = {"distributed.deploy.lost-worker-timeout": "365d"}
            opened.enter_context(dask.config.set(patience))
            cluster = distributed.LocalCluster(
                n_workers=n_processes,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                local_directory=opened.enter_context(
                    tempfile.TemporaryDirectory(prefix="reno-store-", ignore_cleanup_errors=True)
                ),
                silence_logs=logging.CRITICAL,
                preload=__name__,
            )
            address: Any = opened.enter_context(cluster)
        else:
            address = place if "://" in place else _address_in(Path(place))
        try:
            client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:  # the latter: an address that cannot be read
            raise ClusterError(
                f"cluster {place}: no scheduler answers at {address} "
                f"({type(error).__name__}: {error})."
            ) from None
        yield opened.enter_context(client)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Leave out what Dask logs here: it would tear the progress bar, and errors are raised."""
    handlers = [(each, each.level) for each in logging.getLogger("distributed").handlers]
    for handler, _ in handlers:
        handler.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for handler, level in handlers:
            handler.setLevel(level)


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the client, in the workers of a local cluster; Dask calls this in each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _address_in(file: Path) -> str:
    """Read the address in a scheduler file."""
    try:
        return str(json.loads(file.read_bytes())["address"])
    except (OSError, ValueError, TypeError, LookupError):
        raise ClusterError(
            f"cluster {file}: expected the file that `dask scheduler` writes, with an address."
        ) from None


def import_distributed() -> Any:
    """Import Dask's package distributed, or raise a ClusterError that names the extra."""
    try:
        import distributed
    except ImportError:
        raise ClusterError(
            "Dask is needed to compute on a cluster, and is not installed. Install it: "
            "pip install 'reno-store[cluster]'."
        ) from None
    return distributed
