"""Calls on a Dask cluster: lost workers, lost connections, interrupts."""

import json
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from types import SimpleNamespace

import distributed
import numpy as np
import pytest
from distributed.client import FutureCancelledError
from factories.clusters import wait_until, worker_pids

from reno_store.errors import ClusterError
from reno_store.runtime import cluster_calls
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.cluster_calls import is_cancelled, report
from reno_store.runtime.cluster_notices import IdleNotices
from reno_store.runtime.dask_client import check_cluster, open_client


@pytest.fixture(scope="module")
def cluster(dask_client):
    return Cluster(dask_client)


def test_results_have_their_tags(cluster):
    found = dict(cluster.run(pow, ((n, (n, 2)) for n in range(20))))
    assert found == {n: n * n for n in range(20)}


def test_calls_are_asked_for_when_a_worker_will_soon_be_free(cluster):
    asked = []

    def calls():
        for n in range(20):
            asked.append(n)
            yield n, (0.05,)

    results = cluster.run(time.sleep, calls())
    next(results)
    assert len(asked) <= 4 + 1  # two per thread
    assert len(list(results)) == 19


def test_calls_of_lost_workers_are_repeated(cluster, dask_client):
    n_done = 0
    for _ in cluster.run(time.sleep, [(n, (0.2,)) for n in range(8)]):
        n_done += 1
        if n_done == 2:
            for pid in worker_pids(dask_client):
                os.kill(pid, signal.SIGKILL)
    assert n_done == 8


def test_shared_values_survive_the_workers_that_had_them(cluster, dask_client):
    shared = cluster.share(list(range(10)))
    assert list(cluster.run(sum, [("a", (shared,))])) == [("a", 45)]
    pids = worker_pids(dask_client)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert list(cluster.run(sum, [("b", (shared,))])) == [("b", 45)]
    wait_until(lambda: not set(pids) & set(worker_pids(dask_client)))


def test_large_values_are_shared_without_a_warning(cluster):
    shared = cluster.share(bytes(12_000_000))
    assert list(cluster.run(len, [("a", (shared,))])) == [("a", 12_000_000)]


def test_what_a_call_raises_is_raised(cluster):
    with pytest.raises(ZeroDivisionError):
        list(cluster.run(operator.truediv, [("a", (1, 0))]))


def test_a_package_that_workers_lack_is_named(cluster):
    with pytest.raises(ClusterError, match="no_such_package"):
        list(cluster.run(import_module, [("a", ("no_such_package",))]))


