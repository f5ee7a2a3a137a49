"""What the progress bar calls what is being trained."""

import pytest
from factories.study_stores import make_study_store

from reno_store.runtime.progress import Counter
from reno_store.studies import StudyRequest, grid_request, run_grid, run_study


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={})


@pytest.fixture
def titles(monkeypatch):
    told = []
    monkeypatch.setattr(Counter, "detail", lambda self, words: told.append(words))
    return told


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_tables_name_estimator_models_protocol_seed_and_fold(store, titles, n_jobs):
    request = StudyRequest(
        ("cries",), ("mfcc",), estimators=("svm",), protocols=("paper",), n_folds=3, seeds=(4,)
    )
    run_study(store, request, n_jobs=n_jobs, progress=True)
    named = dict.fromkeys(title for title in titles if title)
    assert next(iter(named)) == "SVM (RBF) on mfcc, protocol paper, seed 4, fold 1"
    if n_jobs == 1:
        assert [title[-6:] for title in named] == ["fold 1", "fold 2", "fold 3"]
    assert titles[-1] == ""


def test_settings_are_named(store, titles):
    request = grid_request(
        "cries", ("mfcc", "logmel"), beta=(2,), delta=(0.2,), lam=(1,), n_folds=2
    )
    run_grid(store, request, progress=True)
    expected = "RENO(beta=2, delta=0.2, lam=1) on mfcc + logmel, protocol paper, seed 0, fold 1"
    assert titles[0] == expected
