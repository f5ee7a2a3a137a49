"""Tests on a pretended device, run in a process of their own and told one by one."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from torch.utils import backend_registration

__all__ = ["names_in", "run_there"]

ROOT = Path(__file__).resolve().parents[2]


def names_in(tested):
    """Names of the tests in a file."""
    return [
        each.name
        for each in ast.parse(tested.read_text("utf-8")).body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    ]


def run_there(tested, folder):
    """Run a file's tests; give, by name, what each case of each test says that did not pass."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch has no devices made of Python")
    report = folder / "report.xml"
    plugins = ["-p", "no:cacheprovider", "-p", "factories.pretend_device"]
    options = ["-q", *plugins, f"--junitxml={report}"]
    paths = [str(ROOT), str(ROOT / "cli"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tested)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert report.exists(), ran.stdout + ran.stderr
    said = {}
    for case in ElementTree.parse(report).iter("testcase"):
        ends = [each.text for each in case if each.tag in ("failure", "error", "skipped")]
        said.setdefault(case.get("name").partition("[")[0], []).append(ends)
    return said
