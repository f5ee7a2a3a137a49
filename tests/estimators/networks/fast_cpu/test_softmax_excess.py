"""The divergence of two softmaxes with its gradient in closed form, against autograd's."""

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from reno_store.estimators.networks import renyi_excess
from reno_store.estimators.networks.fast_cpu import softmax_excess

BETAS = [0.5, 0.95, 1.0, 1.0 + 1e-9, 1.05, 2.0, 3.0, 10.0]
DELTAS = [0.0, 1e-6, 0.2, 5.0]


def features(scale=1.0, n_features=5, n_rows=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (2, n_rows, n_features)
    drawn = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    return [each.clone().requires_grad_() for each in drawn]


def recorded(a, b, beta, delta):
    """The same, step by step."""
    return renyi_excess(log_softmax(a, -1), log_softmax(b, -1), beta=beta, delta=delta)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("beta", BETAS)
def test_is_the_excess_of_the_softmaxes_with_its_gradient(beta, delta, scale):
    a, b = features(scale)
    found, expected = softmax_excess(a, b, beta=beta, delta=delta), recorded(a, b, beta, delta)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-14)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    slopes = torch.autograd.grad(found @ weights, (a, b))
    wanted = torch.autograd.grad(expected @ weights, (a, b))
    # Autograd divides differences by β − 1, which near 1 leaves it few digits.
    loss_of_digits = 1 if beta == 1 else max(1, 1 / abs(beta - 1))
    for one, other in zip(slopes, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-14 * loss_of_digits)


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("beta", BETAS)
def test_gradients_are_those_of_finite_differences(beta, delta):
    assert torch.autograd.gradcheck(
        lambda a, b: softmax_excess(a, b, beta=beta, delta=delta), features()
    )


def test_clips_near_and_far_are_computed_together():
    a, b = features(n_rows=2)
    a.data[0], b.data[0] = 0.1 * a.data[0], 0.1 * b.data[0]
    a.data[1], b.data[1] = 20 * a.data[1], 20 * b.data[1]
    together = softmax_excess(a, b, beta=2.0, delta=0.0)
    for row in range(2):
        alone = softmax_excess(a[row : row + 1], b[row : row + 1], beta=2.0, delta=0.0)
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("delta", [0.0, 0.2])
def test_far_apart_features_have_an_exact_value_and_a_finite_gradient(delta, dtype):
    a = torch.tensor([[1e4, -1e4]], dtype=dtype, requires_grad=True)
    b = torch.tensor([[-1e4, 1e4]], dtype=dtype, requires_grad=True)
    found = softmax_excess(a, b, beta=2.0, delta=delta)
    found.sum().backward()
    expected = np.log((1 + delta) ** 2 / delta + delta**2 / (1 + delta)) if delta else 2e4
    minimum = np.log1p(2 * delta)
    assert found.item() == pytest.approx(expected - minimum, rel=1e-9)
    assert a.grad.dtype == b.grad.dtype == dtype
    assert a.grad.isfinite().all()
    assert b.grad.isfinite().all()


@pytest.mark.parametrize("beta", BETAS)
def test_equal_features_have_no_excess_and_no_slope(beta):
    a, _ = features(n_features=256)
    b = a.detach().clone().requires_grad_()
    found = softmax_excess(a, b, beta=beta, delta=0.2)
    assert (found == 0).all()
    for slope in torch.autograd.grad(found.sum(), (a, b)):
        assert slope.abs().max() < 1e-16


@pytest.mark.parametrize(("beta", "delta"), [(0.0, 0.2), (np.nan, 0.2), (2.0, -0.2), (2.0, np.inf)])
def test_impossible_orders_and_deltas_are_refused(beta, delta):
    with pytest.raises(ValueError, match="must be"):
        softmax_excess(*features(), beta=beta, delta=delta)
