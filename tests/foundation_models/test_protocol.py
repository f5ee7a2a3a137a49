"""What every model promises, asked of every kind of model."""

import json

import numpy as np
import pytest
from factories.audio_mamba_checkpoints import write_ssam_checkpoint
from factories.checkpoints import FAMILIES, write_checkpoint

from reno_store.errors import ModelError
from reno_store.foundation_models import FoundationModel, load_model, parse_model_spec

KINDS = ["mfcc", "logmel", "audio-mamba", *FAMILIES]


def frozen(samples):
    """A waveform that cannot be written to."""
    waveform = np.asarray(samples, np.float32)
    waveform.flags.writeable = False
    return waveform


@pytest.fixture(scope="module")
def spec_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    folders = {family: write_checkpoint(folder / family, family) for family in FAMILIES}
    specs = {family: f"hf:{path}" for family, path in folders.items()}
    specs["audio-mamba"] = f"ssam:{write_ssam_checkpoint(folder / 'ssam')}"
    return {kind: specs.get(kind, kind) for kind in KINDS}


@pytest.fixture(scope="module", params=KINDS)
def spec(request, spec_of):
    return parse_model_spec(spec_of[request.param])


@pytest.fixture(scope="module")
def model(spec):
    return load_model(spec)


@pytest.fixture(scope="module")
def clips(model):
    """Clips of many lengths and levels, the shortest possible among them."""
    random = np.random.default_rng(0)
    lengths = [3000, model.min_samples, 16_001, 801, 9000]
    levels = [0.1, 1.0, 0.01, 0.5, 0.0]
    return [
        frozen(level * random.uniform(-1, 1, length))
        for level, length in zip(levels, lengths, strict=True)
    ]


def test_model_has_all_that_the_protocol_asks_for(model):
    assert isinstance(model, FoundationModel)
    assert isinstance(model.sample_rate_hz, int)
    assert isinstance(model.min_samples, int)
    assert isinstance(model.dim, int)
    assert model.sample_rate_hz == 16_000
    assert model.min_samples >= 1


def test_one_finite_row_of_float32_comes_for_each_clip(model, clips):
    embeddings = model.embed(clips)
    assert embeddings.shape == (len(clips), model.dim)
    assert embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all()


def test_no_clip_gives_no_row(model):
    assert model.embed([]).shape == (0, model.dim)


def test_clips_that_differ_get_rows_that_differ(model):
    random = np.random.default_rng(1)
    one, other = model.embed([frozen(random.uniform(-1, 1, 4000)) for _ in range(2)])
    assert np.abs(one - other).max() > 1e-3


def test_row_depends_on_its_clip_and_not_on_its_company(model, clips):
    together = model.embed(clips)
    for row, clip in zip(together, clips, strict=True):
        np.testing.assert_array_equal(model.embed([clip])[0], row)


def test_row_does_not_depend_on_the_order(model, clips):
    np.testing.assert_array_equal(model.embed(clips[::-1])[::-1], model.embed(clips))


def test_padding_is_part_of_a_clip(model, clips):
    padded = frozen(np.pad(clips[0], (0, 4000)))
    bare, longer = model.embed([clips[0], padded])
    assert np.abs(bare - longer).max() > 1e-3


def test_asking_twice_gives_the_same_bits(model, clips):
    np.testing.assert_array_equal(model.embed(clips), model.embed(clips))


def test_random_state_of_others_neither_matters_nor_moves(model, clips):
    import torch

    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = model.embed(clips)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    torch.manual_seed(1)
    np.testing.assert_array_equal(model.embed(clips), first)


def test_shortest_clip_can_be_embedded(model):
    shortest = frozen(np.full(model.min_samples, 0.1))
    assert np.isfinite(model.embed([shortest])).all()


def test_one_sample_less_than_the_shortest_is_refused_with_the_length_it_needs(model):
    fine, short = np.zeros(4000, np.float32), np.zeros(model.min_samples - 1, np.float32)
    with pytest.raises(ModelError, match=rf"at least {model.min_samples}\b"):
        model.embed([fine, short])


def test_fingerprint_is_json_with_every_part(model):
    fingerprint = dict(model.fingerprint)
    assert json.loads(json.dumps(fingerprint)) == fingerprint
    assert {"weights", "preprocessing", "layer", "pooling", "precision", "code"} <= set(fingerprint)
    assert fingerprint["precision"] == "float32"
    assert fingerprint["preprocessing"]["sampling_rate"] == model.sample_rate_hz


def test_model_loaded_again_is_the_same_model(model, spec, clips):
    again = load_model(spec)
    assert again.fingerprint == model.fingerprint
    np.testing.assert_array_equal(again.embed(clips), model.embed(clips))


def test_no_two_models_share_a_fingerprint(spec_of):
    prints = [load_model(parse_model_spec(spec_of[kind])).fingerprint for kind in KINDS]
    assert len({json.dumps(dict(fingerprint), sort_keys=True) for fingerprint in prints}) == len(
        KINDS
    )
