"""FoldLocks: two processes share the folds of a study, and a dead one holds nobody up."""

import json
import signal
import subprocess
import sys
import time

import pytest
from factories.study_stores import make_study_store

from reno_store.studies import StudyRequest, fold_workers, results_folder, run_study, training
from reno_store.studies.fold_locks import FoldLocks

KEY = "a" * 64
REQUEST = StudyRequest(
    "cries",
    "mfcc",
    estimators="fcn",
    protocols="paper",
    seeds=(0, 1),
    settings={"fcn": {"max_epochs": 8}},
)
N_FOLDS = 2 * 5

SCRIPT = """
import json, sys
from reno_store.studies import StudyRequest, run_study
study = run_study(sys.argv[1], StudyRequest.from_dict(json.loads(sys.argv[2])))
print(study.n_trained, study.n_served)
"""

HANGS = """
import time
from reno_store.studies import fold_workers
fold_workers.run_fold = lambda *_, **__: time.sleep(600)
"""

HOLDS = """
import sys, time
from pathlib import Path
from reno_store.studies.fold_locks import FoldLocks
with FoldLocks(Path(sys.argv[1])) as claims:
    print(claims.take(sys.argv[2]), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={})


def start(script, *words):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, words)], stdout=subprocess.PIPE, text=True
    )


def claims_of(folder):
    return sorted((folder / "claims").glob("*.lock"))


def test_a_claim_is_one_studys_until_it_is_released(tmp_path):
    with FoldLocks(tmp_path) as one, FoldLocks(tmp_path) as other:
        assert one.take(KEY)
        assert not other.take(KEY)
        one.release(KEY)
        assert other.take(KEY)
    assert not claims_of(tmp_path)


def test_claims_are_released_when_a_study_ends_by_an_error(tmp_path):
    def stop():
        with FoldLocks(tmp_path) as mine:
            assert mine.take(KEY)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not claims_of(tmp_path)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_the_claim_of_a_dead_process_is_free(tmp_path, end):
    with start(HOLDS, tmp_path, KEY) as process, FoldLocks(tmp_path) as mine:
        assert process.stdout.readline() == "True\n"
        assert not mine.take(KEY)
        process.send_signal(end)
        process.wait()
        assert bool(claims_of(tmp_path)) == (end == signal.SIGKILL)
        assert mine.take(KEY)


@pytest.mark.slow
def test_two_processes_train_each_fold_once(store):
    both = [start(SCRIPT, store, json.dumps(REQUEST.to_dict())) for _ in range(2)]
    counts = [tuple(map(int, each.communicate()[0].split())) for each in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(trained for trained, _ in counts) == N_FOLDS
    assert all(trained + served == N_FOLDS for trained, served in counts)
    assert run_study(store, REQUEST).n_trained == 0
    assert not claims_of(results_folder(store))


def test_what_a_killed_process_was_training_is_trained_by_the_other(store):
    with start(HANGS + SCRIPT, store, json.dumps(REQUEST.to_dict())) as process:
        while not claims_of(results_folder(store)):
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    assert claims_of(results_folder(store))
    study = run_study(store, REQUEST)
    assert (study.n_trained, study.n_served) == (N_FOLDS, 0)
    assert not claims_of(results_folder(store))


def test_folds_of_others_are_waited_for_last_and_reused(store, monkeypatch):
    """A fold that is claimed when the study starts, and finished while it runs."""
    monkeypatch.setattr(training, "_POLL_S", 0.01)
    whole = run_study(store, REQUEST, results=store.parent / "whole")
    other = FoldLocks(results_folder(store))
    real, first = fold_workers.run_fold, []

    def train(*args, **kwargs):
        outcome = real(*args, **kwargs)
        first.append(outcome)
        return outcome

    def sleep(seconds):
        assert len(first) == N_FOLDS - 1
        source, target = (
            folder / "outcomes-1" / held[:2] / f"{held}.json"
            for folder in (store.parent / "whole", results_folder(store))
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        other.release(held)

    monkeypatch.setattr(fold_workers, "run_fold", train)
    monkeypatch.setattr(training.time, "sleep", sleep)
    held = sorted((store.parent / "whole").rglob("outcomes-1/*/*.json"))[0].stem
    with other:
        assert other.take(held)
        study = run_study(store, REQUEST)
    assert (study.n_trained, study.n_served) == (N_FOLDS - 1, 1)
    assert [cell.scores("accuracy") for cell in study.cells] == [
        cell.scores("accuracy") for cell in whole.cells
    ]
