"""A padded batch gives every clip what transformers gives it alone; this project's signature."""

import warnings
from functools import cache

import numpy as np
import pytest
import torch
from factories.checkpoints import FAMILIES, write_checkpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoFeatureExtractor, AutoModel

from reno_store.foundation_models.huggingface import Family, HuggingFaceEncoder, valid_frames

SHORTEST = 400
LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
VARIANTS = {
    **{family: (family, {}) for family in FAMILIES},
    "wav2vec2, layer norm (MMS)": ("wav2vec2", LAYER_NORM),
    "hubert, layer norm": ("hubert", LAYER_NORM),
    "wavlm, layer norm": ("wavlm", LAYER_NORM),
    "hubert, batch norm of positions": ("hubert", {"conv_pos_batch_norm": True}),
    "wav2vec2, attention adapters": ("wav2vec2", {"adapter_attn_dim": 8}),
    "conformer, rotary": ("wav2vec2-conformer", {"position_embeddings_type": "rotary"}),
    "conformer, no positions": ("wav2vec2-conformer", {"position_embeddings_type": None}),
}


def clip(n_samples, seed=0):
    random = np.random.default_rng([n_samples, seed])
    level = 10 ** random.uniform(-2, 0)
    return (level * random.normal(0.1, 1, n_samples)).astype(np.float32)


def relative_errors(rows, expected):
    return np.linalg.norm(rows - expected, axis=1) / np.linalg.norm(expected, axis=1)


@pytest.fixture(scope="module", params=VARIANTS)
def checkpoint(request, tmp_path_factory):
    """One with loud layers, whose attention tells frames apart.

    Not so loud that transformers itself is off: a conformer's convolutions, with a gain of
    5, take its float32 to 6e-6 from float64, where a gain of 3 leaves it at 2e-6.
    """
    family, config = VARIANTS[request.param]
    folder = tmp_path_factory.mktemp("tiny")
    gain = 3.0 if family == "wav2vec2-conformer" else 5.0
    return write_checkpoint(folder, family, gain=gain, **config)


@pytest.fixture(scope="module")
def model(checkpoint):
    return HuggingFaceEncoder.load(str(checkpoint), batched=True)


