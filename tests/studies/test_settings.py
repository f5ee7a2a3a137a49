"""Hyperparameters and estimator objects in a request."""

import dataclasses

import pytest
from factories.study_stores import make_study_store
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.svm import SVC

from reno_store.errors import ProtocolError, SearchError, UnknownNameError
from reno_store.reports.commands import python_call
from reno_store.studies import StudyRequest, grid_request, recall_study, run_grid, run_study
from reno_store.studies.recipes import estimator_recipe

QUICK = {"protocols": "paper", "n_folds": 2, "models": ("mfcc",)}


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={})


def test_every_combination_is_a_cell_that_names_its_settings(store):
    settings = {"svm": {"C": (0.1, 10), "kernel": ("rbf", "linear")}}
    study = run_study(store, StudyRequest("cries", estimators="svm", settings=settings, **QUICK))
    assert [cell.name for cell in study.cells] == [
        "svm(C=0.1, kernel=rbf)",
        "svm(C=0.1, kernel=linear)",
        "svm(C=10, kernel=rbf)",
        "svm(C=10, kernel=linear)",
    ]
    assert [cell.parameters["C"] for cell in study.cells] == [0.1, 0.1, 10.0, 10.0]
    assert len({cell.mean("accuracy") for cell in study.cells}) > 1
    (chosen,) = study.select(settings={"C": 10, "kernel": "linear"})
    assert chosen is study.cells[3]
    assert study.to_frame()["settings"][3] == "C=10, kernel=linear"
    assert recall_study(store).cells == study.cells


def test_settings_of_one_estimator_leave_the_others(store):
    request = StudyRequest(
        "cries", estimators=("svm", "logreg"), settings={"svm": {"C": 2}}, **QUICK
    )
    assert [cell.name for cell in run_study(store, request).cells] == ["svm(C=2)", "logreg"]


def test_the_default_as_a_setting_is_the_same_fold(store):
    plain = StudyRequest("cries", estimators="svm", **QUICK)
    run_study(store, plain)
    same = dataclasses.replace(plain, settings={"svm": {"C": 1}})
    assert run_study(store, same).n_trained == 0


def test_points_that_lam_makes_the_same_are_trained_once(store):
    request = grid_request(
        "cries", ("mfcc", "logmel"), beta=(1.5, 3), delta=(0.2, 0.8), lam=(1,), n_folds=2
    )
    grid = run_grid(store, request)
    assert len(grid.points) == 4
    assert grid.study.n_trained == 2
    assert all(point.outcomes == grid.points[0].outcomes for point in grid.points)


def test_a_grid_may_be_of_another_estimator(store):
    request = grid_request("cries", ("mfcc",), estimator="svm", settings={"C": (10, 0.1)})
    grid = run_grid(store, request)
    assert dict(grid.axes) == {"C": (0.1, 10.0)}
    assert [point.models for point in grid.points] == [("mfcc",), ("mfcc",)]
    assert grid.paper is None


@pytest.mark.parametrize(
    ("values", "axes"),
    [
        ({}, {"beta": 3, "delta": 3, "lam": 3}),
        ({"beta": (2,)}, {"beta": 1, "delta": 3, "lam": 3}),
        ({"settings": {"beta": (2, 3)}}, {"beta": 2, "delta": 3, "lam": 3}),
        ({"settings": {"dropout": (0.1, 0.3)}}, {"dropout": 2}),
        ({"lam": (1,), "settings": {"dropout": (0.1, 0.3)}}, {"lam": 1, "dropout": 2}),
    ],
)
def test_the_default_grid_is_over_beta_delta_and_lam(values, axes):
    request = grid_request("cries", ("mfcc", "logmel"), **values)
    assert {name: len(own) for name, own in request.settings["reno"].items()} == axes


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(SearchError) as caught:
        StudyRequest(
            "cries",
            settings={
                "rneo": {"beta": 2},
                "reno": {"bta": 2, "beta": (0.5, 2), "device": "cuda", "lam": ()},
                "fcn": {"droput": 0.1},
            },
        )
    for words in (
        "'rneo': not an estimator of the request; did you mean 'reno'?",
        "reno.bta: unknown hyperparameter; did you mean 'beta'?",
        "beta must be a number above 1, got 0.5",
        "reno.device: set by the study",
        "reno.lam: expected at least one value",
        "fcn.droput: unknown hyperparameter; did you mean 'dropout'?",
    ):
        assert words in str(caught.value)


