"""Locks in a bucket: one holder at a time, none for the dead, and no write by who lost one."""

import threading
import time
import uuid

import numpy as np
import pytest

from reno_store.errors import BucketError, StoreBusyError, StoreError
from reno_store.runtime.places import open_place
from reno_store.runtime.places.bucket import Bucket
from reno_store.store import StoreReader, StoreWriter, leases
from reno_store.store.leases import Lease, check_conditional_writes
from reno_store.store.lock_files import Note
from reno_store.store.locking import Locks

NOTE = Note.of_this_process("testing", [3, 1])


@pytest.fixture(params=["memory", "s3"])
def store(request):
    if request.param == "s3":
        return open_place(request.getfixturevalue("s3_url") + "/a.zarr", "store")
    return open_place(f"memory://{uuid.uuid4().hex}/a.zarr", "store")


@pytest.fixture
def new_lease(store):
    """Makes leases on one object; each is another process's. No thread renews them."""
    leases = []

    def make(expiry_s=60.0, *, renewing=False):
        lease = Lease(store.with_name(".a.zarr.locks") / "x.lock", store, expiry_s)
        if not renewing:
            lease._keep_renewing = lambda: None
        leases.append(lease)
        return lease

    yield make
    for lease in leases:
        lease.release()


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test sets forward."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("reno_store.store.leases._now", lambda: Clock.now)
    return Clock


def test_one_lease_is_held_by_one_and_names_it(new_lease):
    one, other = new_lease(), new_lease()
    assert one.acquire(NOTE)
    assert not other.acquire(Note.of_this_process("waiting"))
    assert other.note() == NOTE
    assert other.look(clear=False) == NOTE
    one.release()
    assert other.look(clear=False) is None
    assert other.acquire(NOTE)


def test_of_many_at_once_one_gets_it(new_lease):
    leases = [new_lease() for _ in range(8)]
    got, start = [], threading.Barrier(8)

    def take(lease):
        start.wait()
        got.append(lease.acquire(NOTE))

    for _ in range(3):
        threads = [threading.Thread(target=take, args=(lease,)) for lease in leases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got.count(True) == 1
        leases.pop(leases.index(next(each for each in leases if each._tag))).release()
        got.clear()
        start = threading.Barrier(len(leases))


def test_only_who_saw_no_sign_of_life_for_the_whole_expiry_takes_it(new_lease, clock):
    one, other = new_lease(), new_lease()
    assert one.acquire(NOTE)
    assert not other.acquire(NOTE)
    clock.now += 59
    assert not other.acquire(NOTE)
    one.check()  # renews it, since 30 s have passed
    clock.now += 2
    assert not other.acquire(NOTE)
    clock.now += 61
    assert other.acquire(NOTE)


def test_a_machine_that_sleeps_does_not_stop_the_clock(monkeypatch):
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("only Linux has a clock that includes sleep and one that does not")
    slept = {time.CLOCK_BOOTTIME: 5000.0, time.CLOCK_MONOTONIC: 10.0}
    monkeypatch.setattr(time, "clock_gettime", slept.get)
    monkeypatch.setattr(time, "monotonic", lambda: 10.0)
    assert leases._now() == 5000.0


def test_a_look_long_ago_does_not_count_for_another_version(new_lease, clock):
    one, other = new_lease(), new_lease()
    assert one.acquire(NOTE)
    clock.now += 1000
    assert not other.acquire(NOTE)  # looks for the first time


def test_a_time_in_which_the_server_did_not_answer_does_not_count(new_lease, clock, monkeypatch):
    one, other = new_lease(), new_lease()
    assert one.acquire(NOTE)
    assert not other.acquire(NOTE)
    get = Bucket.get_tagged

    def late(bucket, key):
        clock.now += 61
        return get(bucket, key)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "get_tagged", late)
        assert not other.acquire(NOTE)
    clock.now += 59
    assert not other.acquire(NOTE)
    clock.now += 2
    assert other.acquire(NOTE)


def test_the_holders_own_expiry_counts(new_lease, clock):
    one, other = new_lease(600.0), new_lease(1.0)
    assert one.acquire(NOTE)
    assert not other.acquire(NOTE)
    clock.now += 599
    assert not other.acquire(NOTE)
    clock.now += 2
    assert other.acquire(NOTE)


def test_who_lost_a_lease_learns_it_and_does_not_take_it_back(new_lease, clock):
    one, other = new_lease(), new_lease()
    assert one.acquire(NOTE)
    assert not other.acquire(NOTE)
    clock.now += 61
    assert other.acquire(Note.of_this_process("taking over"))
    with pytest.raises(StoreBusyError, match="taking over"):
        one.check()
    with pytest.raises(StoreBusyError):
        one.check()
    one.release()
    assert new_lease().look(clear=False) is not None
    other.check()


