"""Stacked networks and losses: the plain ones' numbers and gradients, member by member."""

import pytest
import torch

from reno_store.estimators.networks import CNN, FCN, RENO, Concat, FusionLoss
from reno_store.estimators.networks.stacked import StackedLoss, can_stack, forward

BLOCKS = (14, 10)
MAKERS = {
    "fcn": lambda: FCN(24, 3, dropout=0.0),
    "cnn": lambda: CNN(24, 3, n_tokens=4, dropout=0.0),
    "cnn, pooled by 2": lambda: CNN(24, 3, n_tokens=None, dropout=0.0),
    "concat": lambda: Concat(BLOCKS, 3, n_tokens=4, align_dim=8, dropout=0.0),
    "reno": lambda: RENO(BLOCKS, 3, n_tokens=4, align_dim=8, dropout=0.0),
    "reno, norm before": lambda: RENO(BLOCKS, 3, n_tokens=4, align_dim=8, dropout=0.0, norm="pre"),
    "reno, norm after": lambda: RENO(BLOCKS, 3, n_tokens=4, align_dim=8, dropout=0.0, norm="post"),
    "reno, bare": lambda: RENO(BLOCKS, 3, n_tokens=4, align_dim=8, dropout=0.0, residual=False),
    "reno of three": lambda: RENO((9, 8, 7), 3, n_tokens=4, align_dim=8, dropout=0.0),
}
LOSSES = [
    FusionLoss(2.0, 0.2, 0.4),
    FusionLoss(5.0, 0.0, 0.8, class_weight=torch.tensor([0.5, 1.0, 2.0])),
    FusionLoss(1.5, 0.01, 1.0),
]


def networks_of(name):
    torch.manual_seed(0)
    return [MAKERS[name]().double() for _ in LOSSES]


def stacked(networks):
    named = [dict(network.named_parameters()) for network in networks]
    return {
        name: torch.stack([each[name].detach() for each in named]).requires_grad_()
        for name in named[0]
    }


def inputs(n_rows=5):
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(len(LOSSES), n_rows, 24, generator=generator, dtype=torch.float64)
    return X, torch.randint(0, 3, (len(LOSSES), n_rows), generator=generator)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("n_filled", [0, 2])
def test_each_member_has_the_losses_and_gradients_of_its_own_network(name, n_filled):
    networks, (X, y) = networks_of(name), inputs()
    weights = stacked(networks)
    n = X.shape[1] - n_filled
    share = torch.zeros(X.shape[:2], dtype=torch.float64)
    share[:, :n] = 1 / n

    prediction = forward(networks[0], weights, X)
    parts = StackedLoss.of(LOSSES, 3, "cpu").parts(prediction, y, share)
    gradients = torch.autograd.grad(parts.total.sum(), list(weights.values()))

    for i, (network, loss) in enumerate(zip(networks, LOSSES, strict=True)):
        alone = network(X[i, :n])
        expected = loss.parts(alone, y[i, :n])
        torch.testing.assert_close(prediction.logits[i, :n], alone.logits)
        for found, wanted in zip(parts, expected, strict=True):
            torch.testing.assert_close(found[i].double(), wanted.double(), rtol=1e-6, atol=1e-9)
        expected.total.backward()
        for (key, own), gradient in zip(network.named_parameters(), gradients, strict=True):
            torch.testing.assert_close(
                gradient[i], own.grad, rtol=1e-9, atol=1e-12, msg=lambda m, k=key: f"{k}: {m}"
            )


def test_masks_drop_what_they_are_zero_for():
    networks, (X, _) = networks_of("fcn"), inputs()
    weights = stacked(networks)
    masks = [torch.ones(*X.shape[:2], width, dtype=X.dtype) for width in (512, 128)]
    whole = forward(networks[0], weights, X, masks).logits
    torch.testing.assert_close(whole, forward(networks[0], weights, X).logits)
    masks[1][:, 2] = 0
    dropped = forward(networks[0], weights, X, masks).logits
    bias = weights["dense.layers.6.bias"]
    torch.testing.assert_close(dropped[:, 2], bias)
    torch.testing.assert_close(dropped[:, 3], whole[:, 3])


def test_the_first_mask_is_the_input_where_it_is_dropped():
    networks = [FCN(24, 3, dropout=0.0, input_dropout=0.5).double() for _ in LOSSES]
    weights, (X, _) = stacked(networks), inputs()
    masks = [torch.ones(*X.shape[:2], width, dtype=X.dtype) for width in (24, 512, 128)]
    masks[0][..., 5:] = 0
    expected = forward(networks[0], weights, X * masks[0]).logits
    torch.testing.assert_close(forward(networks[0], weights, X, masks).logits, expected)


def test_far_divergences_are_those_of_the_plain_loss():
    torch.manual_seed(0)
    aligned = 30 * torch.randn(3, 4, 2, 8, dtype=torch.float64)
    aligned.requires_grad_()
    y, share = torch.zeros(3, 4, dtype=torch.int64), torch.full((3, 4), 0.25)
    logits = torch.zeros(3, 4, 3, dtype=torch.float64)
    prediction = type(networks_of("fcn")[0](torch.zeros(1, 24).double()))(logits, aligned)
    losses = [FusionLoss(beta, delta, 0.3) for beta, delta in ((3.0, 0.0), (2.0, 1e-3), (9, 0.5))]
    parts = StackedLoss.of(losses, 3, "cpu").parts(prediction, y, share.double())
    (gradient,) = torch.autograd.grad(parts.total.sum(), aligned)
    for i, loss in enumerate(losses):
        own = aligned[i].detach().requires_grad_()
        expected = loss.parts(type(prediction)(logits[i], own), y[i])
        torch.testing.assert_close(parts.total[i], expected.total)
        torch.testing.assert_close(gradient[i], torch.autograd.grad(expected.total, own)[0])


def test_losses_of_features_that_are_no_softmax_are_refused():
    with pytest.raises(ValueError, match="softmax"):
        StackedLoss.of([FusionLoss(lam=0.5, distribution=None)], 3, "cpu")
    StackedLoss.of([FusionLoss(lam=1.0, distribution=None)], 3, "cpu")


def test_networks_of_other_classes_are_not_stacked():
    class Other(FCN):
        pass

    assert all(can_stack(make()) for make in MAKERS.values())
    assert not can_stack(Other(24, 3))
    with pytest.raises(TypeError, match="Linear cannot be stacked"):
        forward(torch.nn.Linear(2, 2), {}, torch.zeros(1, 1, 2))
