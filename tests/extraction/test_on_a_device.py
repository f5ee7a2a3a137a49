"""The tests of `on_a_device`, each as one of ours."""

from pathlib import Path

import pytest
from device_tests import names_in, run_there

TESTED = Path(__file__).with_name("on_a_device.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return run_there(TESTED, tmp_path_factory.mktemp("device"))


@pytest.mark.parametrize("name", names_in(TESTED))
def test_there(outcomes, name):
    assert outcomes.get(name), "it was not run"
    said = [each for case in outcomes[name] for each in case]
    assert not said, "\n".join(said)
