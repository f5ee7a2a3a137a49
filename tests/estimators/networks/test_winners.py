"""Convolution and pooling differentiated at the winners: as the plain layers, but faster."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_networks import PlainConvolution, PlainRENO

from reno_store.estimators.networks import RENO, FusionLoss
from reno_store.estimators.networks.convolution import ConvolutionalBlocks
from reno_store.estimators.networks.winners import convolve_and_pool


def both(n_features, n_tokens, dtype=torch.float64):
    torch.manual_seed(n_features)
    ours = ConvolutionalBlocks(n_features, n_tokens).to(dtype)
    plain = PlainConvolution(n_features, n_tokens).to(dtype)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def gradients(network, X, weights):
    X = X.clone().requires_grad_()
    out = network(X)
    (out * weights).sum().backward()
    return out.detach(), [X.grad, *(each.grad for each in network.parameters())]


def assert_alike(ours, plain, X):
    weights = torch.randn(len(X), 64, ours.n_tokens, dtype=X.dtype)
    (out, found), (expected, wanted) = (gradients(each, X, weights) for each in (ours, plain))
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-13)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@given(
    n_features=st.integers(4, 300),
    n_tokens=st.none() | st.integers(1, 40),
    batch=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_numbers_and_gradients_are_those_of_the_plain_layers(n_features, n_tokens, batch, seed):
    ours, plain = both(n_features, n_tokens)
    assert ours.n_tokens == plain.n_tokens
    X = torch.randn(
        batch, n_features, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    assert_alike(ours, plain, X)


@pytest.mark.parametrize("n_tokens", [26, None])
@pytest.mark.parametrize("fill", [0.0, 1.5, -2.0])
def test_where_all_positions_tie_the_first_wins_as_in_the_plain_layers(n_tokens, fill):
    ours, plain = both(240, n_tokens)
    for network in (ours, plain):
        for weights in network.parameters():
            # Whole numbers, so that no rounding tells equal windows apart.
            weights.data.mul_(10).round_()
    X = torch.full((3, 240), fill, dtype=torch.float64)
    X[1, 100:140] = 0.75
    assert_alike(ours, plain, X)


def test_batches_larger_than_a_piece_are_put_together_in_order():
    ours, plain = both(3840, 26)
    X = torch.randn(20, 3840, dtype=torch.float64)  # a piece of 8 MB has 8 clips
    assert_alike(ours, plain, X)


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    inputs = [
        torch.randn(2, 11, dtype=torch.float64, requires_grad=True),
        torch.randn(3, 1, 3, dtype=torch.float64, requires_grad=True),
        torch.randn(3, dtype=torch.float64, requires_grad=True),
    ]
    for length in (4, None):
        assert torch.autograd.gradcheck(lambda *each, n=length: convolve_and_pool(*each, n), inputs)


@pytest.mark.parametrize("n_tokens", [26, None])
def test_a_step_of_reno_has_the_gradients_of_the_plain_network(n_tokens):
    torch.manual_seed(0)
    ours = RENO((240, 88), 5, n_tokens=n_tokens, dropout=0.0).double()
    plain = PlainRENO((240, 88), 5, n_tokens, dropout=0.0).double()
    plain.load_state_dict(ours.state_dict())
    X, y = torch.randn(32, 328, dtype=torch.float64), torch.arange(32) % 5
    loss = FusionLoss(2.0, 0.2, 0.4)
    for network in (ours, plain):
        loss(network(X), y).backward()
    pairs = zip(ours.named_parameters(), plain.parameters(), strict=True)
    for (name, one), other in pairs:
        assert one.grad.abs().max() > 0, name
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-9, atol=1e-12, msg=name)


def test_in_float32_the_difference_is_rounding():
    ours, plain = both(768, 26, torch.float32)
    X = torch.randn(32, 768)
    torch.testing.assert_close(ours(X), plain(X), rtol=1e-5, atol=1e-6)
