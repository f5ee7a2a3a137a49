"""Messages about why a Dask cluster finishes nothing, for people who wait."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from reno_store.runtime.progress import tell

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["IdleNotices"]

_LOOK_S = 30.0
"""After how long without a result the states of the workers are looked at."""


class IdleNotices:
    """Prints why a cluster finishes nothing, once for each reason in turn.

    Parameters
    ----------
    client : distributed.Client
        Connected to the cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client: Any = client
        self._told = ""
        self._has_told_of_losses = False
        self._looked_at = time.monotonic()

    def finished(self) -> None:
        """Note that a call was finished."""
        self._told, self._looked_at = "", time.monotonic()

    def lost(self, why: str) -> None:
        """Print once that workers are lost with the same work."""
        if not self._has_told_of_losses:
            tell(f"{why[0].upper()}{why[1:]}; trying again. Probably memory is short.")
        self._has_told_of_losses = True

    def look(self, n_workers: int) -> None:
        """Print if there are no workers or, after some time without a result, if all are paused."""
        why = ""
        if not n_workers:
            why = "The cluster has no workers; waiting for them."
        elif time.monotonic() - self._looked_at > _LOOK_S:
            self._looked_at = time.monotonic()
            with contextlib.suppress(OSError):  # reported where it is asked for workers
                found = self._client.sync(self._client.scheduler.identity)["workers"].values()
                if found and all(worker["status"] == "paused" for worker in found):
                    why = (
                        "Dask has paused all workers of the cluster, because their memory is "
                        "nearly full. If they do not go on, give them more memory."
                    )
        if why and why != self._told:
            tell(why)
        self._told = why or self._told
