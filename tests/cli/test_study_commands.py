"""Commands of studies and cells, and how hyperparameters are typed."""

import shlex

import click
import pytest
from click.testing import CliRunner
from factories.study_stores import make_study_store
from reno_cli.main import main
from reno_cli.study_commands import cell_command, study_command
from reno_cli.study_options import _settings
from sklearn.svm import SVC

import reno_store.studies
from reno_store.studies import StudyRequest, run_study


@pytest.fixture
def store(tmp_path):
    return make_study_store(tmp_path / "my.zarr", cries={}, laughs={"seed": 1})


@pytest.mark.parametrize(
    "request_",
    [
        StudyRequest(("cries",)),
        StudyRequest(("laughs", "cries"), protocols=("loso",), n_folds=7, seeds=(3, 4)),
        StudyRequest(
            ("cries",),
            models=("mfcc", "logmel"),
            pairs=(("mfcc", "logmel"), ("logmel", "mfcc")),
            estimators=("fcn", "reno", "svm", "KNeighborsClassifier"),
            standardize=False,
            allow_missing=True,
            paper_names={"cries": "jnv"},
        ),
        StudyRequest(("cries",), estimators=("cnn",), device="cuda:1"),
        StudyRequest(
            ("cries",),
            estimators=("fcn", "reno", "MLPClassifier"),
            settings={
                "reno": {"beta": (1.5, 2.0), "norm": ("pre", None)},
                "fcn": {"class_weight": ("balanced", {"joy": 2})},
                "MLPClassifier": {"hidden_layer_sizes": ((10, 5), (3,))},
            },
        ),
    ],
)
def test_the_command_of_a_study_makes_that_study(request_, store, monkeypatch, tmp_path):
    caught = []

    def catch(path, request, results=None, **_):
        caught.append((path, request, results))
        raise KeyboardInterrupt

    monkeypatch.setattr(reno_store.studies, "run_study", catch)
    for results in (None, tmp_path / "else where"):
        words = shlex.split(study_command(request_, store, results))
        assert words[0] == "reno-store"
        result = CliRunner().invoke(main, words[1:])
        assert result.exit_code == 130, result.output
        assert caught.pop() == (store, request_, results)


def test_the_command_of_a_cell_reuses_its_folds(store):
    request = StudyRequest(
        "cries",
        estimators=("svm", ("mine", SVC())),
        protocols="speaker",
        n_folds=4,
        seeds=(1, 2),
        standardize=False,
        settings={"svm": {"C": (1, 2)}},
    )
    study = run_study(store, request)
    cell = next(study.select(models=("logmel", "mfcc"), settings={"C": 2}))
    command = cell_command(study, cell)
    assert command == (
        f"reno-store evaluate {store} cries --model logmel --model mfcc --estimator svm "
        "--protocol speaker --set svm.C=2.0 --folds 4 --seeds 1,2 --as-stored"
    )
    shown = CliRunner().invoke(main, shlex.split(command)[1:])
    assert "0 folds trained, 24 kept from before" in shown.stderr


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        (["reno.beta=1.5,2,3"], {"reno": {"beta": (1.5, 2, 3)}}),
        (["a.x=1", "a.x=2", "a.y=balanced"], {"a": {"x": (1, 2), "y": ("balanced",)}}),
        (["a.x=None,True,true,null"], {"a": {"x": (None, True, True, None)}}),
        (["a.x=[1,2],(3,)"], {"a": {"x": ([1, 2], (3,))}}),
        (["a.x={'joy': 1, 'fear': 2}"], {"a": {"x": ({"joy": 1, "fear": 2},)}}),
        (["a.x='1,2',rbf"], {"a": {"x": ("1,2", "rbf")}}),
        (["scaled.svc__C=1e-3"], {"scaled": {"svc__C": (1e-3,)}}),
    ],
)
def test_values_are_read_as_literals_or_texts(texts, settings):
    assert _settings(None, None, texts) == settings


@pytest.mark.parametrize("text", ["reno.beta", "reno=2", ".beta=2", "reno.=2", "reno.beta="])
def test_a_setting_that_lacks_something_is_refused(text):
    with pytest.raises(click.BadParameter):
        _settings(None, None, [text])


@pytest.mark.parametrize("command", ["evaluate", "tables"])
def test_unknown_hyperparameters_are_named_before_anything_is_trained(store, command, tmp_path):
    words = [command, str(store), "cries", "--model", "mfcc", "--model", "logmel"]
    words += ["--set", "reno.bta=2", "--set", "fnc.dropout=0.1"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    for part in ("'beta'", "'fcn'"):
        assert part in result.output
    assert not (tmp_path / "my.results").exists()
