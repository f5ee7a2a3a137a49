"""Extraction on a pretended GPU: run by `test_on_a_device`, in a process apart."""

import factories.pretend_device as pretend_device
import numpy as np
import pytest
from factories.audio_mamba_checkpoints import write_ssam_checkpoint
from factories.checkpoints import FAMILIES, write_checkpoint
from factories.corpora import make_corpus
from factories.pretend_device import COUNTS

from reno_store import build_store, open_store
from reno_store.foundation_models import load_model, parse_model_spec

RANDOM = np.random.default_rng(0)
CLIPS = [RANDOM.normal(0, 0.1, n).astype(np.float32) for n in (48_000, 16_000, 9_000, 1_600)]


def embedded(spec, device):
    model = load_model(parse_model_spec(spec), device=device)
    return model, model.embed(CLIPS)


def error(found, expected):
    return (np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)).max()


FAST = ("wav2vec2", "wavlm")
"""With a group norm, and with gated relative positions; all seven take too long."""


@pytest.mark.parametrize(
    "family",
    [each if each in FAST else pytest.param(each, marks=pytest.mark.slow) for each in FAMILIES],
)
def test_a_padded_batch_there_is_what_clips_are_one_by_one_on_the_cpu(tmp_path, family):
    spec = f"hf:{write_checkpoint(tmp_path / 'tiny', family)}"
    _, expected = embedded(spec, "cpu")
    COUNTS.clear()
    model, found = embedded(spec, "pretend")
    assert COUNTS["launches"] > 100
    assert not model.one_by_one_because
    assert error(found, expected) < 1e-5


def test_audio_mamba_there_is_what_it_is_on_the_cpu(tmp_path):
    spec = f"ssam:{write_ssam_checkpoint(tmp_path / 'tiny')}"
    _, expected = embedded(spec, "cpu")
    COUNTS.clear()
    _, found = embedded(spec, "pretend")
    assert COUNTS["launches"] > 100
    assert error(found, expected) < 1e-5


@pytest.mark.parametrize("windows", [{}, {"window_s": 0.4, "hop_s": 0.1}])
def test_a_store_built_there_with_scarce_memory_is_what_it_is_on_the_cpu(
    tmp_path, monkeypatch, windows
):
    corpus = make_corpus(tmp_path)
    spec = f"hf:{write_checkpoint(tmp_path / 'tiny', 'wavlm')}"
    build_store(corpus.manifest, tmp_path / "here.zarr", [spec], **windows)
    # What a second convolution multiplies for half of the clips, and for the noises that a model
    # is tried on when it is loaded, but not for all clips.
    monkeypatch.setattr(pretend_device.MEMORY, "largest", 600_000)
    COUNTS.clear()
    report = build_store(corpus.manifest, tmp_path / "there.zarr", [spec], device="auto", **windows)
    assert report.complete
    assert COUNTS["to_cpu"] > 0
    assert COUNTS["emptied"] > 1, "else all clips went through together"
    here, there = (open_store(tmp_path / f"{name}.zarr") for name in ("here", "there"))
    assert error(there.load("small", "tiny").X, here.load("small", "tiny").X) < 1e-5
