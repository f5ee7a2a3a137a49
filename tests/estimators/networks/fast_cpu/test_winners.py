"""The fast convolutional blocks return the numbers and gradients of the plain layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.estimators.networks import RENO, FusionLoss
from reno_store.estimators.networks.convolution import ConvolutionalBlocks
from reno_store.estimators.networks.fast_cpu import is_used, plain_layers


def blocks(n_features, n_tokens, dtype=torch.float64):
    torch.manual_seed(n_features)
    return ConvolutionalBlocks(n_features, n_tokens).to(dtype)


def gradients(network, X, weights):
    network.zero_grad()
    out = network(X)
    (out * weights).sum().backward()
    return out.detach(), [each.grad.clone() for each in network.parameters()]


def assert_alike(network, X):
    weights = torch.randn(len(X), 64, network.n_tokens, dtype=X.dtype)
    assert is_used(X)
    out, found = gradients(network, X, weights)
    with plain_layers():
        assert not is_used(X)
        expected, wanted = gradients(network, X, weights)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-13)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@given(
    n_features=st.integers(1, 300),
    n_tokens=st.none() | st.integers(1, 40),
    batch=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_numbers_and_gradients_are_those_of_the_plain_layers(n_features, n_tokens, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(batch, n_features, dtype=torch.float64, generator=generator)
    assert_alike(blocks(n_features, n_tokens), X)


@pytest.mark.parametrize("n_tokens", [26, None])
@pytest.mark.parametrize("fill", [0.0, 1.5, -2.0])
def test_of_equal_positions_the_first_wins_as_in_the_plain_layers(n_tokens, fill):
    network = blocks(240, n_tokens)
    for weights in network.parameters():
        # Whole numbers, so that rounding does not make equal windows differ.
        weights.data.mul_(10).round_()
    X = torch.full((3, 240), fill, dtype=torch.float64)
    X[1, 100:140] = 0.75
    assert_alike(network, X)


def test_batches_larger_than_a_piece_are_put_together_in_order():
    assert_alike(blocks(3840, 26), torch.randn(20, 3840, dtype=torch.float64))


def test_an_input_that_needs_a_gradient_gets_it():
    network = blocks(11, 4)
    X = torch.randn(2, 11, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, X)


@pytest.mark.parametrize("n_tokens", [26, None])
def test_a_step_of_reno_has_the_gradients_of_the_plain_network(n_tokens):
    torch.manual_seed(0)
    network = RENO((240, 88), 5, n_tokens=n_tokens, dropout=0.0).double()
    X, y = torch.randn(32, 328, dtype=torch.float64), torch.arange(32) % 5
    loss, found = FusionLoss(2.0, 0.2, 0.4), []
    loss(network(X), y).backward()
    found = [each.grad for each in network.parameters()]
    network.zero_grad()
    with plain_layers():
        loss(network(X), y).backward()
    for one, (name, other) in zip(found, network.named_parameters(), strict=True):
        assert one.abs().max() > 0, name
        torch.testing.assert_close(one, other.grad, rtol=1e-9, atol=1e-12, msg=name)


def test_in_float32_the_difference_is_rounding():
    network, X = blocks(768, 26, torch.float32), torch.randn(32, 768)
    with plain_layers():
        expected = network(X)
    torch.testing.assert_close(network(X), expected, rtol=1e-5, atol=1e-6)
