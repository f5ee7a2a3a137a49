"""A section in a process of its own, stopped at its limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ended", "run_process"]

_POLL_S = 0.2
_LINES_OF_LOG = 12


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes
    ----------
    state : str
        ``"done"``, ``"failed"`` or ``"stopped at its limit"``.
    seconds : float
        How long it ran.
    log : str
        The last lines that it printed, unless it is done.
    """

    state: str
    seconds: float
    log: str = ""


def run_process(
    command: Sequence[str], log: Path, limit_s: float, while_running: Callable[[], None]
) -> Ended:
    """Run a command until it ends or its limit is reached.

    Parameters
    ----------
    command : Sequence[str]
        The program and its arguments. It gets a process group of its own, all of which is
        killed at the limit, or when this process is interrupted.
    log : Path
        File for what it prints.
    limit_s : float
        Seconds that it may take.
    while_running : callable
        Called several times a second.
    """
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            while process.poll() is None and time.monotonic() - begun < limit_s:
                time.sleep(_POLL_S)
                while_running()
            code = process.poll()
        finally:
            # Children of the section too, and also where it ended by itself.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            # A process that hangs in the driver may not even die: the next section is tried.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
    seconds = time.monotonic() - begun
    if code == 0:
        return Ended("done", seconds)
    said = log.read_text("utf-8", "replace").splitlines()[-_LINES_OF_LOG:]
    if code is None:
        return Ended("stopped at its limit", seconds, "\n".join(said))
    reason = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    return Ended("failed", seconds, "\n".join([*said, reason]))
