"""Linear layers by oneDNN: the same numbers and gradients, for large products only."""

import pytest
import torch
from torch import nn

from reno_store.estimators.networks.fast_cpu import project

IS_AVX512 = torch.backends.cpu.get_cpu_capability() == "AVX512"


def layer_and_input(shape, n_out, dtype=torch.float32):
    torch.manual_seed(0)
    layer = nn.Linear(shape[-1], n_out).to(dtype)
    return layer, torch.randn(shape, dtype=dtype, requires_grad=True)


def numbers(apply, layer, given):
    layer.zero_grad()
    given.grad = None
    out = apply(given)
    out.backward(torch.arange(out.numel()).view_as(out).to(out) / out.numel())
    return out.detach(), given.grad, layer.weight.grad, layer.bias.grad


# The inputs of RENO's layers on a batch of 32, and two small ones.
@pytest.mark.parametrize(
    ("shape", "n_out"),
    [((32, 26, 64), 192), ((32, 2, 256), 768), ((32, 1664), 256), ((4, 20), 3), ((1, 5, 7), 2)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_and_gradients_are_those_of_the_layer(shape, n_out, dtype):
    layer, given = layer_and_input(shape, n_out, dtype)
    found = numbers(lambda X: project(X, layer.weight, layer.bias), layer, given)
    expected = numbers(layer, layer, given)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == dtype
        assert one.layout == torch.strided
        error = (one - other).abs().max() / other.abs().max()
        assert error < (1e-5 if dtype == torch.float32 else 1e-13)


def test_the_same_numbers_in_another_layout_give_the_same_bits():
    layer, given = layer_and_input((32, 1664), 256)
    other = given.detach().t().contiguous().t()
    assert torch.equal(*(project(each, layer.weight, layer.bias) for each in (given, other)))


@pytest.mark.skipif(not IS_AVX512, reason="oneDNN is used with AVX-512 only")
@pytest.mark.parametrize(
    ("shape", "dtype", "is_used"),
    [
        ((32, 1664), torch.float32, True),
        ((1, 1664), torch.float32, False),
        ((32, 1664), torch.float64, False),
    ],
)
def test_onednn_is_used_for_large_products_in_single_precision(shape, dtype, is_used):
    layer, given = layer_and_input(shape, 256, dtype)
    with torch.profiler.profile(acc_events=True) as profile:
        project(given, layer.weight, layer.bias)
    assert ("aten::mkldnn_linear" in {event.key for event in profile.key_averages()}) == is_used
