"""Embeddings written in the background, batch by batch, in the order that they come."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["EmbeddingSink", "Put"]

_BATCHES_WAITING = 4
_Batch = tuple[NDArray[np.int64], NDArray[np.float32]]


class Put(Protocol):
    """Stores embeddings: rows of the clip axis, shape (n,), and numbers, shape (n, dim)."""

    def __call__(  # noqa: D102
        self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]
    ) -> None: ...


class EmbeddingSink:
    """Hands batches to a thread that writes them; to be used as a context manager.

    Whatever has come while a write took place is written with the next one, so a slow disk
    does not hold the model up. Few batches wait, so a killed build loses little.

    Parameters
    ----------
    put : Put
        Called in the background thread, never twice at once.

    Attributes
    ----------
    n_written : int
        Embeddings that are stored.
    interrupted : bool
        Whether Ctrl-C came while the last ones were written.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._waiting: queue.Queue[_Batch | None] = queue.Queue(_BATCHES_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write_all, name="write")
        # Waited for instead of the thread: before Python 3.13 an interrupted join takes a
        # thread that still works for one that has ended.
        self._finished = threading.Event()
        self.n_written = 0
        self.interrupted = False

    def __enter__(self) -> EmbeddingSink:
        try:
            self._thread.start()
        except BaseException:  # Ctrl-C: nobody else would tell the thread to end
            self._waiting.put(None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is waiting; what a write raised is raised here."""
        # Ctrl-C once more does not keep what was computed from being stored: it takes a moment.
        while not self._finished.is_set():
            try:
                self._send(None)
                self._finished.wait()
            except KeyboardInterrupt:
                self.interrupted = True
        if self._error is not None and kind is None:
            raise self._error

    def put(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Have a batch written.

        Raises
        ------
        BaseException
            What an earlier write raised; nothing is written after it.
        """
        self._send((rows, embeddings))
        if self._error is not None:
            raise self._error

    def _send(self, batch: _Batch | None) -> None:
        """Put a batch into the queue, unless nobody takes any more."""
        while not self._finished.is_set():
            try:
                self._waiting.put(batch, timeout=0.1)
                return
            except queue.Full:
                continue

    def _write_all(self) -> None:
        try:
            for batches in self._arrivals():
                rows = np.concatenate([rows for rows, _ in batches])
                self._put(rows, np.concatenate([embeddings for _, embeddings in batches]))
                self.n_written += len(rows)
        except BaseException as error:
            self._error = error
        finally:
            self._finished.set()

    def _arrivals(self) -> Iterator[list[_Batch]]:
        """Give all that waits, again and again, until the end has been sent."""
        while (first := self._waiting.get()) is not None:
            batches = [first]
            ended = False
            while not ended and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    ended = True
                else:
                    batches.append(following)
            yield batches
            if ended:
                return
