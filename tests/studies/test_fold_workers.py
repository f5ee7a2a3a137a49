"""Folds on a Dask cluster: the same numbers, small messages, killed workers."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner
from distributed.protocol import serialize
from factories.clusters import killing_workers
from factories.study_stores import make_study_store
from reno_cli.main import main

from reno_store.errors import ClusterError
from reno_store.runtime.cluster import Cluster
from reno_store.samples import open_store
from reno_store.studies import StudyRequest, fold_workers, run_grid, run_study
from reno_store.studies.fold_workers import ClusterFolds, ProcessFolds
from reno_store.studies.grid import grid_request
from reno_store.studies.models import facts_of_models, pairs_of
from reno_store.studies.planning import plan_cells, plan_folds
from reno_store.studies.preparation import prepare

SHORT = {"max_epochs": 2}
REQUEST = StudyRequest(
    ("cries",),
    estimators=("fcn", "logreg"),
    protocols=("speaker",),
    n_folds=3,
    settings={"fcn": SHORT},
)
ACROSS = dataclasses.replace(
    REQUEST,
    datasets=("cries", "laughs"),
    protocols=("cross-corpus",),
    estimators=("logreg",),
    settings={},
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    laughs = {"n_clips": 40, "seed": 1, "recordings": 500}
    return make_study_store(folder / "my.zarr", cries={}, laughs=laughs)


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def outcomes_of(study):
    """The outcomes of all folds, but how long they took."""
    return [
        dataclasses.replace(fold, seconds=0.0, history=tuple(map(_timeless, fold.history)))
        for cell in study.cells
        for fold in cell.folds
    ]


def _timeless(epoch):
    return {name: value for name, value in epoch.items() if name != "seconds"}


def planned(store, request=REQUEST):
    """A prepared dataset, and its folds."""
    opened = open_store(store)
    models = facts_of_models(request, opened)
    prepared = prepare(request, opened, request.datasets[0], models)
    cells = plan_cells(request, prepared, models, pairs_of(request, models))
    return prepared, list(plan_folds(request, prepared, cells))


@pytest.fixture(scope="module")
def alone(store, tmp_path_factory):
    """The outcomes of REQUEST in this process."""
    return outcomes_of(run_study(store, REQUEST, results=tmp_path_factory.mktemp("alone")))


def test_scores_are_those_of_one_process_and_are_kept(store, results, alone, dask_client):
    study = run_study(store, REQUEST, results=results, client=dask_client)
    assert outcomes_of(study) == alone
    assert (study.n_trained, study.n_served) == (len(alone), 0)
    again = run_study(store, REQUEST, results=results)
    assert (again.n_trained, again.n_served) == (0, len(alone))


def test_pairs_of_corpora_are_read_from_both(store, results, dask_client):
    expected = run_study(store, ACROSS, results=results / "alone")
    study = run_study(store, ACROSS, results=results, client=dask_client)
    assert outcomes_of(study) == outcomes_of(expected)
    assert study.n_trained == 2 * 3


def test_a_grid_is_computed_there(store, results, dask_client):
    request = grid_request("cries", ["mfcc"], estimator="logreg", settings={"C": (0.1, 1.0)})
    grid = run_grid(store, request, results=results, client=dask_client)
    assert [point.mean("accuracy") for point in grid.points] == [
        point.mean("accuracy")
        for point in run_grid(store, request, results=results / "alone").points
    ]


def test_two_studies_at_once_share_the_folds(store, results, alone, dask_client):
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(run_study, store, REQUEST, results=results, client=client, progress=False)
            for client in (dask_client, None)
        ]
        studies = [run.result() for run in runs]
    assert sum(study.n_trained for study in studies) == len(alone)
    assert outcomes_of(studies[0]) == outcomes_of(studies[1]) == alone


def test_embeddings_are_read_by_path_and_sent_once_where_they_cannot_be(store, dask_client):
    prepared, tasks = planned(store)
    expected = {
        task.key: result.score for task, result in ProcessFolds(prepared, True, 1).train(tasks)
    }
    for place, reads_store in ((store, True), (store.parent / "nowhere", False)):
        workers = ClusterFolds(prepared, True, Cluster(dask_client), place)
        found = {task.key: result.score for task, result in workers.train(iter(tasks))}
        assert found == expected
        assert workers.reads_store is reads_store


def test_other_numbers_in_the_store_are_not_used(store, dask_client):
    prepared, tasks = planned(store)
    blocks = {name: block + 1 for name, block in prepared.blocks.items()}
    hashes = {name: fold_workers.hash_array(block) for name, block in blocks.items()}
    changed = dataclasses.replace(prepared, blocks=blocks, hashes=hashes)
    workers = ClusterFolds(changed, True, Cluster(dask_client), store)
    assert len(list(workers.train(iter(tasks[:1])))) == 1
    assert not workers.reads_store


def test_a_task_has_neither_embeddings_nor_rows(tmp_path, dask_client):
    big = {"n_clips": 3000, "models": ("mfcc",)}
    prepared, tasks = planned(make_study_store(tmp_path / "big.zarr", cries=big))
    workers = ClusterFolds(prepared, True, Cluster(dask_client), tmp_path / "big.zarr")
    arguments = workers._arguments(tasks[0])
    values = [each for each in arguments if not hasattr(each, "key")]
    assert len(arguments) - len(values) == 3  # labels and speakers, rows, one block
    assert sum(len(bytes(frame)) for each in values for frame in serialize(each)[1]) < 4000
    assert workers._arguments(tasks[1])[-1] is arguments[-1]


def test_workers_with_other_versions_are_refused(store, dask_client):
    prepared, tasks = planned(store)
    recipe = {**tasks[0].recipe, "packages": {**tasks[0].recipe["packages"], "numpy": "1.0"}}
    task = dataclasses.replace(tasks[0], recipe=recipe)
    workers = ClusterFolds(prepared, True, Cluster(dask_client), store)
    with pytest.raises(ClusterError, match=f"numpy is {np.__version__} there, 1.0 here"):
        list(workers.train(iter([task])))


def n_kept_in(folder):
    return len(list(folder.rglob("*.json")))


def test_a_killed_worker_changes_no_score(store, results, alone, dask_client):
    with killing_workers(dask_client, lambda: n_kept_in(results), within_s=0.3, most=1) as killed:
        study = run_study(store, REQUEST, results=results, client=dask_client)
    assert len(killed) == 1
    assert outcomes_of(study) == alone


def test_evaluate_names_the_cluster(store, results, alone, dask_client):
    def run(*words):
        shared = ["evaluate", str(store), "cries", "--model", "mfcc", "--model", "logmel"]
        chosen = ["--estimator", "logreg", "--folds", "3", "--results", str(results), "--json"]
        return CliRunner().invoke(main, [*shared, *chosen, *words])

    done = run("--dask", dask_client.cluster.scheduler_address)
    assert done.exit_code == 0, done.output
    assert "9 folds trained" in done.stderr
    assert "9 kept" in run().stderr
    assert run("--dask", "nowhere").exit_code == 1
    assert run("--dask", "local:2", "--jobs", "2").exit_code == 2


@pytest.mark.slow
def test_workers_killed_again_and_again_change_no_score(store, results, dask_client):
    request = dataclasses.replace(REQUEST, seeds=tuple(range(6)))
    expected = outcomes_of(run_study(store, request, results=results / "alone", n_jobs=2))
    n_killed = n_rounds = 0
    while n_killed < 20:
        folder = results / str(n_rounds)
        with killing_workers(
            dask_client, lambda folder=folder: n_kept_in(folder), within_s=0.3, seed=n_rounds
        ) as killed:
            study = run_study(store, request, results=folder, client=dask_client)
        assert outcomes_of(study) == expected
        n_killed += len(killed)
        n_rounds += 1
