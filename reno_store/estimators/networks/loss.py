"""What training minimises: Eq. 3, and its parts for people to look at."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy, softplus

from reno_store.estimators.networks.divergence import renyi_excess, renyi_minimum
from reno_store.estimators.networks.outputs import Prediction
from reno_store.estimators.networks.softmax_excess import softmax_excess

__all__ = ["FusionLoss", "LossParts"]


class LossParts(NamedTuple):
    """A batch's loss, taken apart.

    Attributes
    ----------
    total : torch.Tensor, shape ()
        What is minimised.
    cross_entropy : torch.Tensor, shape ()
        Mean cross-entropy in nats.
    divergence_excess : torch.Tensor, shape ()
        Mean of what Eq. 2 exceeds its minimum by, in nats: the Rényi divergence of the
        two renormalised distributions, computed in float64. 0 where no divergence is asked
        for.
    """

    total: torch.Tensor
    cross_entropy: torch.Tensor
    divergence_excess: torch.Tensor


class FusionLoss(nn.Module):
    """Eq. 3: λ · cross-entropy + (1 − λ) · Rényi divergence of the aligned blocks.

    Parameters
    ----------
    beta : float
        Order β > 1 of the divergence.
    delta : float
        δ ≥ 0.
    lam : float
        λ in [0, 1]; with 1 the divergence plays no part.
    distribution : "softmax" or None
        What z in Eq. 2 is. ``"softmax"``: the softmax of a block's aligned features. None:
        the features themselves, made positive by softplus, z = log(1 + exp(a)); then δ is
        added and each side divided by its sum. Without that division Eq. 2 has no minimum:
        it falls without end as the second block's features grow.
    class_weight : torch.Tensor, shape (n_classes,), or None
        How much each class's rows weigh in the cross-entropy: the mean of weight times
        cross-entropy. With weights that average one over all rows, that is an unbiased
        estimate, from any batch, of the weighted mean over all rows.
    """

    def __init__(
        self,
        beta: float = 2.0,
        delta: float = 0.2,
        lam: float = 1.0,
        *,
        distribution: Literal["softmax"] | None = "softmax",
        class_weight: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.beta, self.delta, self.lam = float(beta), float(delta), float(lam)
        self.distribution = distribution
        self.class_weight: torch.Tensor | None
        self.register_buffer("class_weight", class_weight)

    def forward(self, prediction: Prediction, target: torch.Tensor) -> torch.Tensor:
        """Give the total; see `parts`."""
        return self.parts(prediction, target).total

    def parts(self, prediction: Prediction, target: torch.Tensor) -> LossParts:
        """Compute the loss of a batch.

        Parameters
        ----------
        prediction : Prediction
            Logits (batch, n_classes) and, for a divergence, aligned blocks.
        target : torch.Tensor of int64, shape (batch,)
            Class indices.
        """
        ce = self._cross_entropy(prediction.logits, target)
        if self.lam == 1 or prediction.aligned is None:
            return LossParts(ce, ce, torch.zeros_like(ce))
        excess = self._excess(prediction.aligned)
        divergence = excess.to(ce)
        if self.distribution == "softmax":
            divergence = divergence + renyi_minimum(
                prediction.aligned.shape[-1], beta=self.beta, delta=self.delta
            )
        total = self.lam * ce + (1 - self.lam) * divergence
        return LossParts(total, ce, excess.detach())

    def _cross_entropy(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.class_weight is None:
            return cross_entropy(logits, target)
        # Divided by the number of rows and not, as torch does, by the sum of their weights:
        # that would weigh a row by who else is in its batch.
        weight = self.class_weight.to(logits)
        return cross_entropy(logits, target, weight=weight, reduction="sum") / len(target)

    def _excess(self, aligned: torch.Tensor) -> torch.Tensor:
        """Average what a divergence exceeds its minimum by, over clips and all pairs of blocks.

        In float64: it is a small difference of large numbers, of which float32 leaves little.
        """
        measure: Callable[..., torch.Tensor] = renyi_excess
        if self.distribution == "softmax":
            blocks, measure = aligned.unbind(1), softmax_excess
        else:
            blocks = _log_softplus(aligned.double()).unbind(1)
        pairs = [
            measure(a, b, beta=self.beta, delta=self.delta) for a, b in combinations(blocks, 2)
        ]
        return torch.stack(pairs).mean()


def _log_softplus(features: torch.Tensor) -> torch.Tensor:
    """Give log(log(1 + exp(a))), which far below zero is a itself."""
    is_far = features < -40
    return torch.where(is_far, features, softplus(features.masked_fill(is_far, 0)).log())
