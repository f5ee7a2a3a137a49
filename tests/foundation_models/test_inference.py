"""Precisions, and linear layers in the faster of two CPU libraries."""

import numpy as np
import pytest
import torch
from factories.audio_mamba_checkpoints import write_ssam_checkpoint
from factories.checkpoints import write_checkpoint
from factories.encoders import KINDS, write_encoder
from torch import nn

from reno_store.errors import UnknownNameError
from reno_store.foundation_models import inference, load_model
from reno_store.foundation_models.audio_mamba import encoder as audio_mamba_encoder
from reno_store.foundation_models.huggingface import encoder as huggingface_encoder
from reno_store.foundation_models.inference import (
    ProductConvolution,
    Projection,
    computing_in,
    use_product_convolutions,
    use_projections,
)


def noise(n_samples):
    return np.random.default_rng(n_samples).normal(0, 0.1, n_samples).astype(np.float32)


CLIPS = [noise(n_samples) for n_samples in (400, 5000, 20_000)]


@pytest.fixture(scope="module", params=["hubert", "wavlm", "ssam"])
def spec(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    if request.param == "ssam":
        return f"ssam:{write_ssam_checkpoint(folder)}"
    return f"hf:{write_checkpoint(folder, request.param)}"


def relative_error(rows, expected):
    return np.linalg.norm(rows - expected) / np.linalg.norm(expected)


def test_shorter_types_are_near_float32_and_float16_nearer(spec):
    exact, bfloat16, float16 = (
        load_model(spec, precision=precision).embed(CLIPS)
        for precision in ("float32", "bfloat16", "float16")
    )
    assert bfloat16.dtype == float16.dtype == np.float32
    assert 0 < relative_error(float16, exact) < relative_error(bfloat16, exact) < 0.05


def test_precision_is_part_of_the_fingerprint_and_the_weights_are_the_same(spec):
    prints = [load_model(spec, precision=each).fingerprint for each in ("float32", "bfloat16")]
    assert [fingerprint["precision"] for fingerprint in prints] == ["float32", "bfloat16"]
    one, other = (
        {part: value for part, value in each.items() if part != "precision"} for each in prints
    )
    assert one == other


def test_unknown_precision_is_refused_with_the_choices(spec):
    with pytest.raises(UnknownNameError, match="unknown precision 'float46'"):
        load_model(spec, precision="float46")


@pytest.mark.parametrize("name", ["mfcc", "logmel"])
def test_models_without_a_choice_stay_as_they_are_and_say_so(name):
    model = load_model(name, precision="float16")
    assert model.fingerprint == load_model(name).fingerprint
    assert model.fingerprint["precision"] == "float32"


def test_the_selective_scan_is_in_float32_whatever_the_precision(tmp_path, monkeypatch):
    seen = []
    scan = audio_mamba_encoder.selective_scan

    def watched(inputs):
        seen.extend(tensor.dtype for tensor in inputs)
        assert not torch.is_autocast_enabled("cpu")
        return scan(inputs)

    monkeypatch.setattr(audio_mamba_encoder, "selective_scan", watched)
    load_model(f"ssam:{write_ssam_checkpoint(tmp_path)}", precision="bfloat16").embed(CLIPS)
    assert set(seen) == {torch.float32}


def test_products_are_in_the_precision_asked_for():
    a = torch.ones(4, 4)
    with computing_in("bfloat16", "cpu"):
        assert (a @ a).dtype == torch.bfloat16
        assert torch.is_inference_mode_enabled()
    with computing_in("float32", "cpu"):
        assert (a @ a).dtype == torch.float32
    assert (a @ a).dtype == torch.float32
    assert not torch.is_inference_mode_enabled()


def test_float32_stays_float32_inside_an_autocast_of_the_users(spec):
    model = load_model(spec)
    expected = model.embed(CLIPS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(model.embed(CLIPS), expected)


@pytest.mark.parametrize("bias", [True, False])
def test_exchanged_layers_share_their_weights_and_give_the_same(bias):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 30, bias=bias), nn.Sequential(nn.Linear(30, 5)))
    given = torch.randn(3, 7, 20)
    expected, weights = network(given), dict(network.named_parameters())
    use_projections(network)
    assert isinstance(network[0], Projection)
    assert isinstance(network[1][0], Projection)
    assert all(weights[name] is weight for name, weight in network.named_parameters())
    with torch.inference_mode():
        torch.testing.assert_close(network(given), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(network(given), expected)


def test_subclasses_of_linear_are_left_alone():
    class Mine(nn.Linear):
        pass

    network = nn.Sequential(Mine(2, 2))
    use_projections(network)
    assert type(network[0]) is Mine


def test_mode_and_frozenness_are_kept():
    network = nn.Sequential(nn.Linear(2, 2)).eval().requires_grad_(False)
    use_projections(network)
    assert not network[0].training
    assert not network[0].weight.requires_grad


CONVOLUTIONS = {
    "strided": lambda: nn.Conv1d(3, 6, 10, 5),
    "without bias": lambda: nn.Conv1d(3, 6, 3, 2, bias=False),
    "padded": lambda: nn.Conv1d(3, 6, 3, padding=1),
    "grouped": lambda: nn.Conv1d(32, 64, 8, padding=4, groups=2),
    "grouped, with weight norm": lambda: nn.utils.parametrizations.weight_norm(
        nn.Conv1d(32, 32, 8, padding=4, groups=2), name="weight", dim=2
    ),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("most_in_columns", [1, 2**27])
def test_a_convolution_as_a_product_gives_the_same(kind, most_in_columns, monkeypatch):
    monkeypatch.setattr(inference, "_MOST_IN_COLUMNS", most_in_columns)
    torch.manual_seed(0)
    network = nn.Sequential(CONVOLUTIONS[kind]()).eval().requires_grad_(False)
    given = torch.randn(5, network[0].in_channels, 101)
    expected, weight = network(given), network[0].weight.clone()
    use_product_convolutions(network)
    assert type(network[0]) is ProductConvolution
    assert not network[0].training
    assert torch.equal(network[0].weight, weight)
    assert not network[0].weight.requires_grad
    found = network(given)
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(given).dtype == torch.bfloat16
        torch.testing.assert_close(network(given).float(), expected, rtol=0.03, atol=0.03)


class Mine(nn.Conv1d):
    pass


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(4, 4, 1),
        nn.Conv1d(4, 4, 3, 2, groups=2),
        nn.Conv1d(4, 4, 3, 2, dilation=2),
        nn.Conv1d(4, 4, 3, padding="same"),
        nn.Conv1d(4, 4, 3, padding=1, padding_mode="reflect"),
        Mine(4, 4, 3),
    ],
)
def test_other_convolutions_are_left_alone(layer):
    network = nn.Sequential(layer)
    use_product_convolutions(network)
    assert network[0] is layer


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(huggingface_encoder, "use_projections", use_product_convolutions)
    monkeypatch.setattr(inference, "_LEAST_CHANNELS", 1)


def convolutions_of(model):
    return [each for each in model._encoder.modules() if type(each) is ProductConvolution]


@pytest.mark.parametrize(
    "architecture", ["hubert", "wavlm", "wav2vec2-conformer", "data2vec-audio"]
)
def test_batches_are_exact_with_convolutions_as_products(architecture, tmp_path, request):
    spec = f"hf:{write_checkpoint(tmp_path / 'tiny', architecture)}"
    expected = load_model(spec).embed(CLIPS)
    request.getfixturevalue("as_on_a_gpu")
    model = load_model(spec, batched=True)
    assert not model.one_by_one_because
    assert any(each.groups > 1 for each in convolutions_of(model))
    np.testing.assert_allclose(model.embed(CLIPS), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_encoder_embeds_with_convolutions_as_products(kind, tmp_path, request):
    spec = f"hf:{write_encoder(tmp_path / 'tiny', kind)}"
    plain = load_model(spec)
    clips = [noise(max(n_samples, plain.min_samples)) for n_samples in (1, 5000, 20_000)]
    expected = plain.embed(clips)
    request.getfixturevalue("as_on_a_gpu")
    found = load_model(spec, batched=True).embed(clips)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-5)
