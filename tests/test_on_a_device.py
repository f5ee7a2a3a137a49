"""What is written for a GPU, run on a pretended one: each file's tests in a process apart."""

from pathlib import Path

import pytest
from factories.device_tests import names_in, run_there

HERE = Path(__file__).parent
FILES = sorted(HERE.rglob("on_a_device.py"))


@pytest.mark.parametrize("tested", FILES, ids=lambda file: file.parent.name)
def test_there(tested, tmp_path):
    said = run_there(tested, tmp_path)
    assert sorted(said) == sorted(names_in(tested)), "not all were run"
    failed = [f"{name}: {end}" for name, cases in said.items() for case in cases for end in case]
    assert not failed, "\n".join(failed)


def test_both_files_are_found():
    assert [file.parent.name for file in FILES] == ["stacking", "extraction"]
