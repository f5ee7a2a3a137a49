"""The first convolution and its pool of many networks, as a CPU and as a GPU compute it."""

import pytest
import torch
from torch.nn.functional import pad

from reno_store.estimators.networks import winners as plain
from reno_store.estimators.networks.stacked import winners


def made(n_members=3, n_rows=4, n_features=20):
    generator = torch.Generator().manual_seed(0)
    signals = torch.randn(n_members, n_rows, n_features, generator=generator).double()
    weight = torch.randn(n_members, 32, 1, 3, generator=generator).double().requires_grad_()
    bias = torch.randn(n_members, 32, generator=generator).double().requires_grad_()
    return signals, weight, bias


@pytest.mark.parametrize("n_bytes", [1, 2**21])
@pytest.mark.parametrize("way", ["_member_by_member", "_batched"])
@pytest.mark.parametrize("length", [7, None])
def test_both_ways_are_the_plain_one_for_each_member(monkeypatch, way, length, n_bytes):
    monkeypatch.setattr(winners, "_convolved", getattr(winners, way))
    monkeypatch.setattr(plain, "_BYTES_IN_CACHE", n_bytes)
    signals, weight, bias = made()
    found = winners.convolve_and_pool(signals, weight, bias, length)
    given = torch.randn(found.shape, generator=torch.Generator().manual_seed(1)).double()
    gradients = torch.autograd.grad(found, [weight, bias], given)
    for i, own in enumerate(signals):
        wanted = plain.convolve_and_pool(own, weight[i], bias[i], length)
        wanted = wanted[:, :, 0].transpose(1, 2)
        torch.testing.assert_close(found[i], wanted)
        of_weight, of_bias = torch.autograd.grad(wanted, [weight, bias], given[i])
        torch.testing.assert_close(gradients[0][i], of_weight[i])
        torch.testing.assert_close(gradients[1][i], of_bias[i])


def test_batched_products_are_the_convolution():
    signals, weight, _ = made()
    rows = pad(signals, (1, 1)).flatten(0, 1)
    one, other = (
        torch.cat(list(way(rows, weight.detach(), 4)))
        for way in (winners._member_by_member, winners._batched)
    )
    torch.testing.assert_close(one, other)