def test_a_claim_that_has_expired_is_freed_so_that_its_holder_learns_it(new_lease, clock):
    one, other = new_lease(), new_lease()
    assert one.acquire(NOTE)
    assert other.look(clear=True) == NOTE
    clock.now += 61
    assert other.look(clear=False) is None
    with pytest.raises(StoreBusyError):
        one.check()


def test_a_renewal_whose_answer_was_lost_is_still_ours(new_lease, clock):
    one = new_lease()
    assert one.acquire(NOTE)
    stale = one._tag
    clock.now += 31
    one.check()
    one._tag = stale  # as if the answer had not arrived
    clock.now += 31
    one.check()


def test_a_lease_is_renewed_without_anybody_writing(new_lease):
    one, other = new_lease(0.6, renewing=True), new_lease(0.6)
    assert one.acquire(NOTE)
    for _ in range(12):
        assert not other.acquire(NOTE)
        time.sleep(0.1)
    one.check()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"token": 1}', b"\xff", b"[" * 10_000])
def test_a_lease_that_cannot_be_read_is_held_until_it_expires(store, new_lease, clock, content):
    (store.with_name(".a.zarr.locks") / "x.lock").write_bytes(content)
    lease = new_lease()
    assert not lease.acquire(NOTE)
    assert lease.note() == Note()
    clock.now += 61
    assert lease.acquire(NOTE)


def test_a_writer_that_lost_its_lock_stops_writing(store, clock):
    table = {name: ["a"] for name in ("clip_id", "label", "speaker", "audio_sha256")}
    intruder = Lease(store.with_name(".a.zarr.locks") / "d,m,model.lock", store, 60.0)

    def lose_the_lock_and_write(writer):
        clips = writer.put_clips("d", table)
        with clips.writing("m", {"weights": "1"}, 3) as target:
            assert not intruder.acquire(NOTE)
            clock.now += 61
            assert intruder.acquire(NOTE)
            target.put(clips.rows, np.ones((1, 3), np.float32))

    with StoreWriter.open(store) as writer, pytest.raises(StoreBusyError, match="did not renew"):
        lose_the_lock_and_write(writer)
    intruder.release()
    assert not StoreReader(store).done("d", "m").any()


def test_a_claim_of_the_dead_delays_who_needs_the_model_alone(store, clock):
    dead, alive = (Locks(store, notify=lambda message: None) for _ in range(2))
    filling = dead.filling("d", "m", lambda is_alone: [0], name="dead")
    filling.__enter__()
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        clock.now += 7

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reno_store.store.locking.time.sleep", sleep)
        with alive.model("d", "m"):
            assert 7 * len(waits) > 60
    with pytest.raises(StoreBusyError):
        dead.check()


def test_fillers_of_other_stripes_do_not_wait(store):
    one, other, third = (Locks(store, None) for _ in range(3))
    with (
        one.filling("d", "m", lambda is_alone: [0, 1], name="one"),
        other.filling("d", "m", lambda is_alone: [2], name="other"),
        pytest.raises(StoreBusyError, match="filling m of d"),
        third.filling("d", "m", lambda is_alone: [1, 2], name="third"),
    ):
        pass
    with third.model("d", "m"):
        pass


def test_a_server_with_conditional_writes_passes(store):
    check_conditional_writes(store.with_name(".locks"), store)


@pytest.mark.parametrize("without", ["create", "update", "both"])
def test_a_server_without_conditional_writes_is_only_read(monkeypatch, without):
    import obstore

    store = open_place(f"memory://{uuid.uuid4().hex}/a.zarr", "store")
    table = {name: ["a"] for name in ("clip_id", "label", "speaker", "audio_sha256")}
    with StoreWriter.open(store) as writer:
        writer.put_clips("d", table)
    put = obstore.put

    def put_anyway(bucket, key, content, *, mode="overwrite", **options):
        is_ignored = without == "both" or (without == "create") == (mode == "create")
        return put(bucket, key, content, mode="overwrite" if is_ignored else mode, **options)

    monkeypatch.setattr(obstore, "put", put_anyway)
    with pytest.raises(StoreError, match="no conditional writes"), StoreWriter.open(store):
        pass
    assert StoreReader(store).texts("d", "clip_id") == ["a"]


def test_an_unreachable_server_is_no_lost_lease(new_lease, clock, monkeypatch):
    lease = new_lease()
    assert lease.acquire(NOTE)

    def fail(*arguments):
        raise BucketError("down")

    with monkeypatch.context() as patch:
        patch.setattr(type(lease._bucket), "put_over", fail)
        clock.now += 31
        with pytest.raises(BucketError, match="down"):
            lease.check()
    lease.check()
