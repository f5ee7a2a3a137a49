"""examples/plugin_beats/: the entry point, the published layout and the published numbers."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from factories.beats_checkpoints import write_beats
from factories.corpora import make_corpus
from reno_cli.main import main

from reno_store.errors import ModelError
from reno_store.foundation_models import load_model
from reno_store.foundation_models.testing import FoundationModelContract
from reno_store.samples import open_store

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin_beats"

# The first numbers of the embedding of `clip(16_000)` by `write_beats(...)`, computed once with the
# authors' algorithm, which SpeechBrain 1.1.2 (`lobes/models/beats.py`) packages, and the filter
# bank of torchaudio 2.11.0.
REFERENCE = [0.79404163, 3.6794674, 1.2705485, -1.4066257, -0.84836245]


def clip(n_samples):
    return (0.3 * np.sin(np.arange(n_samples) ** 1.3 * 0.05)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory):
    """What `pip install ./examples/plugin_beats` leaves: a module, and its metadata."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    ((group, offers),) = project["entry-points"].items()
    site = tmp_path_factory.mktemp("site")
    folder = site / f"reno_store_beats-{project['version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [f"[{group}]", *(f"{name} = {value}" for name, value in offers.items())]
    (folder / "entry_points.txt").write_text("\n".join(points))
    sys.path[:0] = [str(site), str(PLUGIN)]
    yield
    del sys.path[:2]
    sys.modules.pop("beats_plugin", None)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_beats(tmp_path_factory.mktemp("beats") / "BEATs_tiny.pt")


def load(checkpoint):
    return load_model(f"b=beats?checkpoint={checkpoint}")


@pytest.mark.parametrize("head", [False, True])
def test_embedding_is_that_of_the_authors_code(tmp_path, head):
    model = load(write_beats(tmp_path / "beats.pt", head=head))
    assert model.dim == 48
    np.testing.assert_allclose(model.embed([clip(16_000)])[0, :5], REFERENCE, rtol=1e-4)


class TestContract(FoundationModelContract):
    @pytest.fixture(autouse=True)
    def _written(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("contract")
        self._one = write_beats(folder / "one.pt")
        self._other = write_beats(folder / "other.pt", phase=0.4)

    def load(self):
        return load(self._one)

    def load_changed(self):
        return load(self._other)


def test_build_takes_it_by_its_name(checkpoint, tmp_path):
    corpus = make_corpus(tmp_path, 3)
    words = ["--model", f"b=beats?checkpoint={checkpoint}", "--store", str(tmp_path / "s.zarr")]
    shown = CliRunner().invoke(main, ["build", str(corpus.manifest), *words])
    assert shown.exit_code == 0, shown.output
    assert open_store(tmp_path / "s.zarr").load("small", "b").X.shape == (3, 48)
    assert "package reno-store-beats" in CliRunner().invoke(main, ["models"]).output


def test_missing_checkpoint_says_where_to_get_one_and_what_to_type():
    with pytest.raises(ModelError) as caught:
        load_model("beats")
    assert "github.com/microsoft/unilm" in str(caught.value)
    assert "beats?checkpoint=FILE" in str(caught.value)


@pytest.mark.parametrize("changes", [{"layer_norm_first": True}, {"encoder_layers": 4}])
def test_checkpoint_that_it_would_compute_wrongly_is_refused(tmp_path, changes):
    path = write_beats(tmp_path / "other.pt")
    content = torch.load(path, weights_only=True)
    torch.save({**content, "cfg": {**content["cfg"], **changes}}, path)
    with pytest.raises(ModelError, match=r"other\.pt is not a BEATs checkpoint"):
        load(path)


class Dropper:
    """Unpickling it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    torch.save({"cfg": Dropper(tmp_path / "ran"), "model": {}}, tmp_path / "evil.pt")
    with pytest.raises(ModelError, match="is not a BEATs checkpoint"):
        load(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()
