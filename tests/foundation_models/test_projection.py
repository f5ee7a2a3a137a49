"""Linear layers that take the faster of two CPU libraries: the same numbers, the same weights."""

import pytest
import torch
from torch import nn

from reno_store.foundation_models.projection import Projection, use_projections


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
