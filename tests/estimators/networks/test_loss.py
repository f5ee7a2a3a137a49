"""Eq. 3: how cross-entropy and divergence are weighed and taken apart."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from reno_store.estimators.networks import FusionLoss, Prediction, renyi_minimum

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


def test_class_weights_are_torchs_where_they_average_one():
    prediction, target = prediction_and_target()
    weight = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    weight /= weight[target].mean()
    loss = FusionLoss(class_weight=weight)
    expected = cross_entropy(prediction.logits, target, weight=weight)
    torch.testing.assert_close(loss(prediction, target), expected)


def test_class_weights_leave_the_divergence_alone():
    prediction, target = prediction_and_target()
    weighed = FusionLoss(BETA, DELTA, 0.0, class_weight=torch.tensor([9.0, 1.0, 1.0]))
    assert weighed(prediction, target) == FusionLoss(BETA, DELTA, 0.0)(prediction, target)


def test_a_batch_of_one_class_is_weighed_by_its_class():
    prediction, _ = prediction_and_target()
    target = torch.full((N_ROWS,), 2)
    plain = FusionLoss()(prediction, target).item()
    for weight in (0.0, 1.0, 5.0):
        loss = FusionLoss(class_weight=torch.tensor([1.0, 1.0, weight]))
        assert loss(prediction, target).item() == pytest.approx(weight * plain)


@pytest.mark.parametrize("distribution", ["softmax", None])
def test_identical_blocks_have_no_excess_in_single_precision_either(distribution):
    generator = torch.Generator().manual_seed(0)
    aligned = torch.randn(32, 1, 256, generator=generator).expand(-1, 2, -1)
    prediction = Prediction(torch.zeros(32, 3), aligned)
    loss = FusionLoss(BETA, DELTA, 0.4, distribution=distribution)
    assert loss.parts(prediction, torch.zeros(32, dtype=torch.int64)).divergence_excess == 0


def test_a_small_excess_in_single_precision_is_right_to_six_digits():
    generator = torch.Generator().manual_seed(0)
    aligned = torch.randn(32, 2, 256, generator=generator)
    aligned[:, 1] = aligned[:, 0] + 1e-3 * aligned[:, 1]
    prediction = Prediction(torch.zeros(32, 3), aligned)
    target = torch.zeros(32, dtype=torch.int64)
    excess = FusionLoss(BETA, DELTA, 0.4).parts(prediction, target).divergence_excess.item()
    z = (softmax(aligned.numpy().astype(np.longdouble)) + DELTA) / (1 + 256 * DELTA)
    expected = np.log((z[:, 0] ** 2 / z[:, 1]).sum(axis=1)).mean()
    assert 0 < excess < 1e-7, "else this test shows nothing"
    assert excess == pytest.approx(float(expected), rel=1e-6)


def softplus_by_hand(prediction):
    z = np.log1p(np.exp(prediction.aligned.detach().numpy())) + DELTA
    return z / z.sum(axis=-1, keepdims=True)


def test_without_a_distribution_features_are_made_positive_and_each_side_sums_to_one():
    prediction, target = prediction_and_target()
    parts = FusionLoss(BETA, DELTA, 0.0, distribution=None).parts(prediction, target)
    z = softplus_by_hand(prediction)
    expected = np.log((z[:, 0] ** BETA * z[:, 1] ** (1 - BETA)).sum(axis=1)).mean()
    assert parts.total.item() == pytest.approx(expected)
    assert parts.divergence_excess.item() == pytest.approx(expected)


def test_without_a_distribution_no_growth_of_a_block_brings_the_loss_below_zero():
    prediction, target = prediction_and_target()
    loss = FusionLoss(BETA, DELTA, 0.0, distribution=None)
    for scale in (1e-3, 1.0, 1e3, 1e6):
        grown = prediction.aligned * torch.tensor([1.0, scale], dtype=torch.float64)[:, None]
        assert loss(Prediction(prediction.logits, grown), target).item() > 0


@pytest.mark.parametrize("delta", [0.0, 0.2])
def test_without_a_distribution_gradients_are_those_of_finite_differences(delta):
    prediction, target = prediction_and_target(n_blocks=3)
    loss = FusionLoss(3.0, delta, 0.4, distribution=None)

    def total(logits, aligned):
        return loss(Prediction(logits, 3 * aligned), target)

    assert torch.autograd.gradcheck(total, tuple(prediction))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("distribution", ["softmax", None])
def test_far_out_features_have_a_finite_loss_and_gradient(distribution, dtype):
    aligned = torch.tensor([[[-1e4, 0.0, 1e4], [1e4, -50.0, -1e4]]], dtype=dtype)
    prediction = Prediction(torch.zeros(1, 2, dtype=dtype), aligned.requires_grad_())
    loss = FusionLoss(BETA, DELTA, 0.4, distribution=distribution)
    total = loss(prediction, torch.tensor([0]))
    total.backward()
    assert total.isfinite()
    assert aligned.grad.isfinite().all()
