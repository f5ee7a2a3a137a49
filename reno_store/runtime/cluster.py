"""Calls on a Dask cluster, which are repeated when a worker is lost.

Functions are plain, and their arguments small. What many calls need is shared: it is sent to the
cluster once, moves among its workers, and is made again where the workers that had it are lost.
What workers do with a call is in `cluster_calls`.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import pickle
import queue
import uuid
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from reno_store.errors import ClusterError, Remedy
from reno_store.runtime.cluster_calls import packed
from reno_store.runtime.cluster_notices import IdleNotices
from reno_store.runtime.dask_client import import_distributed

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster"]

_POLL_S = 1.0
"""How often workers that joined are looked for, and work submitted to them."""
_PER_WORKER = 2
"""Calls in flight per worker: one runs, one waits."""
_MOST_SUBMISSIONS = 5
"""How often a call is submitted. The scheduler gives up on each submission when it has lost 4
workers with it, unless it is set up otherwise."""

_Tag = TypeVar("_Tag")


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, and how often it was submitted."""

    tag: Any
    arguments: tuple[Any, ...]
    n_submissions: int = 1


class Cluster:
    """What runs calls on a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected to the cluster; it is never closed.

    Raises
    ------
    ClusterError
        If it is no such client, or Dask is not installed.
    """

    def __init__(self, client: Client) -> None:
        kind = import_distributed().Client
        if not isinstance(client, kind) or client.asynchronous:
            raise ClusterError(
                f"client: expected a distributed.Client that is not asynchronous, got {client!r}."
            )
        self._client: Any = client

    def n_workers(self) -> int:
        """Return how many workers the cluster has now.

        Raises
        ------
        ClusterError
            If the connection was lost.
        """
        if self._client.status != "running":
            raise _disconnected(self._client)
        try:
            return len(self._client.nthreads())
        except OSError:
            raise _disconnected(self._client) from None

    @contextlib.contextmanager
    def hearing(self, topic: str, hear: Callable[[Any], None]) -> Iterator[None]:
        """Call a function with what workers `report` while the block runs."""
        self._client.subscribe_topic(topic, lambda event: hear(event[1]))
        try:
            yield
        finally:
            if self._client.status == "running":
                self._client.unsubscribe_topic(topic)

    def share(self, value: Any) -> Future[Any]:
        """Send a value to the cluster once; calls get it where they are given what this returns.

        The scheduler keeps a copy, unlike of scattered data, which are gone with their workers.
        """
        return self._submit(_same, (value,))

    def share_result(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a value computed once on the cluster; as `share`."""
        return self._submit(function, arguments)

    def run(
        self,
        function: Callable[..., Any],
        calls: Iterable[tuple[_Tag, tuple[Any, ...]]],
        *,
        give_up: Callable[[_Tag, str], None] | None = None,
    ) -> Generator[tuple[_Tag, Any]]:
        """Call a function on the workers; yield results as they are finished.

        Calls that were lost with their worker are repeated. Those that still run when the
        generator is closed, such as by Ctrl-C, are cancelled. In a process, only one runs at a
        time.

        Parameters
        ----------
        function : callable
            A function that workers can import.
        calls : Iterable[(tag, arguments)]
            Asked for the next when a worker will soon be free; arguments may be what `share`
            returned.
        give_up : callable, optional
            Called with the tag of a call that workers are lost with again and again, and a reason,
            in place of the error.

        Yields
        ------
        (tag, result)

        Raises
        ------
        ClusterError
            If workers were lost with one call again and again, or the connection was lost.
        Exception
            What a call raised.
        """
        waiting = iter(calls)
        running: dict[Future[Any], _Call] = {}
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def start(call: _Call) -> None:
            future: Any = self._submit(function, call.arguments)
            running[future] = call
            future.add_done_callback(finished.put)

        idle = IdleNotices(self._client)
        try:
            more = True
            while more or running:
                n_workers = self.n_workers()
                while more and len(running) < (_PER_WORKER * n_workers or 1):
                    if more := (each := next(waiting, None)) is not None:
                        start(_Call(*each))
                if not running:
                    break
                idle.look(n_workers)
                with contextlib.suppress(queue.Empty):
                    future = finished.get(timeout=_POLL_S)
                    call = running.pop(future)
                    idle.finished()
                    result, lost = self._result(future)
                    if not lost:
                        yield call.tag, result
                    elif call.n_submissions < _MOST_SUBMISSIONS:
                        idle.lost(lost)
                        self._renew(call.arguments)
                        start(_Call(call.tag, call.arguments, call.n_submissions + 1))
                    elif give_up is not None:
                        give_up(call.tag, lost)
                    else:
                        raise ClusterError(
                            f"{lost}; probably memory is short. What is finished is kept.",
                            Remedy("Give the workers more memory"),
                        )
        finally:
            if running and self._client.status == "running":
                self._client.cancel(list(running), force=True)

    def run_in_order(
        self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]
    ) -> Generator[Any]:
        """Call a function on the workers; yield results in the order of the calls; as `run`."""
        waiting: dict[int, Any] = {}
        n_yielded = 0
        with contextlib.closing(self.run(function, enumerate(calls))) as results:
            for number, result in results:
                waiting[number] = result
                while n_yielded in waiting:
                    yield waiting.pop(n_yielded)
                    n_yielded += 1

    def _submit(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        if self._client.status != "running":
            raise _disconnected(self._client)
        from distributed import Future

        name = getattr(function, "__name__", "call").strip("_")
        key = f"{name}-{uuid.uuid4().hex}"  # on Dask's dashboard
        # Dask replaces futures by their results, and sends arrays without copying them.
        apart = {
            place: each
            for place, each in enumerate(arguments)
            if isinstance(each, Future | np.ndarray)
        }
        call = packed(function, [None if n in apart else v for n, v in enumerate(arguments)])
        given = [list(apart), list(apart.values())]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            # On the worker: pickle.loads(call)(given)
            future: Future[Any] = self._client.submit(
                functools.reduce, operator.call, [call, given], pickle.loads, key=key
            )
        return future

    def _result(self, future: Any) -> tuple[Any, str]:
        """Return what a call returned, or why it has to be submitted again; or raise its error."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        worker = ""
        try:
            return future.result(), ""
        except KilledWorker as error:
            worker = f", such as {error.last_worker.address}"
        except FutureCancelledError:
            pass
        except ImportError as error:
            raise ClusterError(
                f"a worker of the cluster cannot import what it needs: {error}.",
                Remedy("Install there what is installed here"),
            ) from None
        except OSError:
            self.n_workers()
            raise  # by the call
        self.n_workers()  # raises where the scheduler is lost too
        return None, f"workers of the cluster are lost each time with the same work{worker}"

    def _renew(self, arguments: tuple[Any, ...]) -> None:
        """Have what is shared made again, where the scheduler gave up on that."""
        from distributed import Future

        shared = [each for each in arguments if isinstance(each, Future)]
        if given_up := [each for each in shared if each.status == "error"]:
            self._client.retry(given_up)


def _same(value: Any) -> Any:
    return value


def _disconnected(client: Client) -> ClusterError:
    return ClusterError(
        f"the connection to the cluster's scheduler was lost ({client.status}). What is finished "
        "is kept; the same call continues from there."
    )
