"""A store in a bucket is the store that it would be on a disk, also after all that can happen."""

import multiprocessing
import os
import threading
import time
import uuid

import numpy as np
import pytest
from factories.stores import assert_stores_equal

from reno_store.errors import BucketError, StaleStoreError, StoreBusyError, StoreError
from reno_store.exchange.merging import merge_stores
from reno_store.exchange.verification import verify_store
from reno_store.runtime.places import BucketPlace, open_place
from reno_store.runtime.places.bucket import Bucket
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter, remove_from_store
from reno_store.store.leases import Lease
from reno_store.store.lock_files import Note

DIM = 5
FINGERPRINT = {"weights": "a" * 64}


def table(n_clips, *, label="laugh"):
    ids = [f"clip{number}" for number in range(n_clips)]
    return {
        "clip_id": ids,
        "label": [label] * n_clips,
        "speaker": [f"s{number % 7}" for number in range(n_clips)],
        "audio_sha256": [f"{number:064x}" for number in range(1, n_clips + 1)],
    }


def numbers(rows):
    return np.stack([np.random.default_rng(int(row)).normal(size=DIM) for row in rows]).astype("f4")


def fill(store, n_clips, model="m", *, rows_at_a_time=100, label="laugh"):
    with StoreWriter.open(store, notify=lambda message: None) as writer:
        clips = writer.put_clips("d", table(n_clips, label=label))
        with clips.writing(model, FINGERPRINT, DIM) as target:
            missing = target.missing(clips.rows)
            for start in range(0, len(missing), rows_at_a_time):
                rows = missing[start : start + rows_at_a_time]
                target.put(rows, numbers(rows))


@pytest.fixture(params=["memory", "s3"])
def store(request):
    if request.param == "s3":
        return request.getfixturevalue("s3_url") + "/a.zarr"
    return f"memory://{uuid.uuid4().hex}/a.zarr"


def test_a_store_that_grows_equals_one_on_a_disk(store, tmp_path):
    for path in (store, tmp_path / "a.zarr"):
        fill(path, 300)
        with StoreWriter.open(path) as writer:
            writer.put_clips("d", table(700, label="cry"), refresh=("labels",))
        fill(path, 700, "n", label="cry")
        remove_from_store(path, "d", "n")
    assert_stores_equal(tmp_path / "a.zarr", store)
    reader, rows = StoreReader(store), np.array([299, 0, 17, 256])
    assert reader.datasets == ("d",)
    assert reader.models("d") == ("m",)
    np.testing.assert_array_equal(reader.embeddings("d", "m", rows), numbers(rows))
    assert reader.find_clips("d", ["clip5", "none"]).tolist() == [5, -1]
    assert verify_store(store).is_sound
    assert verify_store(store).n_embeddings == 300


def test_stores_merge_between_a_disk_and_a_bucket(store, tmp_path):
    fill(tmp_path / "a.zarr", 20)
    merge_stores(tmp_path / "a.zarr", store)
    assert_stores_equal(tmp_path / "a.zarr", store)
    merge_stores(store, tmp_path / "b.zarr")
    assert_stores_equal(tmp_path / "b.zarr", store)
    with pytest.raises(StoreError, match="into itself"):
        merge_stores(store, store)


def test_damage_is_found_and_repaired(store):
    fill(store, 600)
    chunks = open_place(store, "store") / "d/m/embedding/c"
    content = (chunks / "0/0").read_bytes()
    (chunks / "0/0").write_bytes(content[:-9] + b"\x00" + content[-8:])
    (chunks / "1/0").unlink()
    reader = StoreReader(store)
    with pytest.raises(StoreError, match="damaged"):
        reader.embeddings("d", "m", np.arange(600))
    with pytest.raises(StoreError, match="lost"):
        reader.embeddings("d", "m", np.array([300]))
    assert len(verify_store(store, repair=True).findings) == 2
    assert verify_store(store).is_sound
    assert reader.done("d", "m").nonzero()[0].tolist() == list(range(512, 600))
    fill(store, 600)
    np.testing.assert_array_equal(reader.embeddings("d", "m", np.arange(600)), numbers(range(600)))


def test_a_lost_chunk_of_the_clip_table_raises_an_error(store):
    fill(store, 3)
    (open_place(store, "store") / "d/label/c/0").unlink()
    with pytest.raises(StoreError, match="chunk"):
        StoreReader(store).texts("d", "label")


