"""Processes of this machine that fill the stripes of a model together.

The process that starts them hands out one part after another, counts their clips on one bar
and collects their reports. Workers ignore Ctrl-C and stop on request, after the batch in hand
is stored; they also stop when the process that started them is gone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from reno_store.errors import Remedy, RenoStoreError
from reno_store.extraction.filling import Filled, FillJob, FillPart, FillParts, Outcome
from reno_store.extraction.worker_process import send, work
from reno_store.runtime.interrupts import ctrl_c_blocked
from reno_store.runtime.progress import Counter

__all__ = ["devices_of", "fill_together", "local_workers"]

_POLL_S = 0.2
_MOST_DEATHS = 2
"""How often a part is begun: once more after the process that filled it has died."""


def devices_of(device: str, n_workers: int) -> list[str]:
    """Return the device of each worker: with CUDA, one GPU after another.

    Parameters
    ----------
    device : str
        As resolved: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``, which all workers share.
    n_workers : int
        How many.

    Examples
    --------
    >>> devices_of("cuda:1", 2)
    ['cuda:1', 'cuda:1']
    """
    n_gpus = 0
    if device == "cuda":
        import torch

        n_gpus = torch.cuda.device_count()
    if not n_gpus:
        return [device] * n_workers
    return [f"cuda:{number % n_gpus}" for number in range(n_workers)]


def local_workers(device: str, n_workers: int) -> FillParts:
    """Return a function that fills parts in new processes; see `fill_together`.

    Raises
    ------
    RenoStoreError
        In a worker process that has come here because it imports the user's script.
    """
    # As multiprocessing itself finds out, but before this build waits for the one that began.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RenoStoreError(
            "this process is a worker of a build, and imports the script that started it: "
            "start the build below `if __name__ == '__main__':`."
        )

    def fill_parts(job: FillJob, parts: Sequence[FillPart], counter: Counter) -> Outcome:
        return fill_together(job, parts, devices_of(device, n_workers), counter)

    return fill_parts


def fill_together(
    job: FillJob, parts: Sequence[FillPart], devices: Sequence[str], counter: Counter
) -> Outcome:
    """Fill parts in new processes; return when all are done.

    A process that dies, for lack of memory for example, is replaced and its part is begun
    again. If that process dies too, the part is given up.

    Parameters
    ----------
    job : FillJob
        The model.
    parts : Sequence[FillPart]
        In the order in which they are begun.
    devices : Sequence[str]
        One per process.
    counter : Counter
        Counts the clips of all.

    Raises
    ------
    RenoStoreError
        What a process raised, or if processes die before they fill anything.
    """
    pool = _Pool(job, parts, devices[: len(parts)], counter)
    try:
        return pool.run()
    finally:
        pool.close()


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, its end of the pipe, its device, whether it is loaded, and the part in hand."""

    process: BaseProcess
    connection: Connection
    device: str
    is_ready: bool = False
    part: FillPart | None = None


class _Pool:
    def __init__(
        self, job: FillJob, parts: Sequence[FillPart], devices: Sequence[str], counter: Counter
    ) -> None:
        from joblib import cpu_count  # of those that this process may use

        self._job, self._counter, self._devices = job, counter, devices
        self._waiting = deque(parts)
        self._n_threads = max(cpu_count() // max(len(devices), 1), 1)
        self._n_deaths: dict[int, int] = {}
        self._deaths_in_a_row, self._most_deaths = 0, 2 * len(devices) + 2
        self._filled: list[Filled] = []
        self._died: list[tuple[FillPart, str]] = []
        self._interrupted = False
        self._workers: list[_Worker] = []

    def run(self) -> Outcome:
        with _noting_ctrl_c() as is_pressed:
            for device in self._devices:
                self._start(device)
            while self._workers:
                if is_pressed() and not self._interrupted:
                    self._stop()
                for ready in wait([worker.connection for worker in self._workers], _POLL_S):
                    (worker,) = [each for each in self._workers if each.connection is ready]
                    self._receive(worker)
        return Outcome(self._filled, self._died, self._interrupted)

    def _stop(self) -> None:
        self._interrupted = True
        self._waiting.clear()
        for worker in list(self._workers):
            if worker.is_ready:
                send(worker.connection, None)
            else:
                worker.process.terminate()
                self._dismiss(worker)

    def close(self) -> None:
        """End the processes that are left, after an error."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()

    def _start(self, device: str) -> None:
        # A forked process would inherit torch's threads and the locks of this one.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        job = replace(self._job, settings=replace(self._job.settings, device=device))
        process = context.Process(target=work, args=(theirs, job, self._n_threads), daemon=True)
        with ctrl_c_blocked():
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, device))

    def _receive(self, worker: _Worker) -> None:
        content: Any = None
        kind = "died"
        with contextlib.suppress(EOFError, OSError):
            kind, content = worker.connection.recv()
        if kind == "died":
            self._bury(worker)
        elif kind == "advance":
            self._counter.advance(content)
        elif kind == "failed":
            raise content
        else:
            worker.is_ready = True
            if kind == "filled":
                self._filled.append(content)
                self._counter.advance(content.report.n_copied)
                self._deaths_in_a_row = 0
            worker.part = self._waiting.popleft() if self._waiting else None
            # If it has died, the next receive notices it.
            send(worker.connection, worker.part)
            if worker.part is None:
                self._dismiss(worker)

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.process.join()
        worker.connection.close()

    def _bury(self, worker: _Worker) -> None:
        """Note that a process has died; replace it if there is work left."""
        self._dismiss(worker)
        code = worker.process.exitcode or 0
        how = f"exit code {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                how = signal.Signals(-code).name
        self._deaths_in_a_row += 1
        if worker.part is not None:
            n_deaths = self._n_deaths[id(worker.part)] = self._n_deaths.get(id(worker.part), 0) + 1
            if n_deaths < _MOST_DEATHS and not self._interrupted:
                self._waiting.appendleft(worker.part)
            else:
                self._died.append((worker.part, how))
        if code > 0 and not worker.is_ready:
            raise RenoStoreError(
                f"a process that embeds clips ended before it began ({how}); its error is above. "
                "In a script, start the build below `if __name__ == '__main__':`."
            )
        if self._deaths_in_a_row > self._most_deaths:
            raise RenoStoreError(
                f"the processes that embed clips end before they finish anything ({how}); "
                "probably memory is short.",
                Remedy("Use fewer processes", {"workers": ...}),
            )
        if self._waiting:
            self._start(worker.device)


@contextlib.contextmanager
def _noting_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C in the block; raised at any moment, it could leave half a message unread.

    The second time it is raised. Only the main thread gets it, unless it is ignored.
    """
    pressed: list[bool] = []

    def note(*_: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