def test_estimator_objects_are_evaluated_and_kept(store):
    request = StudyRequest("cries", estimators=("svm", ("mine", SVC(C=0.5))), **QUICK)
    study = run_study(store, request)
    assert [cell.name for cell in study.cells] == ["svm", "mine"]
    assert study.cells[1].parameters["C"] == 0.5
    assert run_study(store, request).n_trained == 0
    by_name = StudyRequest("cries", estimators="svm", settings={"svm": {"C": 0.5}}, **QUICK)
    assert run_study(store, by_name).n_trained == 0  # what it is counts, not its name
    other = dataclasses.replace(request, estimators=(("mine", SVC(C=0.6)),))
    assert run_study(store, other).n_trained == 2


def test_objects_are_left_out_of_what_is_recalled_and_named(store):
    run_study(store, StudyRequest("cries", estimators=("svm", ("mine", SVC())), **QUICK))
    recalled = recall_study(store)
    assert [cell.name for cell in recalled.cells] == ["svm"]
    assert any("mine" in note for note in recalled.notes)


def test_pipelines_have_settings_and_seeds_of_their_parts(store):
    pipeline = make_pipeline(MinMaxScaler(), LogisticRegression(solver="saga", tol=0.1))
    settings = {"scaled": {"logisticregression__C": (0.1, 1)}}
    request = StudyRequest("cries", estimators=("scaled", pipeline), settings=settings, **QUICK)
    study = run_study(store, request)
    assert (study.n_trained, len(study.cells)) == (4, 2)
    again = dataclasses.replace(request, seeds=(1,))
    assert run_study(store, again).n_trained == 4


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(FunctionTransformer(abs), SVC()),
        SVC(class_weight={"joy": object()}),
    ],
    ids=["function", "object"],
)
def test_parameters_that_cannot_be_kept_are_refused(estimator):
    with pytest.raises(ProtocolError, match="cannot be kept"):
        estimator_recipe(estimator)
    assert estimator_recipe(GaussianProcessClassifier(RBF(2.0)))["parameters"]["kernel"]


def test_the_source_of_a_class_of_the_users_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "users_module.py"
    code = "from sklearn.svm import SVC\nclass Own(SVC):\n    shift = {}\n"
    module.write_text(code.format(1))
    import users_module

    first = estimator_recipe(users_module.Own())
    module.write_text(code.format(1) + "# a comment\n")
    assert estimator_recipe(users_module.Own()) == first
    module.write_text(code.format(2))
    assert estimator_recipe(users_module.Own()) != first
    made_up = type("MadeUp", (SVC,), {"__module__": "nowhere"})
    with pytest.raises(ProtocolError, match="MadeUp"):
        estimator_recipe(made_up())


def test_what_is_no_estimator_is_refused():
    with pytest.raises(ProtocolError, match="expected an estimator"):
        StudyRequest("cries", estimators=(("svm", 3),))
    with pytest.raises(UnknownNameError):
        StudyRequest("cries", estimators=("mine", "svm"))


def test_the_python_call_has_what_differs_from_the_defaults():
    request = StudyRequest("jnv", seeds=3, settings={"svm": {"C": 2}}, estimators="svm")
    assert python_call(request, "my.zarr", "else") == (
        "run_study('my.zarr', StudyRequest(datasets=('jnv',), estimators=('svm',), seeds=(3,), "
        "settings={'svm': {'C': (2.0,)}}), results='else')"
    )
