"""Embeddings written in a background thread, in the order in which they come."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["EmbeddingSink", "Put"]

_BATCHES_WAITING = 4


class Put(Protocol):
    """Stores embeddings: rows of the clip axis, shape (n,), and numbers, shape (n, dim)."""

    def __call__(  # noqa: D102
        self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]
    ) -> None: ...


class EmbeddingSink:
    """Writes batches in a background thread; use it as a context manager.

    Batches that arrive during a write are written together in the next one, so a slow disk
    does not hold up the model. Few batches wait, so a killed build loses little.

    Parameters
    ----------
    put : Put
        Called in the background thread, never twice at once.

    Attributes
    ----------
    n_written : int
        Embeddings that are stored.
    interrupted : bool
        Whether Ctrl-C was pressed while the last batches were written.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._waiting: deque[tuple[NDArray[np.int64], NDArray[np.float32]]] = deque()
        self._room = threading.Semaphore(_BATCHES_WAITING)
        # An interrupted submit may leave the pool with a second thread.
        self._writing = threading.Lock()
        self._error: BaseException | None = None
        self.n_written = 0
        self.interrupted = False

    def __enter__(self) -> EmbeddingSink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write the waiting batches; raise what a write raised."""
        last: Future[None] | None = None
        # Further Ctrl-C must not discard what was computed: writing it takes a moment.
        while last is None or not last.done():
            try:
                last = last or self._pool.submit(self._write_waiting)
                last.result()
                self._pool.shutdown()
            except KeyboardInterrupt:
                self.interrupted = True
        if self._error is not None and kind is None:
            raise self._error

    def put(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Hand over a batch; wait while too many others are waiting.

        Raises
        ------
        BaseException
            What an earlier write raised; nothing is written after it.
        """
        self._room.acquire()
        if self._error is not None:
            self._room.release()
            raise self._error
        self._waiting.append((rows, embeddings))
        self._pool.submit(self._write_waiting)

    def _write_waiting(self) -> None:
        with self._writing:
            batches = []
            while self._waiting:
                batches.append(self._waiting.popleft())
                self._room.release()
            if not batches or self._error is not None:
                return
            try:
                rows = np.concatenate([rows for rows, _ in batches])
                self._put(rows, np.concatenate([embeddings for _, embeddings in batches]))
                self.n_written += len(rows)
            except BaseException as error:
                self._error = error
