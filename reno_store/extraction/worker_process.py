"""What a worker process runs: it loads the model once, and fills one part after another.

It talks over a pipe with the process that started it (`workers`): it sends ``("ready", None)``,
``("advance", n_clips)``, ``("filled", Filled)`` or ``("failed", error)``, and gets parts, or None
to stop. It stops after the batch in hand when it is asked to, or when the other end is gone.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

from reno_store.errors import RenoStoreError
from reno_store.extraction.filling import FillJob, FillPart, fill
from reno_store.runtime.progress import Counter

__all__ = ["send", "work"]


def work(connection: Connection, job: FillJob, n_threads: int) -> None:
    """Fill parts until there are none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    try:
        model = job.settings.load(job.spec)
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(n_threads)
        send(connection, ("ready", None))
        while (part := _next_part(connection)) is not None:
            filled = fill(job, part, model=model, counter=_Remote(connection))
            send(connection, ("filled", filled))
            if filled.interrupted:
                return
    except Exception as error:
        send(connection, ("failed", _sendable(error)))


def send(connection: Connection, content: Any) -> bool:
    """Send something; return False if the process at the other end is gone."""
    try:
        connection.send(content)
    except OSError:
        return False
    return True


class _Remote(Counter):
    """Sends progress to the process that started this one, and stops when that is gone."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def advance(self, n: int = 1, *, work: float | None = None) -> None:
        # While a part is filled, all that comes is the order to stop, or the end of the pipe.
        if not send(self._connection, ("advance", n)) or self._connection.poll():
            raise KeyboardInterrupt


def _next_part(connection: Connection) -> FillPart | None:
    try:
        part: FillPart | None = connection.recv()
    except (EOFError, OSError):
        return None
    return part


def _sendable(error: Exception) -> Exception:
    """Return an error of the library as it is, unless it cannot be pickled; others as text."""
    if isinstance(error, RenoStoreError):
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 (made here)
        except Exception:
            return RenoStoreError(str(error))
        return error
    return RuntimeError(traceback.format_exc())
