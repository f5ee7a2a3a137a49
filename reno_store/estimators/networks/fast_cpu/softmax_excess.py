"""The divergence of two softmaxes and its gradient in one pass."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from reno_store.estimators.networks.divergence import Order, check_order

__all__ = ["softmax_excess"]


def softmax_excess(a: torch.Tensor, b: torch.Tensor, beta: Order, delta: Order) -> torch.Tensor:
    """Return `renyi_excess` of the softmaxes of features, with its gradient in closed form.

    Autograd would record some thirty steps on a few thousand numbers each; recording them
    takes longer than computing them.

    Parameters
    ----------
    a, b : torch.Tensor, shape (..., n_features)
        Features of two blocks, of any precision.
    beta : float
        Order β > 0.
    delta : float
        δ ≥ 0, added to every probability.

    Returns
    -------
    torch.Tensor of float64, shape (...)
        What Eq. 2 of the softmaxes exceeds its minimum by, with first derivatives only.

    Raises
    ------
    ValueError
        If `beta` is not positive, `delta` is negative, or either is not finite.

    Notes
    -----
    With p = softmax(a), q = softmax(b) and the shares t_j of the terms (p_j + δ)^β
    (q_j + δ)^(1 − β) in their sum, Eq. 2 has the derivatives β / (β − 1) · t_j / (p_j + δ)
    by p_j and −t_j / (q_j + δ) by q_j. A softmax turns a derivative u_j by p_j into
    p_j (u_j − Σ_k p_k u_k).
    """
    beta, delta = float(beta), float(delta)
    check_order(beta, delta)
    excess: torch.Tensor = _SoftmaxExcess.apply(a, b, beta, delta)  # type: ignore[no-untyped-call]
    return excess


class _SoftmaxExcess(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, a: torch.Tensor, b: torch.Tensor, beta: float, delta: float
    ) -> torch.Tensor:
        log_z = torch.stack([a, b]).double().log_softmax(dim=-1)
        z = log_z.exp()
        shifted = z + delta
        log_shifted = shifted.log() if delta else log_z
        # Both sides sum to 1 + δ·M, so the ratio of the renormalized is that of the sides.
        total = 1 + delta * z.shape[-1]
        P = shifted[0] / total
        power = (beta - 1) * (log_shifted[0] - log_shifted[1])
        if beta == 1:
            log_ratio = log_shifted[0] - log_shifted[1]
            excess = (P * log_ratio).sum(dim=-1, keepdim=True)
            share, slope = P, P * (log_ratio - excess)
        else:
            # As in `renyi_excess`: exact to the last digits where P and Q are close.
            is_close = power.abs().amax(dim=-1, keepdim=True) <= 1
            are_close = bool(is_close.all())
            rise = P * (power if are_close else power.where(is_close, 0.0)).expm1()
            change = rise.sum(dim=-1, keepdim=True)
            log_sum = change.log1p()
            # The share of each term in the sum, and by how much it exceeds P.
            share, surplus = (P + rise) / (1 + change), (rise - P * change) / (1 + change)
            if not are_close:
                terms = beta * log_shifted[0] + (1 - beta) * log_shifted[1] - math.log(total)
                log_sum = log_sum.where(is_close, terms.logsumexp(dim=-1, keepdim=True))
                share = share.where(is_close, terms.softmax(dim=-1))
                surplus = surplus.where(is_close, share - P)
            excess, slope = log_sum / (beta - 1), surplus / (beta - 1)
        if any(ctx.needs_input_grad[:2]):
            # P in place of the share would have no slope; subtracting it keeps the digits.
            slopes = torch.stack([beta * slope, -share])
            if delta:
                slopes *= z / shifted
            slopes -= z * slopes.sum(dim=-1, keepdim=True)
            ctx.save_for_backward(slopes)
            ctx.dtypes = a.dtype, b.dtype
        return excess.squeeze(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (slopes,) = ctx.saved_tensors
        of_a, of_b = slopes * gradient.unsqueeze(-1)
        return of_a.to(ctx.dtypes[0]), of_b.to(ctx.dtypes[1]), None, None
