"""The encoder on random weights: the mixer is Mamba's, the rest is what is published."""

import pytest
import torch
from factories.audio_mamba_checkpoints import random_tensors
from torch.nn import functional

from reno_store.foundation_models.audio_mamba.encoder import (
    AudioMambaEncoder,
    EncoderSizes,
    MambaMixer,
)
from reno_store.foundation_models.inference import Projection

PRETRAINING = ("pred.", "mask_token")


def used(tensors):
    return {name: value for name, value in tensors.items() if not name.startswith(PRETRAINING)}


def encoder_of(tensors, d=48, depth=2):
    encoder = AudioMambaEncoder(EncoderSizes.published(d, depth)).eval()
    encoder.load_state_dict(used(tensors), strict=True)
    return encoder


def transformers_mixer(tensors, block, d=48):
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer as Reference

    config = MambaConfig(
        hidden_size=d,
        state_size=24,
        conv_kernel=4,
        expand=3,
        time_step_rank=-(-d // 16),
        use_bias=False,
    )
    mixer = Reference(config, layer_idx=0).eval()
    start = f"blocks.{block}.mixer."
    weights = {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}
    mixer.load_state_dict(weights, strict=True)
    return mixer


def units(n_units=3, seed=0):
    return torch.randn(n_units, 200, 80, generator=torch.Generator().manual_seed(seed))


def relative_error(ours, expected):
    return float((ours - expected).norm() / expected.norm())


@torch.inference_mode()
def test_mixer_is_that_of_transformers():
    tensors = random_tensors()
    hidden = torch.randn(2, 60, 48, generator=torch.Generator().manual_seed(1))
    ours = encoder_of(tensors).blocks[1].mixer
    assert relative_error(ours(hidden), transformers_mixer(tensors, block=1)(hidden)) < 2e-6


@torch.inference_mode()
def test_encoder_is_patches_blocks_of_add_norm_and_mixer_and_rows():
    tensors, given = random_tensors(), units()
    width = (48,)
    patches = functional.conv2d(
        given[:, None],
        tensors["patch_embed.proj.weight"],
        tensors["patch_embed.proj.bias"],
        stride=(4, 16),
    )
    tokens = patches.permute(0, 2, 3, 1).reshape(3, 250, 48) + tensors["pos_embed"][:, 1:]
    first = (tensors["cls_token"] + tensors["pos_embed"][:, :1]).repeat(3, 1, 1)
    hidden, residual = torch.cat([first, tokens], 1), 0

    def norm(values, name):
        weights = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return functional.layer_norm(values, width, *weights, eps=1e-6)

    for block in range(2):
        residual = residual + hidden
        hidden = transformers_mixer(tensors, block)(norm(residual, f"blocks.{block}.norm"))
    hidden = norm(residual + hidden, "encoder_norm")[:, 1:]
    rows = hidden.reshape(3, 5, 50, 48).permute(0, 2, 1, 3).reshape(3, 50, 240)
    assert relative_error(encoder_of(tensors)(given), rows) < 5e-6


@torch.inference_mode()
def test_row_holds_five_tokens_that_lie_a_fifth_of_the_unit_apart():
    encoder = encoder_of(random_tensors(depth=0), depth=0)
    given = torch.zeros(2, 200, 80)
    given[1, 4:8, 32:48] = 1.0  # token 5 * 1 + 2 in time-major order
    silence, other = encoder(given)
    changed = (silence != other).nonzero()
    assert set(changed[:, 0].tolist()) == {7}
    assert changed[:, 1].max() < 48
    given = torch.zeros(2, 200, 80)
    given[1, 196:, 64:] = 1.0  # the last token
    silence, other = encoder(given)
    changed = (silence != other).nonzero()
    assert set(changed[:, 0].tolist()) == {49}
    assert changed[:, 1].min() >= 4 * 48


@torch.inference_mode()
def test_no_token_sees_a_later_one():
    mixer = encoder_of(random_tensors()).blocks[0].mixer
    hidden = torch.randn(1, 60, 48, generator=torch.Generator().manual_seed(1))
    changed = hidden.clone()
    changed[:, 30:] += 1.0
    same = (mixer(hidden) == mixer(changed)).all(dim=-1)[0]
    assert same[:30].all()
    assert not same[30:].any()


@torch.inference_mode()
def test_units_do_not_see_one_another():
    encoder, given = encoder_of(random_tensors()), units()
    together = encoder(given)
    for unit in range(3):
        assert relative_error(encoder(given[unit : unit + 1])[0], together[unit]) < 2e-6


@pytest.mark.parametrize(
    ("d", "dim", "millions"), [(192, 960, 4.81), (384, 1920, 17.99), (768, 3840, 69.44)]
)
def test_published_sizes_have_the_published_numbers(d, dim, millions):
    with torch.device("meta"):
        encoder = AudioMambaEncoder(EncoderSizes.published(d))
    pretraining = d + (d * d + d) + (64 * d + 64)  # mask_token, pred.0, pred.2
    n_parameters = sum(parameter.numel() for parameter in encoder.parameters()) + pretraining
    assert encoder.sizes.dim == dim
    assert encoder.sizes.n_rows == 50
    assert round(n_parameters / 1e6, 2) == millions


def test_names_and_shapes_are_those_of_a_published_checkpoint():
    with torch.device("meta"):
        encoder = AudioMambaEncoder(EncoderSizes.published(48, depth=2))
    shapes = {name: tensor.shape for name, tensor in encoder.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in used(random_tensors()).items()}


def test_mixer_of_other_sizes_runs():
    sizes = EncoderSizes(
        width=8,
        depth=1,
        n_channels=10,
        n_states=3,
        step_rank=2,
        kernel_steps=2,
        patch_frames=8,
        patch_bands=20,
    )
    assert MambaMixer(sizes)(torch.ones(1, 5, 8)).shape == (1, 5, 8)
    assert AudioMambaEncoder(sizes)(units(1)).shape == (1, 25, 32)


@pytest.mark.parametrize("capability", ["AVX512", "AVX2"])
@pytest.mark.parametrize("bias", [True, False])
def test_projection_is_a_linear_layer_whichever_library_computes_it(monkeypatch, capability, bias):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    layer = Projection(24, 7, bias=bias)
    given = torch.randn(2, 9, 48)[..., ::2]
    with torch.inference_mode():
        expected = functional.linear(given.double(), layer.weight.double())
        if bias:
            expected += layer.bias
        assert relative_error(layer(given), expected) < 1e-6
    layer(given).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
