"""The Rényi divergence of Eq. 2 against the formula as it is printed, and at its edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import log_softmax

from reno_store.estimators.networks import renyi_divergence, renyi_excess, renyi_minimum

BETAS = [0.5, 1.5, 2.0, 3.0, 10.0]
DELTAS = [0.0, 1e-6, 0.2, 5.0]


def equation_2(p, q, beta, delta):
    return np.log(np.sum((p + delta) ** beta * (q + delta) ** (1 - beta), axis=-1)) / (beta - 1)


def logarithm(p):
    return torch.from_numpy(np.asarray(p, np.float64)).log()


def two_distributions(n_features, seed=0, n_rows=7):
    rng = np.random.default_rng([seed, n_features])
    p, q = rng.dirichlet(np.ones(n_features), size=(2, n_rows))
    return p, q


def of_logits(values):
    return log_softmax(torch.tensor(values, dtype=torch.float64), dim=-1)


pairs_of_logits = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.floats(-30, 30), min_size=n, max_size=n)] * 2)
)
orders = st.floats(0.1, 0.9) | st.floats(1.1, 8)
deltas = st.just(0.0) | st.floats(1e-6, 10)


@pytest.mark.parametrize("n_features", [1, 2, 16, 256])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("beta", BETAS)
def test_equals_the_printed_formula(beta, delta, n_features):
    p, q = two_distributions(n_features)
    got = renyi_divergence(logarithm(p), logarithm(q), beta=beta, delta=delta)
    assert got.shape == (7,)
    np.testing.assert_allclose(got.numpy(), equation_2(p, q, beta, delta), rtol=1e-10, atol=1e-12)


def test_single_precision_agrees_with_double():
    p, q = two_distributions(256)
    got = renyi_divergence(logarithm(p).float(), logarithm(q).float(), beta=2.0, delta=0.2)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got.numpy(), equation_2(p, q, 2.0, 0.2), rtol=1e-5)


def test_leading_axes_are_kept():
    p, q = two_distributions(16, n_rows=6)
    flat = renyi_divergence(logarithm(p), logarithm(q), beta=2.0, delta=0.2)
    folded = renyi_divergence(
        logarithm(p).reshape(2, 3, 16), logarithm(q).reshape(2, 3, 16), beta=2.0, delta=0.2
    )
    torch.testing.assert_close(folded, flat.reshape(2, 3))


def test_is_not_symmetric():
    p, q = two_distributions(8)
    forth = renyi_divergence(logarithm(p), logarithm(q), beta=3.0, delta=0.0)
    back = renyi_divergence(logarithm(q), logarithm(p), beta=3.0, delta=0.0)
    assert (forth - back).abs().min() > 1e-3


@pytest.mark.parametrize("n_features", [1, 16, 256])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("beta", BETAS)
def test_equal_distributions_reach_the_minimum(beta, delta, n_features):
    p, _ = two_distributions(n_features)
    got = renyi_divergence(logarithm(p), logarithm(p), beta=beta, delta=delta)
    minimum = renyi_minimum(n_features, beta=beta, delta=delta)
    np.testing.assert_allclose(got.numpy(), minimum, rtol=1e-10, atol=1e-10)


def test_minimum_for_the_papers_values_is_log_52_2():
    assert renyi_minimum(256, beta=2.0, delta=0.2) == pytest.approx(math.log(52.2))
    assert renyi_minimum(256, beta=2.0, delta=0.0) == 0.0


@given(pair=pairs_of_logits, beta=orders, delta=deltas)
@settings(max_examples=200, deadline=None)
def test_minimum_is_never_undercut(pair, beta, delta):
    log_p, log_q = map(of_logits, pair)
    got = renyi_divergence(log_p, log_q, beta=beta, delta=delta).item()
    minimum = renyi_minimum(len(log_p), beta=beta, delta=delta)
    assert got >= minimum - 1e-9 * max(1.0, abs(minimum))


@given(pair=pairs_of_logits, beta=orders, delta=deltas)
@settings(max_examples=200, deadline=None)
def test_excess_is_the_divergence_of_the_renormalised_distributions(pair, beta, delta):
    log_p, log_q = map(of_logits, pair)
    p, q = ((each.exp() + delta).numpy() for each in (log_p, log_q))
    got = renyi_divergence(log_p, log_q, beta=beta, delta=delta).item()
    excess = got - renyi_minimum(len(p), beta=beta, delta=delta)
    expected = equation_2(p / p.sum(), q / q.sum(), beta, 0.0)
    assert excess == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("beta", [1 - 1e-6, 1 + 1e-6])
@pytest.mark.parametrize("delta", [0.0, 0.2])
def test_excess_tends_to_the_kullback_leibler_divergence_as_beta_tends_to_1(beta, delta):
    p, q = two_distributions(16)
    got = renyi_divergence(logarithm(p), logarithm(q), beta=beta, delta=delta).numpy()
    excess = got - renyi_minimum(16, beta=beta, delta=delta)
    p, q = ((each + delta) / (1 + 16 * delta) for each in (p, q))
    np.testing.assert_allclose(excess, (p * np.log(p / q)).sum(axis=1), rtol=1e-4, atol=1e-8)


def test_excess_grows_with_the_order():
    log_p, log_q = map(logarithm, two_distributions(16))
    values = [
        renyi_divergence(log_p, log_q, beta=beta, delta=0.2)
        - renyi_minimum(16, beta=beta, delta=0.2)
        for beta in BETAS
    ]
    assert (torch.stack(values).diff(dim=0) > 0).all()


@pytest.mark.parametrize("delta", [0.0, 0.2])
@pytest.mark.parametrize("beta", [0.5, 1.5, 2.0, 3.0])
def test_gradients_are_those_of_finite_differences(beta, delta):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64, requires_grad=True)

    def of_both(logits):
        log_p, log_q = log_softmax(logits, dim=-1)
        return renyi_divergence(log_p, log_q, beta=beta, delta=delta)

    assert torch.autograd.gradcheck(of_both, (logits,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [50.0, 1e4])
@pytest.mark.parametrize("delta", [1e-6, 0.2])
@pytest.mark.parametrize("beta", [1.5, 2.0, 3.0])
def test_one_hot_distributions_give_the_exact_value_and_a_finite_gradient(
    beta, delta, scale, dtype
):
    p, q = np.eye(4)[[0, 1]]
    logits = torch.tensor(scale * (2 * np.eye(4)[:2] - 1), dtype=dtype, requires_grad=True)
    log_p, log_q = log_softmax(logits, dim=-1)
    got = renyi_divergence(log_p, log_q, beta=beta, delta=delta)
    got.backward()
    assert got.item() == pytest.approx(equation_2(p, q, beta, delta), rel=1e-5)
    assert logits.grad.isfinite().all()


def test_without_delta_far_apart_distributions_stay_finite():
    # 2 log p_0 - log q_0 with log p_0 = 0 and log q_0 = -20,000: no probability underflows.
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    log_p, log_q = log_softmax(logits, dim=-1)
    got = renyi_divergence(log_p, log_q, beta=2.0, delta=0.0)
    got.backward()
    assert got.item() == 2e4
    assert logits.grad.isfinite().all()


def test_without_delta_mass_where_q_has_none_is_infinitely_far():
    p, q = logarithm([0.5, 0.5]), logarithm([1.0, 0.0])
    assert renyi_divergence(p, q, beta=2.0, delta=0.0).item() == math.inf
    assert renyi_divergence(p, q, beta=2.0, delta=0.2).isfinite()


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_features_that_neither_side_shows_add_nothing(beta):
    # 0/0 = 0, as in van Erven and Harremoës.
    p, q = [0.5, 0.5], [0.25, 0.75]
    narrow = renyi_divergence(logarithm(p), logarithm(q), beta=beta, delta=0.0)
    wide = renyi_divergence(logarithm([*p, 0.0]), logarithm([*q, 0.0]), beta=beta, delta=0.0)
    assert wide.item() == pytest.approx(narrow.item())


def kullback_leibler(p, q, delta):
    """Of the renormalized distributions, in extended precision."""
    p, q = (each.astype(np.longdouble) + delta for each in (p, q))
    p, q = (each / each.sum(axis=-1, keepdims=True) for each in (p, q))
    return (p * np.log(p / q)).sum(axis=-1).astype(np.float64)


@pytest.mark.parametrize("measure", [renyi_divergence, renyi_excess])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("beta", [1, 1.0])
def test_at_1_it_is_the_kullback_leibler_divergence(beta, delta, measure):
    p, q = two_distributions(16)
    got = measure(logarithm(p), logarithm(q), beta=beta, delta=delta)
    np.testing.assert_allclose(got.numpy(), kullback_leibler(p, q, delta), rtol=1e-9, atol=1e-15)
    assert renyi_minimum(16, beta=beta, delta=delta) == 0


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-12, 1e-15])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("delta", [0.0, 0.2])
def test_near_1_the_excess_loses_no_digits(step, side, delta):
    p, q = two_distributions(16)
    order = 1 + side * step
    exact = np.longdouble(order) - 1
    x, y = (each.astype(np.longdouble) + delta for each in (p, q))
    x, y = (each / each.sum(axis=-1, keepdims=True) for each in (x, y))
    powers = np.expm1(exact * np.log(x / y))
    expected = (np.log1p((x * powers).sum(axis=-1)) / exact).astype(np.float64)
    got = renyi_excess(logarithm(p), logarithm(q), beta=order, delta=delta).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    np.testing.assert_allclose(got, kullback_leibler(p, q, delta), rtol=3 * step + 1e-9)
    if delta == 0:  # else the minimum, some 10^15, drowns it
        whole = renyi_divergence(logarithm(p), logarithm(q), beta=order, delta=delta).numpy()
        np.testing.assert_allclose(whole, expected, rtol=1e-9)


@pytest.mark.parametrize("delta", [0.0, 0.2])
@pytest.mark.parametrize("beta", [0.9, 1.1])
def test_the_way_of_computing_changes_at_a_distance_from_1_without_a_jump(beta, delta):
    log_p, log_q = map(logarithm, two_distributions(16))
    below, above = (
        renyi_divergence(log_p, log_q, beta=order, delta=delta)
        for order in (math.nextafter(beta, 1), math.nextafter(beta, beta + (beta - 1)))
    )
    torch.testing.assert_close(below, above, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("beta", [0.5, 1.0, 1.05, 2.0, 10.0])
def test_excess_is_exactly_zero_for_equal_numbers(beta, delta):
    for dtype in (torch.float32, torch.float64):
        log_p = logarithm(two_distributions(256)[0]).to(dtype)
        assert (renyi_excess(log_p, log_p, beta=beta, delta=delta) == 0).all()


@given(pair=pairs_of_logits, beta=orders | st.floats(0.9, 1.1), delta=deltas)
@settings(max_examples=200, deadline=None)
def test_excess_is_what_exceeds_the_minimum(pair, beta, delta):
    log_p, log_q = map(of_logits, pair)
    excess = renyi_excess(log_p, log_q, beta=beta, delta=delta).item()
    whole = renyi_divergence(log_p, log_q, beta=beta, delta=delta).item()
    minimum = renyi_minimum(len(log_p), beta=beta, delta=delta)
    assert excess >= -1e-13
    assert excess == pytest.approx(whole - minimum, rel=1e-9, abs=1e-9 * max(1, abs(minimum)))


def test_excess_asks_for_no_distributions():
    p, q = two_distributions(16)
    got = renyi_excess(logarithm(5 * p), logarithm(0.1 * q), beta=2.0, delta=0.0)
    np.testing.assert_allclose(got.numpy(), equation_2(p, q, 2.0, 0.0), rtol=1e-10)


@pytest.mark.parametrize("delta", [0.0, 0.2])
@pytest.mark.parametrize("beta", [0.5, 0.95, 1.0, 1.0 + 1e-9, 1.05, 2.0])
def test_gradients_of_the_excess_are_those_of_finite_differences(beta, delta):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64, requires_grad=True)

    def of_both(logits):
        return renyi_excess(*log_softmax(logits, dim=-1), beta=beta, delta=delta)

    assert torch.autograd.gradcheck(of_both, (logits,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("beta", [1.0, 1.0 + 1e-6, 1.05, 2.0])
def test_excess_of_far_apart_distributions_is_exact_and_has_a_finite_gradient(beta, dtype):
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], dtype=dtype, requires_grad=True)
    got = renyi_excess(*log_softmax(logits, dim=-1), beta=beta, delta=0.0)
    got.backward()
    assert got.item() == pytest.approx(2e4, rel=1e-6)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.05, 2.0])
def test_zeros_count_in_the_excess_as_in_van_erven_and_harremoes(beta):
    both, one = logarithm([0.5, 0.5, 0.0]), logarithm([1.0, 0.0, 0.0])
    assert renyi_excess(one, both, beta=beta, delta=0.0).item() == pytest.approx(math.log(2))
    there = renyi_excess(both, one, beta=beta, delta=0.0).item()
    assert there == (pytest.approx(math.log(2)) if beta < 1 else math.inf)


@pytest.mark.parametrize("measure", [renyi_divergence, renyi_excess])
@pytest.mark.parametrize("beta", [0.0, -2.0, math.nan, math.inf])
def test_impossible_orders_are_refused(beta, measure):
    p, q = map(logarithm, two_distributions(4))
    with pytest.raises(ValueError, match=f"beta must be positive and finite, got {beta}"):
        measure(p, q, beta=beta, delta=0.2)


@pytest.mark.parametrize("measure", [renyi_divergence, renyi_excess])
@pytest.mark.parametrize("delta", [-0.2, -math.inf, math.nan, math.inf])
def test_impossible_deltas_are_refused(delta, measure):
    p, q = map(logarithm, two_distributions(4))
    with pytest.raises(ValueError, match=f"delta must .*got {delta}"):
        measure(p, q, beta=2.0, delta=delta)