def test_a_worker_that_lacks_a_function_goes_on(cluster, dask_client, tmp_path, monkeypatch):
    """Dask alone would close it, and send the call to the next."""
    (tmp_path / "only_here.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    wait_until(lambda: cluster.n_workers() == 2)  # the test before may have killed some
    pids = worker_pids(dask_client)
    with pytest.raises(ClusterError, match="only_here"):
        list(cluster.run(import_module("only_here").double, [("a", (1,))]))
    assert list(cluster.run(abs, [("a", (-1,))])) == [("a", 1)]
    assert worker_pids(dask_client) == pids


def test_workers_with_another_version_are_refused(cluster, monkeypatch):
    monkeypatch.setattr(cluster_calls, "__version__", "0.0.1")
    with pytest.raises(ClusterError, match=r"expected 0\.0\.1"):
        list(cluster.run(abs, [("a", (-1,))]))


def test_what_cannot_be_pickled_is_an_error(cluster):
    with pytest.raises(ClusterError, match="pickled"):
        list(cluster.run(abs, [("a", (threading.Lock(),))]))


def test_arguments_may_be_shared_arrays_or_neither(cluster):
    shared = cluster.share_result(operator.add, np.arange(3), 1)
    results = cluster.run(np.clip, [("a", (shared, np.array([2, 2, 2]), 10))])
    assert next(results)[1].tolist() == [2, 2, 3]
    results.close()


class _Lost:
    def result(self):
        raise FutureCancelledError("a key", "lost")


def test_a_result_that_is_lost_before_it_arrives_is_asked_for_again(cluster):
    result, why = cluster._result(_Lost())
    assert result is None
    assert "lost" in why


def test_a_result_that_is_lost_with_the_scheduler_is_an_error(cluster, monkeypatch):
    monkeypatch.setattr(cluster, "_client", SimpleNamespace(status="connecting"))
    with pytest.raises(ClusterError, match="connecting"):
        cluster._result(_Lost())


class TestWhyNothingIsFinished:
    """The messages for people who wait."""

    @pytest.fixture
    def told(self, monkeypatch):
        messages = []
        monkeypatch.setattr("reno_store.runtime.cluster_notices.tell", messages.append)
        return messages

    def test_that_there_are_no_workers(self, told):
        idle = IdleNotices(None)
        for n_workers in (0, 0, 1, 0):
            idle.look(n_workers)
        assert len(told) == 1
        idle.finished()
        idle.look(0)
        assert len(told) == 2

    @pytest.mark.parametrize(
        ("states", "n_told"), [(["paused"] * 2, 1), (["paused", "running"], 0)]
    )
    def test_that_all_workers_are_paused(self, states, n_told, told, monkeypatch):
        monkeypatch.setattr("reno_store.runtime.cluster_notices._LOOK_S", -1.0)
        found = {"workers": {n: {"status": state} for n, state in enumerate(states)}}
        client = SimpleNamespace(
            sync=lambda function: function(), scheduler=SimpleNamespace(identity=lambda: found)
        )
        idle = IdleNotices(client)
        idle.look(2)
        idle.look(2)
        assert len(told) == n_told

    def test_that_workers_are_lost_with_the_same_work(self, told):
        idle = IdleNotices(None)
        for _ in range(2):
            idle.lost("workers are lost")
        assert len(told) == 1

    def test_the_states_are_those_of_dask(self, cluster, told, monkeypatch, dask_client):
        monkeypatch.setattr("reno_store.runtime.cluster_notices._LOOK_S", -1.0)
        IdleNotices(dask_client).look(2)
        assert not told
        states = dask_client.sync(dask_client.scheduler.identity)["workers"].values()
        assert {each["status"] for each in states} == {"running"}


def test_calls_that_still_run_are_cancelled(cluster, dask_client):
    results = cluster.run(time.sleep, ((n, (0.1,)) for n in range(1000)))
    next(results)
    results.close()
    # The scheduler forgets them.
    wait_until(lambda: not dask_client.run_on_scheduler(_n_calls))


def _n_calls(dask_scheduler):
    done = {"memory", "erred"}
    return sum(task.state not in done for task in dask_scheduler.tasks.values())


@pytest.fixture(scope="module")
def threads():
    """A client of a cluster of threads of this process, which run functions of this module."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=4, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


_running: list[int] = []
_most: list[int] = []


def _count_running(seconds):
    _running.append(1)
    _most.append(len(_running))
    time.sleep(seconds)
    _running.pop()


def test_a_process_runs_one_call_at_a_time(threads):
    list(Cluster(threads).run(_count_running, ((n, (0.02,)) for n in range(12))))
    assert _most == [1] * 12


_ended: list[str] = []


def _work_until_cancelled(topic):
    report(topic, "begun")
    end = time.monotonic() + 120
    while not is_cancelled() and time.monotonic() < end:
        time.sleep(0.01)
    _ended.append("cancelled" if time.monotonic() < end else "late")


def test_a_call_can_see_that_nobody_waits_for_it(threads):
    cluster, heard = Cluster(threads), []

    def hear(message):
        heard.append(message)
        os.kill(os.getpid(), signal.SIGINT)

    with cluster.hearing("test", hear), pytest.raises(KeyboardInterrupt):
        list(cluster.run(_work_until_cancelled, [("a", ("test",))]))
    assert heard == ["begun"]
    wait_until(lambda: _ended)
    assert _ended == ["cancelled"]


@pytest.mark.parametrize("place", ["local:0", "local:", "local:two", "local:²", "nowhere"])
def test_other_places_are_refused(place):
    with pytest.raises(ClusterError, match="local:N"):
        check_cluster(place)


def test_a_scheduler_that_ends_is_an_error_and_ends_the_wait():
    with open_client("local:1") as client:
        results = Cluster(client).run(time.sleep, ((n, (0.05,)) for n in range(10_000)))
        next(results)
        client.cluster.close()
        with pytest.raises(ClusterError, match="connection"):
            list(results)


def test_schedulers_and_their_files_are_places(tmp_path, dask_client):
    address = dask_client.cluster.scheduler_address
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address}))
    for place in (address, str(file)):
        with open_client(place) as client:
            assert client.scheduler.address == address
    assert dask_client.status == "running"


def test_files_of_another_kind_are_refused(tmp_path):
    file = tmp_path / "other.json"
    file.write_text("[]")
    with pytest.raises(ClusterError, match=r"other\.json"), open_client(str(file)):
        pass


def test_only_clients_are_taken():
    with pytest.raises(ClusterError, match="Client"):
        Cluster("tcp://127.0.0.1:1")


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"reno-store\[cluster\]"), open_client("local:1"):
        pass


_SCRIPT = """
import time
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.dask_client import open_client

if __name__ == "__main__":
    with open_client("local:1") as client:
        for n, _ in Cluster(client).run(time.sleep, ((n, (0.05,)) for n in range(10_000))):
            print(n, flush=True)
"""


def test_an_interrupt_ends_a_local_cluster_at_once(tmp_path):
    (tmp_path / "script.py").write_text(_SCRIPT)
    process = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to all its processes
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert errors.strip().splitlines()[-1] == "KeyboardInterrupt"
    assert errors.count("Traceback") == 1
