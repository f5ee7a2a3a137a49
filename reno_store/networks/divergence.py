"""The Rényi divergence of the paper, Eq. 2, computed in log space."""

from __future__ import annotations

import math

import torch

__all__ = ["renyi_divergence", "renyi_minimum"]


def renyi_divergence(
    log_p: torch.Tensor, log_q: torch.Tensor, *, beta: float, delta: float
) -> torch.Tensor:
    """Eq. 2: log( Σ_j (p_j + δ)^β (q_j + δ)^(1 − β) ) / (β − 1).

    Parameters
    ----------
    log_p, log_q : torch.Tensor, shape (..., n_features)
        Logarithms of two distributions over the features (``log_softmax``).
    beta : float
        Order β > 0 other than 1; the paper asks for β > 1.
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
        If `beta` is 1 or not positive, `delta` is negative, or either is not finite.

    Notes
    -----
    Source: Eq. 2 of the paper; the divergence itself is that of van Erven and Harremoës,
    "Rényi Divergence and Kullback-Leibler Divergence", IEEE Trans. Inf. Theory 60(7), 2014.

    Examples
    --------
    >>> log_p = torch.tensor([0.5, 0.5]).log()
    >>> log_q = torch.tensor([0.25, 0.75]).log()
    >>> round(renyi_divergence(log_p, log_q, beta=2.0, delta=0.0).item(), 4)  # log(4/3)
    0.2877
    """
    if not (beta > 0 and math.isfinite(beta)) or beta == 1:
        raise ValueError(f"beta must be positive, finite and other than 1, got {beta}")
    if not (delta >= 0 and math.isfinite(delta)):
        raise ValueError(f"delta must be finite and not negative, got {delta}")
    if delta > 0:
        shift = torch.full((), math.log(delta), dtype=log_p.dtype, device=log_p.device)
        log_p, log_q = torch.logaddexp(log_p, shift), torch.logaddexp(log_q, shift)
    terms = beta * log_p + (1 - beta) * log_q
    if delta == 0:
        # 0^β q^(1 − β) is 0 for every q, 0 included, as van Erven and Harremoës define it.
        terms = terms.masked_fill(log_p.isneginf(), -math.inf)
    return torch.logsumexp(terms, dim=-1) / (beta - 1)


def renyi_minimum(n_features: int, *, beta: float, delta: float) -> float:
    """Give the least value of Eq. 2: log(1 + δ·M) / (β − 1), reached where p = q.

    Both sides sum to 1 + δ·M, M being `n_features`, so Eq. 2 is the Rényi divergence of
    the two renormalised distributions plus this constant. What exceeds it is a true
    divergence, and it is what training reports.

    Examples
    --------
    >>> round(renyi_minimum(256, beta=2.0, delta=0.2), 3)
    3.955
    """
    return math.log1p(delta * n_features) / (beta - 1)
