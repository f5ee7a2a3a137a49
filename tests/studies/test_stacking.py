"""Folds trained together, as on a GPU: here in a stack on the CPU."""

import numpy as np
import pytest
from factories.study_stores import make_study_store

from reno_store.estimators import together
from reno_store.studies import StudyRequest, recipes, run_study, stacking, training

REQUEST = StudyRequest(
    "cries",
    estimators=("reno", "fcn", "svm"),
    protocols=("paper", "loso"),
    n_folds=2,
    seeds=(0, 1),
    settings={"reno": {"lam": (0.4, 1), "beta": (2, 3), "max_epochs": 3}, "fcn": {"max_epochs": 3}},
)
N_NETWORK_FOLDS = (3 + 2) * (2 + 2) * 2  # distinct points and models x folds x seeds
N_OTHER_FOLDS = 3 * (2 + 2) * 2


@pytest.fixture
def store(tmp_path):
    """Two speakers: where one is left out, none can be spared for early stopping."""
    return make_study_store(tmp_path / "my.zarr", cries={"n_speakers": 2})


@pytest.fixture
def stacked(monkeypatch):
    monkeypatch.setattr(together, "STACKED_ON", ("cpu",))
    monkeypatch.setattr(recipes, "STACKED_ON", ("cpu",))


def test_folds_of_networks_are_trained_together_and_score_as_alone(store, stacked, monkeypatch):
    calls = []
    real = stacking.fit_together
    monkeypatch.setattr(
        stacking,
        "fit_together",
        lambda *args, **how: calls.append(len(args[0])) or real(*args, **how),
    )
    study = run_study(store, REQUEST)
    assert study.n_trained == N_NETWORK_FOLDS + N_OTHER_FOLDS
    assert all(cell.computed for cell in study.cells)
    # For each protocol RENO on the pair and the FCN on each model; `loso` again without groups.
    assert len(calls) == 9
    monkeypatch.undo()
    apart = run_study(store, REQUEST)
    assert apart.n_served == N_OTHER_FOLDS  # what is added up in another order is kept apart
    for one, other in zip(study.cells, apart.cells, strict=True):
        assert [len(each.history) for each in one.folds] == [
            len(each.history) for each in other.folds
        ]
        for mine, theirs in zip(one.folds, other.folds, strict=True):
            alike = np.mean(np.array(mine.predicted) == theirs.predicted)
            assert alike > 0.9, one.name


def test_each_is_kept_as_soon_as_it_is_finished(store, stacked, monkeypatch):
    real, kept = training.Training._keep, []

    def keep(self, task, result):
        if len(kept) == 3:
            raise KeyboardInterrupt
        kept.append(task.key)
        return real(self, task, result)

    request = StudyRequest(
        "cries", estimators="reno", protocols="paper", settings={"reno": {"max_epochs": 2}}
    )
    with monkeypatch.context() as patch:
        patch.setattr(training.Training, "_keep", keep)
        with pytest.raises(KeyboardInterrupt):
            run_study(store, request)
    rest = run_study(store, request)
    assert rest.n_served >= 3
    assert not list((store.parent / "my.results" / "claims").glob("*.lock"))


def test_what_does_not_fit_into_memory_is_trained_in_parts(store, stacked, monkeypatch):
    monkeypatch.setattr(training, "_STACKED_BYTES", 1)
    request = StudyRequest(
        "cries", "mfcc", estimators="fcn", protocols="paper", settings={"fcn": {"max_epochs": 2}}
    )
    assert run_study(store, request).n_trained == 5
