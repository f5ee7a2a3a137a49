"""Agreement with reference values, where RENO_STORE_GOLDEN names the folder that holds them."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from reno_store.foundation_models.audio_mamba import AudioMamba
from reno_store.foundation_models.audio_mamba.checkpoint import read_encoder
from reno_store.foundation_models.audio_mamba.frontend import cut_into_units, log_mel

CLIPS = range(6)


@pytest.fixture(scope="module")
def folder():
    named = os.environ.get("RENO_STORE_GOLDEN")
    if not named:
        pytest.skip("RENO_STORE_GOLDEN names no folder of reference values")
    return Path(named) / "audio_mamba"


@pytest.fixture(scope="module")
def expected(folder):
    with np.load(folder / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def checkpoint(folder):
    return str(folder / "ssam_tiny_200_16x4")


def relative_error(ours, expected):
    assert ours.shape == expected.shape
    return np.linalg.norm(ours.astype(np.float64) - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("clip", CLIPS)
def test_log_mel_is_the_reference(expected, clip):
    assert relative_error(log_mel(expected[f"audio_{clip}"]), expected[f"logmel_{clip}"]) <= 1e-5


def test_rows_are_the_reference(expected, checkpoint):
    encoder = read_encoder(checkpoint)
    for clip in CLIPS:
        units = torch.from_numpy(cut_into_units(log_mel(expected[f"audio_{clip}"])))
        with torch.inference_mode():
            rows = encoder(units).flatten(0, 1).numpy()
        reference = expected[f"frames_{clip}"]
        assert relative_error(rows[: len(reference)], reference) <= 1e-5


@pytest.mark.parametrize("units_at_a_time", [None, 5])
def test_embeddings_are_the_reference(expected, checkpoint, units_at_a_time):
    model = AudioMamba.load(checkpoint, units_at_a_time=units_at_a_time)
    assert model.dim == 960
    embeddings = model.embed([expected[f"audio_{clip}"] for clip in CLIPS])
    for clip in CLIPS:
        assert relative_error(embeddings[clip], expected[f"scene_{clip}"]) <= 1e-5
