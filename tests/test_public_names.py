"""What the package shows, and what it does not load for it."""

import importlib
import subprocess
import sys

import pytest

import reno_store

HEAVY = ("torch", "zarr", "transformers", "sklearn", "pandas", "numpy")


def loaded_after(code: str) -> list[str]:
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return run.stdout.splitlines()[-1].split()


def test_every_name_is_there_and_no_other():
    public = {name for name in dir(reno_store) if not name.startswith("_")}
    modules = {name for name in public if f"reno_store.{name}" in sys.modules}
    helpers = {"lazy_loader"}
    assert public - helpers - (modules - set(reno_store.__all__)) == set(reno_store.__all__)


@pytest.mark.parametrize("name", reno_store.__all__)
def test_each_name_loads(name):
    assert getattr(reno_store, name) is not None


def test_names_are_sorted():
    assert list(reno_store.__all__) == sorted(reno_store.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        importlib.import_module("reno_store").nothing  # noqa: B018


def test_importing_loads_nothing_heavy():
    assert loaded_after("import reno_store") == []


def test_help_loads_nothing_heavy():
    code = """
from reno_cli.main import main
for command in ("", *main.commands):
    try:
        main([*command.split(), "--help"])
    except SystemExit:
        pass
"""
    assert loaded_after(code) == []


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert version("reno-store") == reno_store.__version__
