"""Recordings predicted by the workers of a Dask cluster."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest
from click.testing import CliRunner
from factories.clusters import worker_pids
from reno_cli.main import main

from reno_store.errors import ModelError
from reno_store.recognition import find_recordings, predict_recordings, predict_timelines


def same(found, expected):
    """Whether predictions are equal, to the last digit."""
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert (one.recording, one.problem) == (other.recording, other.problem)
        assert (one.start_s, one.end_s) == (other.start_s, other.end_s)
        np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_they_are_those_of_one_process_in_order_whatever_happens(
    trained, paths, bad, dask_client, monkeypatch
):
    monkeypatch.chdir(bad)
    given = find_recordings([*paths * 4, "text.wav", "none.wav", *paths])
    expected = list(predict_recordings(trained, given, progress=False))
    found = []
    for each in predict_recordings(trained, given, client=dask_client, progress=False):
        found.append(each)
        if len(found) == 1:
            os.kill(worker_pids(dask_client)[0], signal.SIGKILL)
    same(found, expected)
    assert [each.problem.partition(":")[0] for each in found if each.problem] == [
        each.problem.partition(":")[0] for each in expected if each.problem
    ]


def test_timelines_are_those_of_one_process(trained, paths, bad, dask_client):
    given = find_recordings([*paths[:3], bad / "text.wav"])
    how = {"window_s": 0.3, "hop_s": 0.15, "progress": False}
    same(
        list(predict_timelines(trained, given, client=dask_client, **how)),
        list(predict_timelines(trained, given, **how)),
    )


def test_models_that_workers_cannot_load_are_named(trained, paths, dask_client):
    first, *others = trained.models
    moved = (dataclasses.replace(first, spec=f"{first.name}=hf:/nowhere/at-all"), *others)
    lost = dataclasses.replace(trained, models=moved)
    with pytest.raises(ModelError, match="nowhere"):
        list(predict_recordings(lost, find_recordings(paths), client=dask_client))


def test_predict_names_the_cluster(saved, paths, dask_client):
    address = dask_client.cluster.scheduler_address
    shown = []
    for more in ((), ("--dask", address)):
        words = ["predict", str(saved), *paths[:5], "--format", "json", *more]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        shown.append(json.loads(done.stdout))
    assert shown[0] == shown[1]
    assert dask_client.status == "running"
