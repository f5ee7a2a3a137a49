"""The tests of `on_a_device`, each as one of ours, run once in a process of their own."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from torch.utils import backend_registration

HERE = Path(__file__).resolve()
TESTED = HERE.with_name("on_a_device.py")
ROOT = HERE.parents[3]
NAMES = [
    each.name
    for each in ast.parse(TESTED.read_text("utf-8")).body
    if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """For each test its cases, and what each that failed says."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch has no devices made of Python")
    report = tmp_path_factory.mktemp("device") / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "pretend_device", f"--junitxml={report}"]
    paths = [str(ROOT), str(ROOT / "cli"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(TESTED)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert report.exists(), ran.stdout + ran.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [each.text for each in case if each.tag in ("failure", "error", "skipped")]
        found.setdefault(case.get("name").partition("[")[0], []).append(failures)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_there(outcomes, name):
    assert outcomes.get(name), "it was not run"
    failures = [each for case in outcomes[name] for each in case]
    assert not failures, "\n".join(failures)
