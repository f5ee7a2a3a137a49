"""Locks on folds: which process trains which fold, so that two processes share a study.

A claim is a file that only one process can create. It names the process; the claim of a process
that has died is free again. On another host a process counts as dead when its claim has not been
touched for some minutes. At worst, two processes train one fold and keep the same outcome.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock

from reno_store.errors import LedgerError

__all__ = ["FoldLocks"]

_HEARTBEAT_S = 15.0
_PATIENCE_S = 180.0
_live: set[str] = set()
"""Tokens of this process's own claims that are in use."""


class FoldLocks:
    """The claims of one study that is running; a context manager that releases its own at the end.

    Parameters
    ----------
    folder : Path
        Folder of kept results; claims are in its ``claims``.

    Raises
    ------
    LedgerError
        If the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "claims"
        self._token = uuid.uuid4().hex
        self._own: set[Path] = set()
        self._seen: dict[Path, tuple[int, float]] = {}
        self._stopped = threading.Event()

    def __enter__(self) -> FoldLocks:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from None
        _live.add(self._token)
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        for path in tuple(self._own):
            self._remove(path)
        _live.discard(self._token)

    def take(self, key: str) -> bool:
        """Claim a fold; return whether it is now this study's to train."""
        path = self._folder / f"{key}.json"
        if self._create(path):
            return True
        if not self._is_abandoned(path):
            return False
        # One at a time, so that nobody removes the claim of whoever was faster.
        with FileLock(self._folder / "abandoned.lock"):
            if self._is_abandoned(path):
                path.unlink(missing_ok=True)
            return self._create(path)

    def release(self, key: str) -> None:
        """Free a fold, once its outcome is kept."""
        self._remove(self._folder / f"{key}.json")

    def _create(self, path: Path) -> bool:
        owner = {
            "host": _host(),
            "pid": os.getpid(),
            "started": _started(os.getpid()),
            "token": self._token,
        }
        try:
            with path.open("x", encoding="utf-8") as file:
                self._own.add(path)
                json.dump(owner, file)
        except FileExistsError:
            return False
        except OSError as error:
            raise _unwritable(path, error) from None
        return True

    def _remove(self, path: Path) -> None:
        self._own.discard(path)
        with contextlib.suppress(OSError):  # it is free anyway once this process has ended
            path.unlink(missing_ok=True)

    def _is_abandoned(self, path: Path) -> bool:
        try:
            touched = path.stat().st_mtime_ns
            owner: Any = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return True
        except ValueError:
            owner = None  # being written, or its writer was killed
        if isinstance(owner, dict) and owner.get("host") == _host():
            pid, token = owner.get("pid"), owner.get("token")
            if pid == os.getpid():
                return token not in _live
            return _started(pid) is None or _started(pid) != owner.get("started")
        # By this process's own clock, since other hosts' may differ.
        before, since = self._seen.setdefault(path, (touched, time.monotonic()))
        if touched != before:
            self._seen[path] = (touched, time.monotonic())
            return False
        return time.monotonic() - since > _PATIENCE_S

    def _beat(self) -> None:
        while not self._stopped.wait(_HEARTBEAT_S):
            for path in tuple(self._own):
                with contextlib.suppress(OSError):  # released meanwhile
                    os.utime(path)


def _host() -> str:
    """Return this host, with the namespace that its process ids are of, as in a container."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {namespace}".strip()


def _started(pid: Any) -> str | None:
    """Return when a process of this host started; None if there is none, or if it is a zombie."""
    if not isinstance(pid, int):
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self/stat").exists() or not _exists(pid) else ""
    return None if fields[0] == "Z" else fields[19]


def _exists(pid: int) -> bool:
    """Return whether there is a process, where `/proc` does not show."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _unwritable(path: Path, error: OSError) -> LedgerError:
    return LedgerError(f"results {path}: cannot be written to: {error.strerror}.")
