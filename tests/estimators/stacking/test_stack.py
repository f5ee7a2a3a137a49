"""A stack has the numbers and gradients of its members' own networks and losses."""

import numpy as np
import pytest
import torch

from reno_store.estimators.networks import CNN, FCN, RENO, Concat, FusionLoss
from reno_store.estimators.networks.fast_cpu import plain_layers
from reno_store.estimators.stacking.stack import Stack

SMALL = {"n_tokens": 4, "align_dim": 8, "dropout": 0.0}
MAKERS = {
    "fcn": lambda: FCN(24, 3, dropout=0.0),
    "cnn": lambda: CNN(24, 3, n_tokens=4, dropout=0.0),
    "cnn, pooled by 2": lambda: CNN(24, 3, dropout=0.0),
    "concat": lambda: Concat((14, 10), 3, **SMALL),
    "reno": lambda: RENO((14, 10), 3, **SMALL),
    "reno, norm before": lambda: RENO((14, 10), 3, **SMALL, norm="pre"),
    "reno, norm after": lambda: RENO((14, 10), 3, **SMALL, norm="post"),
    "reno, bare": lambda: RENO((14, 10), 3, **SMALL, residual=False),
    "reno of three": lambda: RENO((9, 8, 7), 3, **SMALL),
}
WEIGHT = torch.tensor([0.5, 1.0, 2.0])


def losses_of(distribution="softmax"):
    return [
        FusionLoss(2.0, 0.2, 0.4, distribution=distribution),
        FusionLoss(5.0, 0.0, 0.8, distribution=distribution, class_weight=WEIGHT),
        FusionLoss(1.5, 0.01, 1.0, distribution=distribution),
    ]


def stack_of(networks, losses, X, keeps_best=False):
    initial = [
        {name: each.detach().clone() for name, each in network.named_parameters()}
        for network in networks
    ]
    return Stack(networks[0], initial, losses, 3, X, lr=1e-3, keeps_best=keeps_best)


def made(name, n_rows=5):
    torch.manual_seed(0)
    networks = [MAKERS[name]().double() for _ in range(3)]
    X = torch.randn(3 * n_rows, 24, dtype=torch.float64)
    rows = np.random.default_rng(0).permutation(3 * n_rows).reshape(3, n_rows)
    return networks, X, rows, rows % 3


def gradients_of(stack, *batch):
    """Losses and gradients of all members, without taking a step."""
    named = dict(zip(stack._names, stack._weights, strict=True))
    parts, _ = stack._run(stack._evaluated, named, stack._losses, *batch)
    return parts, torch.autograd.grad(parts.total.sum(), stack._weights)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("n_padded", "distribution"), [(0, "softmax"), (2, "softmax"), (2, None)])
@pytest.mark.filterwarnings("error")
def test_each_member_has_the_losses_and_gradients_of_its_own_network(name, n_padded, distribution):
    networks, X, rows, targets = made(name)
    losses, n = losses_of(distribution), rows.shape[1] - n_padded
    share = np.zeros(rows.shape)
    share[:, :n] = 1 / n
    parts, gradients = gradients_of(stack_of(networks, losses, X), rows, targets, share)
    for i, (network, loss) in enumerate(zip(networks, losses, strict=True)):
        own = torch.from_numpy(rows[i, :n])
        expected = loss.parts(network(X[own]), own % 3)
        for found, wanted in zip(parts, expected, strict=True):
            torch.testing.assert_close(found[i].double(), wanted.double(), rtol=1e-6, atol=1e-9)
        expected.total.backward()
        for (key, weights), gradient in zip(network.named_parameters(), gradients, strict=True):
            torch.testing.assert_close(
                gradient[i], weights.grad, rtol=1e-9, atol=1e-12, msg=lambda m, k=key: f"{k}: {m}"
            )


@pytest.mark.parametrize("delta", [0.0, 1e-3, 0.5])
def test_far_divergences_in_a_stack_are_those_of_the_single_loss(delta):
    torch.manual_seed(0)
    aligned = 30 * torch.randn(4, 2, 8, dtype=torch.float64)
    prediction = MAKERS["concat"]().double()(torch.zeros(4, 24).double())._replace(aligned=aligned)
    y = torch.zeros(4, dtype=torch.int64)
    aligned.requires_grad_()
    single = FusionLoss(3.0, delta, 0.3).parts(prediction, y).total
    with plain_layers():
        plain = FusionLoss(*map(torch.tensor, (3.0, delta, 0.3))).parts(prediction, y).total
    torch.testing.assert_close(plain, single, rtol=1e-6, atol=1e-6)
    one, other = (
        torch.autograd.grad(each, aligned, retain_graph=True)[0] for each in (single, plain)
    )
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_masks_replace_dropout_in_steps_and_not_in_validation():
    networks = [FCN(24, 3, dropout=0.5, input_dropout=0.5).double() for _ in range(2)]
    X = torch.randn(4, 24, dtype=torch.float64)
    rows = np.array([[0, 1], [2, 3]])
    batch = rows, rows % 3, np.full(rows.shape, 0.5)
    stack = stack_of(networks, losses_of()[:2], X)
    expected = stack.validate([0, 1], *batch)
    masks = [torch.ones(2, 2, width, dtype=torch.float64) for width in (24, 512, 128)]
    masks[0][1, :, 5:] = 0
    X[2:, 5:] = 0  # which is what the first mask does to the second member
    wanted = stack.validate([0, 1], *batch)
    found = stack.step(*batch, masks)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-6)
    assert wanted[0, 0] == expected[0, 0]
    assert wanted[0, 1] != expected[0, 1]
