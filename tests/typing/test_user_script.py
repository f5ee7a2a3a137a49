"""A user's script has the types that the package promises, and runs.

`check` runs mypy on the script with the package's source. The slow test here runs it as a user
does: with the package that a wheel installs, and no settings of ours.
"""

import ast
import dataclasses
import inspect
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from factories.corpora import make_corpus

from reno_store.studies import StudyRequest, requests

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("user_script.py")
script = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("script")
    corpus = make_corpus(folder, 12)
    assert script.build(corpus.manifest, folder / "my.zarr") == []
    return folder / "my.zarr"


def test_it_trains_on_what_it_has_built(store):
    samples = script.load(store, "small")
    assert set(script.train(samples).tolist()) <= {"cry", "laugh"}


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")
def test_it_studies_and_recognizes(store, tmp_path):
    assert script.study(store, "small")["rank"].tolist() == [1, 2, 3]
    recording = store.parent / "audio" / "clip0.wav"
    assert script.recognize(store, "small", tmp_path / "recognizer", recording) in {"cry", "laugh"}


def test_a_type_checker_sees_all_fields_of_a_request():
    tree = ast.parse(inspect.getsource(requests))
    (init,) = [each for each in ast.walk(tree) if getattr(each, "name", "") == "__init__"]
    names = [each.arg for each in init.args.args]
    assert names == ["self", *(field.name for field in dataclasses.fields(StudyRequest))]


@pytest.mark.slow
def test_mypy_accepts_it_with_the_package_that_a_wheel_installs(tmp_path):
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "-w", str(tmp_path), str(CHECKOUT)], check=True)
    (path,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(path).extractall(tmp_path / "installed")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    done = subprocess.run(
        [*mypy, "--cache-dir", str(tmp_path / "cache"), str(SCRIPT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues found in 1 source file" in done.stdout
