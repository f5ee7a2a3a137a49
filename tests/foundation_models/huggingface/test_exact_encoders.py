"""Every other architecture: a batch gives each clip what plain transformers gives it alone."""

import math
import warnings
from functools import cache

import numpy as np
import pytest
import torch
import transformers
from factories.encoders import SAME_ENCODERS, write_encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reno_store.errors import ModelError
from reno_store.foundation_models.huggingface import HuggingFaceEncoder


def ast(model, inputs, n_samples):
    grid = model.audio_spectrogram_transformer(**inputs).last_hidden_state[0, 2:]
    n_banks = 1 + (n_samples - 400) // 160
    return grid.reshape(12, 101, -1).mean(0)[: min(101, math.ceil(n_banks / 10))]


def clap(model, inputs, n_samples):
    hidden = getattr(model, "audio_model", model)(**inputs).last_hidden_state[0]
    n_filled = 480_000 // n_samples * n_samples
    return hidden.mean(1).T[: math.ceil(n_filled / 480_000 * 32)]


def moonshine(model, inputs, n_samples):
    return model.model.encoder(**inputs).last_hidden_state[0]


def parakeet(model, inputs, n_samples):
    output = getattr(model, "encoder", model)(**inputs)
    return output.last_hidden_state[0][output.attention_mask[0].bool()]


def qwen2_audio(model, inputs, n_samples):
    """Mask what follows the clip as `Qwen2AudioModel.get_audio_features` does."""
    tower = model.model.audio_tower if hasattr(model, "model") else model
    n_inner, n_frames = tower._get_feat_extract_output_lengths(inputs["attention_mask"].sum(-1))
    mask = torch.zeros(1, 1, 1500, 1500)
    mask[..., int(n_inner) :] = -torch.inf
    hidden = tower(inputs["input_features"], attention_mask=mask).last_hidden_state[0]
    return hidden[: int(n_frames)]


def squeezed(model, inputs, n_samples):
    hidden = (model.sew if hasattr(model, "sew") else model.sew_d)(**inputs).last_hidden_state[0]
    whole = len(hidden) // 2 * 2
    assert not hidden[whole:].any(), "transformers fills up with zeros"
    return hidden[:whole]


def speecht5(model, inputs, n_samples):
    return model.speecht5.encoder(**inputs).last_hidden_state[0]


def wav2vec2_bert(model, inputs, n_samples):
    return model(**inputs).last_hidden_state[0][inputs["attention_mask"][0].bool()]


LAYER_NORM = {"feat_extract_norm": "layer"}
CASES = {
    "AST": ("audio-spectrogram-transformer", ast, {}, 400, 164_239),
    "CLAP": ("clap", clap, {}, 1, 480_000),
    "CLAP with fusion": ("clap_audio_model", clap, {}, 1, 480_000),
    "Moonshine": ("moonshine", moonshine, {}, 895, None),
    "Parakeet CTC": ("parakeet_ctc", parakeet, {}, 320, None),
    "Parakeet encoder": ("parakeet_encoder", parakeet, {}, 320, None),
    "Qwen2-Audio": ("qwen2_audio", qwen2_audio, {}, 321, 480_000),
    "SEW": ("sew", squeezed, {}, 720, None),
    "SEW, layer norm": ("sew", squeezed, LAYER_NORM, 720, None),
    "SEW-D": ("sew-d", squeezed, {}, 720, None),
    "SpeechT5": ("speecht5", speecht5, {}, 400, None),
    "SpeechT5, layer norm": ("speecht5", speecht5, LAYER_NORM, 400, None),
    "w2v-BERT": ("wav2vec2-bert", wav2vec2_bert, {}, 560, None),
    "w2v-BERT, relative": (
        "wav2vec2-bert", wav2vec2_bert, {"position_embeddings_type": "relative"}, 560, None,
    ),
    "w2v-BERT, rotary": (
        "wav2vec2-bert", wav2vec2_bert, {"position_embeddings_type": "rotary"}, 560, None,
    ),
}  # fmt: skip
"""Kind, frames of one clip by plain transformers, config, shortest and longest clip."""


def clip(n_samples, seed=0):
    random = np.random.default_rng([n_samples, seed])
    level = 10 ** random.uniform(-2, -0.5)
    return (level * random.normal(0.1, 1, n_samples)).astype(np.float32)


def relative_errors(rows, expected):
    return np.linalg.norm(rows - expected, axis=1) / np.linalg.norm(expected, axis=1)


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """Loud layers, whose attention tells frames apart."""
    kind, frames, config, shortest, longest = CASES[request.param]
    folder = write_encoder(tmp_path_factory.mktemp("tiny"), kind, gain=3.0, **config)
    return folder, frames, shortest, longest


@pytest.fixture(scope="module")
def model(case):
    return HuggingFaceEncoder.load(str(case[0]), batched=True)


@pytest.fixture(scope="module")
def reference(case):
    return frames_of(*case[:2])


