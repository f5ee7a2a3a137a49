"""What benchmarks/extraction.py compares: each family's loop of plain transformers, and ours."""

from pathlib import Path

import numpy as np
import pytest
from extraction import Plain
from plain_encoders import FAMILIES, family_of, write_encoder

from reno_store.foundation_models import load_model
from reno_store.foundation_models.checking import relative_errors

LENGTHS_S = (0.31, 1.2, 0.5)


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")
@pytest.mark.parametrize("name", FAMILIES)
def test_loop_and_ours_compute_the_same(name, tmp_path):
    folder = write_encoder(tmp_path / "encoder", name, "tiny")
    family = FAMILIES[name]
    ours = load_model(f"it=hf:{folder}{family.spec}")
    random = np.random.default_rng(0)
    clips = [
        random.normal(0, 0.1, int(seconds * ours.sample_rate_hz)).astype(np.float32)
        for seconds in LENGTHS_S
    ]
    plain = Plain(folder, family, "cpu", "float32")
    expected = plain.embed(clips)
    assert relative_errors(ours.embed(clips), expected).max() <= 1e-5
    padded = plain.embed_padded(clips, [[1, 0], [2]])
    assert padded.shape == expected.shape
    assert relative_errors(padded, expected)[2] <= 1e-5


@pytest.mark.parametrize(("name", "options"), [("whisper", ""), ("whisper-clip", "?context=clip")])
def test_folder_is_recognised_by_its_config(name, options, tmp_path):
    folder = write_encoder(tmp_path / "mine", name, "tiny")
    found = family_of(f"hf:{folder}{options}")
    assert found == (f"mine{options}", FAMILIES[name], Path(folder))
