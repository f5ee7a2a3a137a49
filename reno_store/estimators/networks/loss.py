"""The training loss, Eq. 3, and its parts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy, softplus

from reno_store.estimators.networks import fast_cpu
from reno_store.estimators.networks.divergence import Order, excess, minimum
from reno_store.estimators.networks.outputs import Prediction

__all__ = ["FusionLoss", "LossParts"]


class LossParts(NamedTuple):
    """Loss of a batch, in parts.

    Attributes
    ----------
    total : torch.Tensor, shape ()
        The loss to minimize.
    cross_entropy : torch.Tensor, shape ()
        Mean cross-entropy in nats.
    divergence_excess : torch.Tensor, shape ()
        Mean of what Eq. 2 exceeds its minimum by, in nats: the Rényi divergence of the
        two renormalized distributions, computed in float64. 0 where the loss has no
        divergence.
    """

    total: torch.Tensor
    cross_entropy: torch.Tensor
    divergence_excess: torch.Tensor


class FusionLoss(nn.Module):
    """Eq. 3: λ · cross-entropy + (1 − λ) · Rényi divergence of the aligned blocks.

    Parameters
    ----------
    beta : float or torch.Tensor, shape ()
        Order β > 1 of the divergence.
    delta : float or torch.Tensor, shape ()
        δ ≥ 0.
    lam : float or torch.Tensor, shape ()
        λ in [0, 1]; 1 leaves the divergence out. Inside `torch.vmap`, where each member of a
        stack has its own values, these three are tensors.
    distribution : "softmax" or None
        What z in Eq. 2 is. ``"softmax"``: the softmax of a block's aligned features. None:
        the features themselves, made positive by softplus, z = log(1 + exp(a)); then δ is
        added and each side divided by its sum. Without that division Eq. 2 has no minimum:
        it falls without end as the second block's features grow.
    class_weight : torch.Tensor, shape (n_classes,), or None
        Weight of each class in the cross-entropy: the mean of weight times cross-entropy.
        Where weights average one over all rows, a batch gives an unbiased estimate of the
        weighted mean over all rows.
    """

    def __init__(
        self,
        beta: Order = 2.0,
        delta: Order = 0.2,
        lam: Order = 1.0,
        *,
        distribution: Literal["softmax"] | None = "softmax",
        class_weight: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.beta, self.delta, self.lam = map(_number, (beta, delta, lam))
        self.distribution = distribution
        self.has_divergence = isinstance(lam, torch.Tensor) or lam != 1
        self.class_weight: torch.Tensor | None
        self.register_buffer("class_weight", class_weight)

    def forward(self, prediction: Prediction, target: torch.Tensor) -> torch.Tensor:
        """Return the total; see `parts`."""
        return self.parts(prediction, target).total

    def parts(
        self, prediction: Prediction, target: torch.Tensor, share: torch.Tensor | None = None
    ) -> LossParts:
        """Compute the loss of a batch.

        Parameters
        ----------
        prediction : Prediction
            Logits (batch, n_classes) and, for a divergence, aligned blocks.
        target : torch.Tensor of int64, shape (batch,)
            Class indices.
        share : torch.Tensor, shape (batch,), optional
            Weight of each row in the means; one over the rows unless given.
        """
        ce = self._cross_entropy(prediction.logits, target, share)
        if not self.has_divergence or prediction.aligned is None:
            return LossParts(ce, ce, torch.zeros_like(ce))
        divergence_excess = self._excess(prediction.aligned, share)
        divergence = divergence_excess.to(ce)
        if self.distribution == "softmax":
            least = minimum(prediction.aligned.shape[-1], self.beta, self.delta)
            divergence = divergence + least
        lam = self.lam
        total = (lam * ce + (1 - lam) * divergence).to(ce)
        return LossParts(total, ce, divergence_excess.detach() * (lam != 1))

    def _cross_entropy(
        self, logits: torch.Tensor, target: torch.Tensor, share: torch.Tensor | None
    ) -> torch.Tensor:
        if self.class_weight is None and share is None:
            return cross_entropy(logits, target)
        # Divided by the number of rows and not, as in torch, by the sum of their weights:
        # that would make a row's weight depend on the other rows of its batch.
        weight = None if self.class_weight is None else self.class_weight.to(logits)
        if share is None:
            return cross_entropy(logits, target, weight=weight, reduction="sum") / len(target)
        return (cross_entropy(logits, target, weight=weight, reduction="none") * share).sum()

    def _excess(self, aligned: torch.Tensor, share: torch.Tensor | None) -> torch.Tensor:
        """Return the mean excess of the divergence, over clips and all pairs of blocks.

        In float64: it is a small difference of large numbers, and float32 has too few digits.
        """
        measure: Callable[[torch.Tensor, torch.Tensor, Order, Order], torch.Tensor] = excess
        if self.distribution != "softmax":
            blocks = _log_softplus(aligned.double()).unbind(1)
        elif fast_cpu.is_used(aligned):
            blocks, measure = aligned.unbind(1), fast_cpu.softmax_excess
        else:
            blocks = aligned.double().log_softmax(dim=-1).unbind(1)
        pairs = torch.stack(
            [measure(a, b, self.beta, self.delta) for a, b in combinations(blocks, 2)]
        )
        return pairs.mean() if share is None else (pairs.mean(dim=0) * share.double()).sum()


def _number(value: Order) -> Order:
    """Return a tensor as it is, and any other number, such as a fraction, as a float."""
    return value if isinstance(value, torch.Tensor) else float(value)


def _log_softplus(features: torch.Tensor) -> torch.Tensor:
    """Return log(log(1 + exp(a))), which far below zero is a itself."""
    is_far = features < -40
    return torch.where(is_far, features, softplus(features.masked_fill(is_far, 0)).log())
