"""Eq. 3: how cross-entropy and divergence are weighed and taken apart."""

import numpy as np
import pytest
import torch

from reno_store.networks import FusionLoss, Prediction, renyi_minimum

BETA, DELTA = 2.0, 0.2
N_ROWS, N_CLASSES, N_FEATURES = 5, 3, 16


def prediction_and_target(n_blocks=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(N_ROWS, N_CLASSES, generator=generator, dtype=torch.float64)
    aligned = torch.randn(N_ROWS, n_blocks, N_FEATURES, generator=generator, dtype=torch.float64)
    target = torch.arange(N_ROWS) % N_CLASSES
    return Prediction(logits.requires_grad_(), aligned.requires_grad_()), target


def softmax(values):
    powers = np.exp(values)
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy_by_hand(prediction, target):
    probabilities = softmax(prediction.logits.detach().numpy())
    return -np.log(probabilities[np.arange(N_ROWS), target.numpy()]).mean()


def divergence_by_hand(prediction, first, second, beta=BETA, delta=DELTA):
    z = softmax(prediction.aligned.detach().numpy())
    x, y = z[:, first], z[:, second]
    sums = ((x + delta) ** beta * (y + delta) ** (1 - beta)).sum(axis=1)
    return (np.log(sums) / (beta - 1)).mean()


@pytest.mark.parametrize("lam", [0.0, 0.4, 0.9])
@pytest.mark.parametrize(("beta", "delta"), [(2.0, 0.2), (3.0, 0.0)])
def test_total_is_equation_3(lam, beta, delta):
    prediction, target = prediction_and_target()
    ce = cross_entropy_by_hand(prediction, target)
    divergence = divergence_by_hand(prediction, 0, 1, beta, delta)
    loss = FusionLoss(beta=beta, delta=delta, lam=lam)
    parts = loss.parts(prediction, target)
    assert parts.total.item() == pytest.approx(lam * ce + (1 - lam) * divergence)
    assert parts.cross_entropy.item() == pytest.approx(ce)
    minimum = renyi_minimum(N_FEATURES, beta=beta, delta=delta)
    assert parts.divergence_excess.item() == pytest.approx(divergence - minimum)
    assert loss(prediction, target).item() == parts.total.item()


def test_lam_1_gives_the_aligned_features_no_gradient():
    prediction, target = prediction_and_target()
    parts = FusionLoss(beta=BETA, delta=DELTA, lam=1.0).parts(prediction, target)
    parts.total.backward()
    assert prediction.aligned.grad is None
    assert prediction.logits.grad.abs().sum() > 0
    assert parts.total.item() == pytest.approx(cross_entropy_by_hand(prediction, target))
    assert parts.divergence_excess.item() == 0


def test_lam_0_gives_the_logits_no_gradient():
    prediction, target = prediction_and_target()
    FusionLoss(beta=BETA, delta=DELTA, lam=0.0)(prediction, target).backward()
    assert (prediction.logits.grad == 0).all()
    assert prediction.aligned.grad.abs().sum() > 0


def test_default_is_cross_entropy_alone():
    prediction, target = prediction_and_target()
    assert FusionLoss()(prediction, target).item() == pytest.approx(
        cross_entropy_by_hand(prediction, target)
    )


def test_networks_that_compare_nothing_have_cross_entropy_alone():
    prediction, target = prediction_and_target()
    parts = FusionLoss(lam=0.4).parts(Prediction(prediction.logits), target)
    assert parts.total.item() == pytest.approx(cross_entropy_by_hand(prediction, target))
    assert parts.divergence_excess.item() == 0


def test_identical_blocks_have_no_excess():
    prediction, target = prediction_and_target()
    twice = prediction.aligned[:, :1].expand(-1, 2, -1)
    parts = FusionLoss(BETA, DELTA, lam=0.4).parts(Prediction(prediction.logits, twice), target)
    assert parts.divergence_excess.item() == pytest.approx(0, abs=1e-12)


def test_blocks_are_compared_as_distributions_so_an_offset_changes_nothing():
    prediction, target = prediction_and_target()
    moved = prediction.aligned + torch.tensor([0.0, 7.0], dtype=torch.float64)[:, None]
    loss = FusionLoss(BETA, DELTA, lam=0.4)
    torch.testing.assert_close(
        loss(Prediction(prediction.logits, moved), target), loss(prediction, target)
    )


def test_a_step_along_the_gradient_brings_blocks_together():
    prediction, target = prediction_and_target()
    loss = FusionLoss(BETA, DELTA, lam=0.4)
    before = loss.parts(prediction, target)
    before.total.backward()
    nearer = prediction.aligned - 10 * prediction.aligned.grad
    after = loss.parts(Prediction(prediction.logits, nearer), target)
    assert 0 < after.divergence_excess < before.divergence_excess


def test_three_blocks_average_over_their_pairs():
    prediction, target = prediction_and_target(n_blocks=3)
    pairs = [divergence_by_hand(prediction, *pair) for pair in [(0, 1), (0, 2), (1, 2)]]
    parts = FusionLoss(BETA, DELTA, lam=0.0).parts(prediction, target)
    assert parts.total.item() == pytest.approx(np.mean(pairs))