def frames_of(folder, frames):
    """Frames of a clip alone, by the whole checkpoint in plain transformers."""
    config = transformers.AutoConfig.from_pretrained(folder)
    whole = getattr(transformers, config.architectures[0])
    whole = whole.from_pretrained(folder, dtype=torch.float32).eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    masked = {"return_attention_mask": True} if "Whisper" in type(extractor).__name__ else {}
    rate_hz = extractor.sampling_rate

    @cache
    def of(n_samples, seed=0):
        inputs = extractor(
            clip(n_samples, seed), sampling_rate=rate_hz, return_tensors="pt", **masked
        )
        inputs = {
            key: value.float() if value.is_floating_point() else value
            for key, value in inputs.items()
        }
        with torch.no_grad():
            return frames(whole, inputs, n_samples).numpy()

    return of


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_batch_gives_each_clip_what_transformers_gives_it_alone(case, model, reference, data):
    shortest = case[2]
    length = st.one_of(
        st.just(shortest), st.integers(shortest, 2000), st.integers(shortest, 24_000)
    )
    batch = data.draw(st.lists(st.tuples(length, st.integers(0, 1)), min_size=2, max_size=5))
    assert model.one_by_one_because == ""
    rows = model.embed([clip(*key) for key in batch])
    expected = np.stack([reference(*key).mean(0) for key in batch])
    assert relative_errors(rows, expected).max() <= 1e-5


def test_clips_one_by_one_are_what_transformers_gives(case, reference):
    lengths = [case[2], 5000, 12_345, 1601]
    model = HuggingFaceEncoder.load(str(case[0]), pool="mean+max")
    rows = model.embed([clip(length) for length in lengths])
    frames = [reference(length) for length in lengths]
    expected = np.stack([np.concatenate([each.mean(0), each.max(0)]) for each in frames])
    assert relative_errors(rows, expected).max() <= 1e-5


def test_shortest_and_longest_clip(case, model, reference):
    shortest, longest = case[2:]
    assert (model.min_samples, model.max_samples) == (shortest, longest)
    assert np.isfinite(model.embed([clip(shortest)])).all()
    with pytest.raises(ModelError, match=f"at least {shortest}"):
        model.embed([clip(shortest - 1)])
    if longest:
        rows = model.embed([clip(longest), clip(shortest)])
        assert relative_errors(rows[:1], reference(longest).mean(0)[None]).max() <= 1e-5
        with pytest.raises(ModelError, match=f"at most {longest}"):
            model.embed([clip(longest + 1)])


def test_loading_is_silent(case, capfd):
    HuggingFaceEncoder.load(str(case[0]))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("layer", ["0", "1", "all"])
def test_other_layers_are_exact_in_a_batch_or_refused(case, model, layer):
    load = {"layer": layer, "pool": "mean+std"}
    if reason := model._family.only_last_because:
        with pytest.raises(ModelError, match=reason):
            HuggingFaceEncoder.load(str(case[0]), **load)
        return
    clips = [clip(each) for each in (case[2], 9000, 3000)]
    alone, together = (
        HuggingFaceEncoder.load(str(case[0]), batched=batched, **load).embed(clips)
        for batched in (False, True)
    )
    assert relative_errors(together, alone).max() <= 1e-5
    half = alone.shape[1] // 2
    assert relative_errors(alone[:, :half], model.embed(clips)).min() > 0.01


@pytest.mark.parametrize("batched", [False, True])
def test_bfloat16_is_near_float32(case, model, batched):
    clips = [clip(6000), clip(9000)]
    short = HuggingFaceEncoder.load(str(case[0]), precision="bfloat16", batched=batched)
    assert 0 < relative_errors(short.embed(clips), model.embed(clips)).max() < 0.05


@pytest.mark.parametrize("kind", SAME_ENCODERS)
def test_encoder_inside_another_checkpoint(tmp_path, kind):
    folder = write_encoder(tmp_path, kind, gain=3.0)
    reference = frames_of(folder, parakeet if "parakeet" in kind else qwen2_audio)
    lengths = (5000, 12_345)
    rows = HuggingFaceEncoder.load(str(folder)).embed([clip(length) for length in lengths])
    expected = np.stack([reference(length).mean(0) for length in lengths])
    assert relative_errors(rows, expected).max() <= 1e-5


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        ("audio-spectrogram-transformer", {"max_length": 512}),
        ("clap", {"feature_size": 32}),
        ("clap", {"truncation": "fusion"}),
        ("parakeet_encoder", {"feature_size": 128}),
        ("qwen2_audio", {"chunk_length": 10}),
        ("wav2vec2-bert", {"stride": 1}),
    ],
)
def test_extractor_of_another_model_is_refused(tmp_path, kind, entries):
    folder = write_encoder(tmp_path, kind, extractor=entries)
    with pytest.raises(ModelError, match=r"preprocessor_config.json does not fit: "):
        HuggingFaceEncoder.load(str(folder))
