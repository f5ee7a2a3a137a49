"""Self-attention, plain and fast: the numbers and gradients of torch's own layer."""

from contextlib import nullcontext

import pytest
import torch

from reno_store.estimators.networks.attention import SelfAttention
from reno_store.estimators.networks.fast_cpu import plain_layers


def both(n_heads, n_tokens, n_channels, dtype):
    torch.manual_seed(n_tokens)
    ours = SelfAttention(n_channels, n_heads, residual=False).to(dtype)
    tokens = torch.randn(4, n_tokens, n_channels, dtype=dtype, requires_grad=True)
    return ours, tokens, ours.attention


def numbers(apply, layer, tokens):
    layer.zero_grad()
    tokens.grad = None
    out = apply(tokens)
    out.backward(torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out))
    return [out.detach(), tokens.grad, *(each.grad for each in layer.parameters())]


@pytest.mark.parametrize(("n_tokens", "n_channels"), [(26, 64), (2, 256), (1, 8)])
@pytest.mark.parametrize("n_heads", [1, 2, 4])
@pytest.mark.parametrize("is_plain", [True, False])
def test_numbers_and_gradients_are_those_of_torchs_attention(
    is_plain, n_heads, n_tokens, n_channels
):
    ours, tokens, theirs = both(n_heads, n_tokens, n_channels, torch.float64)
    with plain_layers() if is_plain else nullcontext():
        found = numbers(ours, theirs, tokens)
    expected = numbers(lambda each: theirs(each, each, each)[0], theirs, tokens)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_in_float32_the_difference_is_rounding():
    ours, tokens, theirs = both(2, 26, 64, torch.float32)
    torch.testing.assert_close(
        ours(tokens), theirs(tokens, tokens, tokens)[0], rtol=1e-4, atol=1e-6
    )


def test_gradients_are_those_of_finite_differences():
    ours, tokens, _ = both(2, 3, 4, torch.float64)
    assert torch.autograd.gradcheck(ours, tokens)


def test_tokens_in_another_layout_give_the_same():
    ours, tokens, _ = both(2, 26, 64, torch.float32)
    moved = tokens.detach().transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(ours(tokens), ours(moved))