def test_a_dataset_and_a_store_without_any_are_removed(store):
    fill(store, 3)
    remove_from_store(store, "d")
    assert StoreReader(store).datasets == ()
    fill(store, 3)
    assert StoreReader(store).n_clips("d") == 3


def test_nothing_is_left_by_a_build_that_stored_nothing(store):
    with StoreWriter.open(store):
        pass
    with pytest.raises(StoreError, match="does not exist"):
        StoreReader(store)


def test_a_folder_with_other_things_is_left_alone(store):
    (open_place(store, "store") / "mine.txt").write_bytes(b"x")
    with pytest.raises(StoreError, match="other things"), StoreWriter.open(store):
        pass


def test_chunks_are_fetched_at_the_same_time(monkeypatch):
    store = f"memory://{uuid.uuid4().hex}/a.zarr"
    fill(store, 3000)
    under_way, most = 0, 0
    counting = threading.Lock()
    read_bytes = BucketPlace.read_bytes

    def slow(place):
        nonlocal under_way, most
        with counting:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        try:
            return read_bytes(place)
        finally:
            with counting:
                under_way -= 1

    monkeypatch.setattr(BucketPlace, "read_bytes", slow)
    found = StoreReader(store).embeddings("d", "m", np.arange(3000))
    np.testing.assert_array_equal(found, numbers(range(3000)))
    assert most >= 8


def test_a_hostile_shape_allocates_nothing(store):
    fill(store, 3)
    metadata = open_place(store, "store") / "d/m/embedding/zarr.json"
    changed = metadata.read_bytes().replace(b" 5\n", b" 9000000000000\n")
    assert changed != metadata.read_bytes()
    metadata.write_bytes(changed)
    with pytest.raises(StoreError):
        StoreReader(store).embeddings("d", "m", np.array([0]))


def test_a_missing_bucket_and_wrong_credentials_are_named(s3_server, s3_url):
    for write in (StoreReader, lambda path: StoreWriter.open(path).__enter__()):
        with pytest.raises(BucketError, match="no such bucket"):
            write("s3://there-is-none/a.zarr")
        with (
            s3_server.in_environment(AWS_ACCESS_KEY_ID="stranger"),
            pytest.raises(BucketError, match="AWS_ACCESS_KEY_ID"),
        ):
            write(s3_url + "/a.zarr")


