"""notebooks/ run from the first cell to the last, and keep outputs that today's code gives."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def executed():
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "publishing/notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.executed


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shown(cell):
    """The kinds of a cell's outputs, and the column names of its tables."""
    kinds, names = [], []
    for output in cell["outputs"]:
        data = output.get("data", {})
        kinds.append((output["output_type"], sorted(data)))
        names += re.findall(r"<th>([a-z_]+)</th>", "".join(data.get("text/html", "")))
    return kinds, names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
class TestEveryNotebook:
    def test_runs_and_shows_what_is_kept(self, path, executed, demo_folder, tmp_path):
        shutil.copytree(demo_folder / "reno-demo", tmp_path / "reno-demo")  # made once
        kept = code_cells(json.loads(path.read_text("utf-8")))
        for old, new in zip(kept, code_cells(executed(path, tmp_path)), strict=True):
            assert not [out for out in new["outputs"] if out.get("name") == "stderr"]
            assert shown(old) == shown(new), "".join(old["source"])

    def test_is_small_and_names_no_folder_of_a_machine(self, path):
        text = path.read_text("utf-8")
        assert len(text) < 200_000
        assert not re.search(r"/(home|Users|root|tmp|work)/", text)

    def test_first_code_installs_the_package_where_it_is_missing(self, path):
        source = "".join(code_cells(json.loads(path.read_text("utf-8")))[0]["source"])
        condition, _, install = source.partition('find_spec("reno_store") is None:')
        assert "%pip" not in condition
        assert "%pip install" in install


def test_there_are_three():
    assert len(NOTEBOOKS) == 3