@pytest.fixture(scope="module")
def reference(checkpoint):
    """What transformers says of a clip alone."""
    extractor = AutoFeatureExtractor.from_pretrained(checkpoint)
    encoder = AutoModel.from_pretrained(checkpoint, dtype=torch.float32).eval()

    @cache
    def embed(n_samples, seed):
        inputs = extractor(clip(n_samples, seed), sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            return encoder(**inputs).last_hidden_state[0].mean(0).numpy()

    return embed


CLIPS = st.tuples(
    st.one_of(st.just(SHORTEST), st.integers(SHORTEST, 2000), st.integers(SHORTEST, 24_000)),
    st.integers(0, 2),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch=st.lists(CLIPS, min_size=2, max_size=6))
def test_any_batch_gives_each_clip_what_transformers_gives_it_alone(model, reference, batch):
    assert model.one_by_one_because == ""
    rows = model.embed([clip(*key) for key in batch])
    expected = np.stack([reference(*key) for key in batch])
    assert relative_errors(rows, expected).max() <= 1e-5


def test_shortest_clip_beside_a_long_one(model, reference):
    rows = model.embed([clip(SHORTEST), clip(48_000)])
    expected = np.stack([reference(SHORTEST, 0), reference(48_000, 0)])
    assert relative_errors(rows, expected).max() <= 1e-5


def test_clips_really_go_through_the_encoder_together(model):
    shapes = []
    handle = model._encoder.register_forward_pre_hook(
        lambda module, inputs: shapes.append(tuple(inputs[0].shape))
    )
    model.embed([clip(900), clip(4000), clip(SHORTEST)])
    handle.remove()
    assert shapes == [(3, 4000)]


@pytest.mark.parametrize("layer", ["0", "1", "2", "all"])
@pytest.mark.parametrize("family", ["wavlm", "data2vec-audio"])
def test_every_layer_and_pooling_is_exact_in_a_batch(tmp_path, family, layer):
    folder = str(write_checkpoint(tmp_path, family, gain=5.0))
    choice = {"layer": layer, "pool": "mean+std+max"}
    clips = [clip(n_samples) for n_samples in (SHORTEST, 7000, 1500)]
    alone = HuggingFaceEncoder.load(folder, **choice).embed(clips)
    together = HuggingFaceEncoder.load(folder, batched=True, **choice).embed(clips)
    assert relative_errors(together, alone).max() <= 1e-5


def test_batch_of_clips_of_one_length(model, reference):
    rows = model.embed([clip(3000, seed) for seed in range(3)])
    expected = np.stack([reference(3000, seed) for seed in range(3)])
    assert relative_errors(rows, expected).max() <= 1e-5


@pytest.fixture
def broken(monkeypatch):
    """Take one of the three remedies away."""

    def forget_the_mask(self, clips):
        return pad(self, clips)[0], None

    pad = Family.pad

    def remove(remedy):
        if remedy == "norm":
            target, name = valid_frames.ValidGroupNorm, "forward"
            monkeypatch.setattr(target, name, lambda self, hidden: self._norm(hidden))
        elif remedy == "convolutions":
            target, name = valid_frames.ValidFrames, "_silence_padding"
            monkeypatch.setattr(target, name, lambda self, module, inputs: None)
        else:
            monkeypatch.setattr(Family, "pad", forget_the_mask)

    return remove


@pytest.mark.parametrize(
    ("family", "remedy"),
    [("hubert", "norm"), ("wav2vec2-conformer", "convolutions"), ("wavlm", "mask")],
)
def test_encoder_that_is_not_exact_in_a_batch_goes_one_clip_at_a_time_and_says_so(
    tmp_path, broken, family, remedy
):
    folder = str(write_checkpoint(tmp_path, family))
    clips = [clip(n_samples) for n_samples in (SHORTEST, 7000, 1500)]
    alone = HuggingFaceEncoder.load(folder).embed(clips)
    broken(remedy)
    model = HuggingFaceEncoder.load(folder, batched=True)
    assert "padding changes its embeddings" in model.one_by_one_because
    assert relative_errors(model.embed(clips), alone).max() <= 1e-5


def test_encoder_with_an_adapter_goes_one_clip_at_a_time_and_says_so(tmp_path):
    folder = write_checkpoint(tmp_path, "wav2vec2", add_adapter=True, output_hidden_size=24)
    model = HuggingFaceEncoder.load(str(folder), batched=True)
    assert "adapter" in model.one_by_one_because
    clips = [clip(n_samples) for n_samples in (SHORTEST, 7000, 1500)]
    alone = np.concatenate([model.embed([each]) for each in clips])
    np.testing.assert_array_equal(model.embed(clips), alone)


def test_plain_padding_is_wrong_by_far(tmp_path):
    """What all this is for; were it not so, the tests above would prove nothing."""
    folder = write_checkpoint(tmp_path, "wav2vec2")
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    encoder = AutoModel.from_pretrained(folder).eval()
    inputs = extractor(
        [clip(9000), clip(46_400)],
        sampling_rate=16_000,
        padding=True,
        return_attention_mask=True,
        return_tensors="pt",
    )
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        padded = encoder(**inputs).last_hidden_state[0, :27].mean(0).numpy()
    alone = HuggingFaceEncoder.load(str(folder)).embed([clip(9000)])[0]
    assert np.linalg.norm(padded - alone) / np.linalg.norm(alone) > 0.1


def test_warnings_of_the_users_own_are_not_hidden(tmp_path):
    model = HuggingFaceEncoder.load(str(write_checkpoint(tmp_path, "wavlm")), batched=True)
    model._encoder.register_forward_pre_hook(lambda *_: warnings.warn("mine", stacklevel=1))
    with pytest.warns(UserWarning, match="mine"):
        model.embed([clip(900), clip(1000)])
