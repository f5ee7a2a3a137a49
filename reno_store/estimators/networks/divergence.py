"""The Rényi divergence of the paper, Eq. 2, computed in log space.

`renyi_divergence` is Eq. 2 as printed. Training uses its two parts: `minimum`, a constant, and
`excess`, what lies above it (on a CPU by `fast_cpu.softmax_excess`).
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch

__all__ = [
    "Order",
    "check_order",
    "excess",
    "minimum",
    "renyi_divergence",
    "renyi_excess",
    "renyi_minimum",
]

Order: TypeAlias = float | torch.Tensor
"""β or δ: a number, or a tensor without dimensions."""

_NEAR_1 = 0.1


def renyi_divergence(
    log_p: torch.Tensor, log_q: torch.Tensor, *, beta: float, delta: float
) -> torch.Tensor:
    """Eq. 2: log( Σ_j (p_j + δ)^β (q_j + δ)^(1 − β) ) / (β − 1).

    Parameters
    ----------
    log_p, log_q : torch.Tensor, shape (..., n_features)
        Logarithms of two distributions over the features (``log_softmax``).
    beta : float
        Order β > 0; the paper requires β > 1.
    delta : float
        δ ≥ 0, added to every probability.

    Returns
    -------
    torch.Tensor, shape (...)
        The divergence of p from q. As written it is not zero for p = q: its minimum over
        all p and q is `renyi_minimum`.

    Raises
    ------
    ValueError
        If `beta` is not positive, `delta` is negative, or either is not finite.

    Notes
    -----
    At β = 1 this is the limit, the Kullback-Leibler divergence Σ_j p_j log(p_j / q_j). With
    δ > 0 it is that of the renormalized distributions, without Eq. 2's minimum, which is
    infinite at β = 1.

    Source: Eq. 2 of the paper; the divergence itself is that of van Erven and Harremoës,
    "Rényi Divergence and Kullback-Leibler Divergence", IEEE Trans. Inf. Theory 60(7), 2014.

    Examples
    --------
    >>> log_p = torch.tensor([0.5, 0.5]).log()
    >>> log_q = torch.tensor([0.25, 0.75]).log()
    >>> round(renyi_divergence(log_p, log_q, beta=2.0, delta=0.0).item(), 4)  # log(4/3)
    0.2877
    >>> round(renyi_divergence(log_p, log_q, beta=1.0, delta=0.0).item(), 4)  # log(4/3) / 2
    0.1438
    """
    check_order(beta, delta)
    if abs(beta - 1) < _NEAR_1:
        # Dividing by β − 1 would magnify the rounding of the logarithm by as much.
        return excess(log_p, log_q, beta, delta) + renyi_minimum(
            log_p.shape[-1], beta=beta, delta=delta
        )
    log_p, log_q = _shifted(log_p, delta), _shifted(log_q, delta)
    return _log_sum(log_p, log_q, beta) / (beta - 1)


def renyi_excess(
    log_p: torch.Tensor, log_q: torch.Tensor, *, beta: float, delta: float
) -> torch.Tensor:
    """Return the Rényi divergence of P from Q, with P_j = (p_j + δ) / Σ_k (p_k + δ) and Q alike.

    For distributions p and q this is the amount by which Eq. 2 exceeds its minimum. It is
    zero for p = q and never negative, except for rounding. p and q need not sum to one.

    Parameters
    ----------
    log_p, log_q : torch.Tensor, shape (..., n_features)
        Logarithms of numbers that are not negative.
    beta : float
        Order β > 0; 1 gives the Kullback-Leibler divergence Σ_j P_j log(P_j / Q_j).
    delta : float
        δ ≥ 0.

    Returns
    -------
    torch.Tensor, shape (...)

    Raises
    ------
    ValueError
        If `beta` is not positive, `delta` is negative, or either is not finite.

    Examples
    --------
    >>> log_p = torch.tensor([0.5, 0.5]).log()
    >>> renyi_excess(log_p, log_p + 1, beta=2.0, delta=0.0).item()
    0.0
    """
    check_order(beta, delta)
    return excess(log_p, log_q, beta, delta)


def excess(log_p: torch.Tensor, log_q: torch.Tensor, beta: Order, delta: Order) -> torch.Tensor:
    """Compute `renyi_excess` of arguments that need no check.

    β ≠ 1 and δ may be tensors without dimensions, as they are in a stack.
    """
    log_p, log_q = (
        shifted - shifted.logsumexp(dim=-1, keepdim=True)
        for shifted in (_shifted(log_p, delta), _shifted(log_q, delta))
    )
    # 0/0 is 0, as in `_log_sum`.
    log_ratio = (log_p - log_q).masked_fill(log_p.isneginf(), 0)
    if isinstance(beta, float | int) and beta == 1:
        return (log_p.exp() * log_ratio).sum(dim=-1)
    # log Σ P^β Q^(1 − β) = log(1 + Σ P (exp((β − 1) log(P/Q)) − 1)): exact to the last digits
    # where P and Q are close or β is near 1, but it overflows where they are not.
    power = (beta - 1) * log_ratio
    is_close = power.detach().abs().amax(dim=-1, keepdim=True) <= 1
    change = (log_p.exp() * torch.where(is_close, power, 0.0).expm1()).sum(dim=-1)
    far = _log_sum(log_p, log_q, beta)
    return torch.where(is_close.squeeze(-1), change.log1p(), far) / (beta - 1)


def renyi_minimum(n_features: int, *, beta: float, delta: float) -> float:
    """Return the least value of Eq. 2: log(1 + δ·M) / (β − 1), reached where p = q.

    Both sides sum to 1 + δ·M, M being `n_features`, so Eq. 2 is the Rényi divergence of
    the two renormalized distributions plus this constant. What exceeds it is a true
    divergence, `renyi_excess`, and it is what training reports. At β = 1, where the
    constant has no value, it is left out here and in `renyi_divergence`: 0.

    Examples
    --------
    >>> round(renyi_minimum(256, beta=2.0, delta=0.2), 3)
    3.955
    """
    return 0.0 if beta == 1 else math.log1p(delta * n_features) / (beta - 1)


def minimum(n_features: int, beta: Order, delta: Order) -> float | torch.Tensor:
    """Compute `renyi_minimum`; β ≠ 1 and δ may be tensors, as they are in a stack."""
    if isinstance(beta, torch.Tensor) or isinstance(delta, torch.Tensor):
        return torch.log1p(torch.as_tensor(delta) * n_features) / (beta - 1)
    return renyi_minimum(n_features, beta=beta, delta=delta)


def check_order(beta: float, delta: float) -> None:
    """Raise an error unless β is positive, δ not negative, and both are finite."""
    if not (beta > 0 and math.isfinite(beta)):
        raise ValueError(f"beta must be positive and finite, got {beta}")
    if not (delta >= 0 and math.isfinite(delta)):
        raise ValueError(f"delta must be finite and not negative, got {delta}")


def _shifted(log_p: torch.Tensor, delta: Order) -> torch.Tensor:
    """Return log(p + δ)."""
    if isinstance(delta, torch.Tensor):
        return torch.logaddexp(log_p, delta.to(log_p).log())
    if delta == 0:
        return log_p
    shift = torch.full((), math.log(delta), dtype=log_p.dtype, device=log_p.device)
    return torch.logaddexp(log_p, shift)


def _log_sum(log_p: torch.Tensor, log_q: torch.Tensor, beta: Order) -> torch.Tensor:
    """Return log Σ_j p_j^β q_j^(1 − β)."""
    # 0^β q^(1 − β) is 0 for every q, 0 included, as van Erven and Harremoës define it.
    terms = beta * log_p + (1 - beta) * log_q
    return torch.logsumexp(terms.masked_fill(log_p.isneginf(), -math.inf), dim=-1)
