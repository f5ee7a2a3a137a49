"""Writers of a store in a bucket, and its server, killed at random: nothing is lost or wrong."""

import multiprocessing
import os
import random
import time

import numpy as np
import pytest
from factories.stores import assert_stores_equal

from reno_store.errors import StoreError
from reno_store.exchange.verification import verify_store
from reno_store.store import StoreReader, StoreWriter, locking

N_CLIPS, DIM, N_WRITERS, N_KILLS = 5200, 5, 4, 48
FINGERPRINT = {"weights": "a" * 64}


def table():
    names = ("clip_id", "label", "speaker", "audio_sha256")
    return {name: [f"{name}{number}" for number in range(N_CLIPS)] for name in names}


def numbers(rows):
    return np.stack([np.random.default_rng(int(row)).normal(size=DIM) for row in rows]).astype("f4")


def fill(store, environment, number):
    os.environ.update(environment)
    locking.EXPIRY_S = 4.0
    with StoreWriter.open(store, notify=lambda message: None) as writer:
        clips = writer.put_clips("d", table())
        mine = clips.only((clips.rows // 256) % N_WRITERS == number)
        with mine.filling("m", FINGERPRINT, DIM) as target:
            missing = target.missing(mine.rows)
            for start in range(0, len(missing), 4):
                rows = missing[start : start + 4]
                target.put(rows, numbers(rows))


@pytest.mark.slow
def test_writers_and_the_server_are_killed_at_random(s3_server, s3_url, tmp_path):
    store, context = s3_url + "/a.zarr", multiprocessing.get_context("spawn")
    chance = random.Random(1)

    def start(number):
        process = context.Process(target=fill, args=(store, s3_server.environment, number))
        process.start()
        return process

    processes = [start(number) for number in range(N_WRITERS)]
    n_killed, n_done = 0, []
    try:
        while n_killed < N_KILLS:
            time.sleep(chance.uniform(0.3, 3.0))
            number = chance.randrange(N_WRITERS)
            assert processes[number].exitcode in {None, 0}
            n_killed += processes[number].exitcode is None
            processes[number].kill()
            processes[number].join()
            processes[number] = start(number)
            if n_killed % 12 == 11:
                s3_server.kill()
                time.sleep(1)
                s3_server.start()
            try:
                n_done.append(int(StoreReader(store).done("d", "m").sum()))
            except (LookupError, StoreError):  # not made yet; later it would be a loss
                n_done.append(0)
        for process in processes:
            process.join(300)
            assert process.exitcode == 0
    finally:
        for process in processes:
            process.kill()
            process.join()
    assert n_done == sorted(n_done)  # nothing that was stored is lost
    assert verify_store(store).is_sound
    with StoreWriter.open(tmp_path / "a.zarr") as writer:
        clips = writer.put_clips("d", table())
        with clips.filling("m", FINGERPRINT, DIM) as target:
            target.put(clips.rows, numbers(clips.rows))
    assert_stores_equal(tmp_path / "a.zarr", store)
