"""What is quick, or mistyped, loads no package that takes seconds."""

import json
import subprocess
import sys

import pytest
from factories.study_stores import make_study_store

HEAVY = (
    "torch",
    "sklearn",
    "transformers",
    "skorch",
    "pandas",
    "scipy",
    "matplotlib",
    "joblib",
    "obstore",
)

SCRIPT = f"""
import json, sys
from reno_cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def run(folder, *words):
    """Run a command in a process of its own; give exit code, what it loaded, what it said."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    return code, loaded, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("light")
    make_study_store(folder / "my.zarr", cries={})
    return folder


@pytest.mark.parametrize("words", ["info my.zarr", "verify my.zarr", "datasets"])
def test_what_only_reads_is_light(folder, words):
    code, loaded, shown = run(folder, *words.split())
    assert (code, loaded) == (0, []), shown


TWO = "--model mfcc --model logmel"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("info none.zarr", "store none.zarr does not exist"),
        ("verify none.zarr", "store none.zarr does not exist"),
        ("evaluate none.zarr cries --model mfcc", "store none.zarr does not exist"),
        ("evaluate my.zarr cris --model mfcc", "did you mean 'cries'?"),
        ("evaluate my.zarr cries --model mfc", "did you mean 'mfcc'?"),
        ("evaluate my.zarr cries --model mfcc --estimator fnc", "did you mean 'fcn'?"),
        ("evaluate my.zarr cries --model mfcc --estimator reno", "needs at least two"),
        ("evaluate my.zarr cries --model mfcc --protocol papr", "did you mean 'paper'?"),
        ("evaluate my.zarr cries --model mfcc --seeds 1,1", "seed 1 is given twice"),
        ("evaluate my.zarr cries --model mfcc --device gpu", "device 'gpu' is unknown"),
        ("evaluate my.zarr cries --model mfcc --track mlfow", "did you mean 'mlflow'?"),
        ("predict none x.wav", "none is not a folder"),
        ("predict hf:laughs x.wav", "expected hf:OWNER/NAME"),
        ("pull laughs x", "expected hf:OWNER/NAME"),
        ("pull me/laughs my.zarr", "not a recognizer"),
        ("push none me/laughs", "none is not a folder"),
        ("tables none.zarr", "store none.zarr does not exist"),
        ("train none.zarr cries --model mfcc -o x", "store none.zarr does not exist"),
        (f"train my.zarr cries {TWO} --estimator rneo -o x", "did you mean 'reno'?"),
        (f"train my.zarr cries {TWO} --set reno.btea=2 -o x", "unknown hyperparameter"),
        (f"train my.zarr cries {TWO} -o my.zarr", "not a recognizer"),
        ("tables my.zarr cris", "did you mean 'cries'?"),
        ("tables my.zarr --model mfc", "did you mean 'mfcc'?"),
        ("tables my.zarr --pair mfcc,logml", "did you mean 'logmel'?"),
        ("tables my.zarr --estimator svn", "did you mean 'svm'?"),
        ("tables my.zarr --device gpu", "device 'gpu' is unknown"),
        (f"grid none.zarr cries {TWO}", "store none.zarr does not exist"),
        (f"grid my.zarr cris {TWO}", "did you mean 'cries'?"),
        ("grid my.zarr cries --model mfc --model logmel", "did you mean 'mfcc'?"),
        (f"grid my.zarr cries {TWO} --beta 0.5", "a number above 1"),
        (f"grid my.zarr cries {TWO} --device gpu", "device 'gpu' is unknown"),
        ("report none.zarr -o page.html", "store none.zarr does not exist"),
        ("report my.zarr -o page.html", "no results of store"),
        ("export none.zarr cries --model mfcc -o x.npz", "store none.zarr does not exist"),
        ("export my.zarr cries --model mfc -o x.npz", "did you mean 'mfcc'?"),
        ("build none.csv --model mfcc --store s.zarr", "no such manifest"),
        ("build none.csv --model mfc --store s.zarr", "did you mean 'mfcc'?"),
        ("remove none.zarr cries --yes", "store none.zarr does not exist"),
        ("remove my.zarr cris --yes", "did you mean 'cries'?"),
        ("merge none.zarr --store s.zarr", "store none.zarr does not exist"),
        ("import none --store s.zarr --dataset a --model b --provenance c", "no such file"),
    ],
)
def test_a_mistake_is_reported_before_anything_heavy_is_loaded(folder, words, told):
    code, loaded, shown = run(folder, *words.split())
    assert (code, loaded) == (1, []), shown
    assert told in shown
