"""Workers of a Dask cluster on this machine that are killed while they work."""

import contextlib
import os
import random
import signal
import threading
import time

__all__ = ["killing_workers", "wait_until", "worker_pids"]


def worker_pids(client):
    """The processes that are workers now."""
    return [nanny.pid for nanny in client.cluster.workers.values() if nanny.pid]


@contextlib.contextmanager
def killing_workers(client, progress, *, within_s, most=1000, seed=0):
    """Kill a random worker by SIGKILL again and again; yield the pids of those that were killed.

    After each kill something has to be finished, so that `progress()` changes, before the next
    comes, up to `within_s` later: on a busy machine workers take long to start. After `most`
    there are no more.
    """
    rng, killed, ended = random.Random(seed), [], threading.Event()

    def kill():
        before = progress()
        while len(killed) < most and not ended.wait(0.1):
            if progress() == before:
                continue
            ended.wait(rng.uniform(0, within_s))
            before = progress()
            pids = [pid for pid in worker_pids(client) if pid not in killed]
            if pids and not ended.is_set():
                pid = rng.choice(pids)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def wait_until(condition, timeout_s=120.0):
    """Wait for something that another process does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
