"""Workers of a Dask cluster on this machine that are killed while they work."""

import contextlib
import os
import random
import signal
import threading
import time

__all__ = ["killing_workers", "worker_pids"]


def worker_pids(client):
    """The processes that are workers now."""
    return [nanny.pid for nanny in client.cluster.workers.values() if nanny.pid]


@contextlib.contextmanager
def killing_workers(client, *, at_least, every_s, seed=0):
    """Kill a random worker again and again by SIGKILL; yield the pids of those that were killed.

    Sleeps are random, `every_s` on average. The block has to last until `at_least` were killed.
    """
    rng, killed, done = random.Random(seed), [], threading.Event()

    def kill():
        while not done.wait(rng.uniform(0.5 * every_s, 1.5 * every_s)):
            pids = [pid for pid in worker_pids(client) if pid not in killed]
            if pids:
                pid = rng.choice(pids)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()
    assert len(killed) >= at_least


def wait_until(condition, timeout_s=30.0):
    """Wait for something that another process does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