def fill_stripes(store, environment, number, count):
    """Fill every so-many-th stripe, as a shard does."""
    os.environ.update(environment)
    with StoreWriter.open(store, notify=lambda message: None) as writer:
        clips = writer.put_clips("d", table(2000))
        mine = clips.only((clips.rows // 256) % count == number)
        with mine.filling("m", FINGERPRINT, DIM) as target:
            for rows in np.array_split(mine.rows, 10):
                target.put(rows, numbers(rows))


@pytest.fixture
def processes():
    context = multiprocessing.get_context("spawn")
    started = []

    def start(target, *arguments):
        process = context.Process(target=target, args=arguments)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def test_four_processes_fill_one_model_at_once(s3_server, s3_url, processes, tmp_path):
    store = s3_url + "/a.zarr"
    started = [
        processes(fill_stripes, store, s3_server.environment, number, 4) for number in range(4)
    ]
    fill(tmp_path / "a.zarr", 2000)
    for process in started:
        process.join(120)
        assert process.exitcode == 0
    assert_stores_equal(tmp_path / "a.zarr", store)


def test_a_server_that_dies_and_comes_back_loses_nothing(s3_server, s3_url, tmp_path):
    store = s3_url + "/a.zarr"
    fill(store, 100)

    def restart():
        s3_server.kill()
        time.sleep(0.5)
        s3_server.start()

    restarting = threading.Timer(0.3, restart)
    restarting.start()
    begun, n_clips = time.monotonic(), 100
    while restarting.is_alive() or time.monotonic() < begun + 1:
        n_clips += 200
        fill(store, n_clips, rows_at_a_time=20)
    restarting.join()
    fill(tmp_path / "a.zarr", n_clips)
    assert verify_store(store).is_sound
    assert_stores_equal(tmp_path / "a.zarr", store)


def test_a_server_that_stays_away_is_reported_and_what_was_stored_is_kept(
    s3_server, s3_url, monkeypatch, tmp_path
):
    monkeypatch.setattr("reno_store.runtime.places.bucket.PATIENCE_S", 0.5)
    store = s3_url + "/a.zarr"
    fill(store, 100)
    s3_server.kill()
    try:
        with pytest.raises(BucketError, match="cannot be reached") as caught:
            fill(store, 300)
        with pytest.raises(BucketError):
            verify_store(store, repair=True)
    finally:
        s3_server.start()
    assert store in str(caught.value)
    fill(store, 300)
    fill(tmp_path / "a.zarr", 300)
    assert_stores_equal(tmp_path / "a.zarr", store)


def hold_the_model(store, environment, ready):
    os.environ.update(environment)
    with StoreWriter.open(store) as writer, writer.model("d", "m"):
        ready.set()
        time.sleep(600)


def test_the_lock_of_a_killed_process_is_taken_once_it_has_expired(
    s3_server, s3_url, processes, monkeypatch
):
    store = s3_url + "/a.zarr"
    fill(store, 10)
    ready = multiprocessing.get_context("spawn").Event()
    dead = processes(hold_the_model, store, s3_server.environment, ready)
    assert ready.wait(60)
    dead.kill()
    dead.join()
    with (
        StoreWriter.open(store) as writer,
        pytest.raises(StoreBusyError, match=f"process {dead.pid} on"),
        writer.model("d", "m"),
    ):
        pass
    told, has_expired = [], Lease._has_expired

    def sooner(lease, found):
        # As if 57 of the 60 seconds were over.
        tag, since = lease._seen
        lease._seen = tag, since - 57 * (tag == found.tag)
        return has_expired(lease, found)

    monkeypatch.setattr(Lease, "_has_expired", sooner)
    with StoreWriter.open(store, notify=told.append) as writer, writer.model("d", "m"):
        pass
    assert len(told) == 1
    assert f"waiting for process {dead.pid} on" in told[0]


def test_nothing_of_the_credentials_is_stored(s3_server, s3_url):
    fill(s3_url + "/a.zarr", 3)
    folder = open_place(s3_url, "folder")
    with StoreWriter.open(s3_url + "/a.zarr") as writer, writer.model("d", "m"):
        for key in folder.bucket.objects(folder.key):
            content = folder.bucket.get(key)
            for secret in s3_server.environment.values():
                assert secret == "us-east-1" or secret.encode() not in content


def test_a_note_of_a_lease_names_process_and_stripes(s3_url):
    store = open_place(s3_url + "/a.zarr", "store")
    lease = Lease(store.with_name("x.lock"), store, 60.0)
    note = Note.of_this_process("filling", [4, 2])
    assert lease.acquire(note)
    assert Lease(store.with_name("x.lock"), store, 60.0).look(clear=False) == note
    lease.release(delete=True)
    assert not store.with_name("x.lock").is_file()


def test_metadata_are_read_once_per_load(monkeypatch):
    store = f"memory://{uuid.uuid4().hex}/a.zarr"
    fill(store, 700)
    fill(store, 700, "n")
    reader, keys, call = open_store(store), [], Bucket._call

    def counted(bucket, key, request):
        keys.append(key)
        return call(bucket, key, request)

    monkeypatch.setattr(Bucket, "_call", counted)
    reader.load("d", ("m", "n"))
    assert len(keys) == len(set(keys))
    # Metadata of the dataset, 4 columns, 2 models with 2 arrays; 4 + 2 * (3 + 3) chunks.
    assert len(keys) == 1 + 4 + 2 * 3 + 4 + 2 * 6


def test_what_is_written_after_metadata_were_read_is_no_damage():
    store = f"memory://{uuid.uuid4().hex}/a.zarr"
    fill(store, 300)
    settled = StoreReader(store).settled("d", ["m"])
    fill(store, 700)
    assert settled.table("d", ["m"])["clip_id"] == table(300)["clip_id"]
    with StoreWriter.open(store) as writer, writer.model("d", "m") as rows:
        rows.forget(np.array([5]))
    with pytest.raises(StaleStoreError):
        settled.embeddings("d", "m", np.array([5]))
    assert StoreReader(store).settled().n_clips("d") == 700
