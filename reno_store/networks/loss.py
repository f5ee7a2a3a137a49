"""What training minimises: Eq. 3, and its parts for people to look at."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax

from reno_store.networks.divergence import renyi_divergence, renyi_minimum
from reno_store.networks.outputs import Prediction

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
        two renormalised distributions. 0 where no divergence is asked for.
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
    """

    def __init__(self, beta: float = 2.0, delta: float = 0.2, lam: float = 1.0) -> None:
        super().__init__()
        self.beta, self.delta, self.lam = beta, delta, lam

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
        ce = cross_entropy(prediction.logits, target)
        if self.lam == 1 or prediction.aligned is None:
            return LossParts(ce, ce, torch.zeros_like(ce))
        log_z = log_softmax(prediction.aligned, dim=-1)
        n_blocks, n_features = log_z.shape[1:]
        pairs = list(combinations(range(n_blocks), 2))
        divergence = torch.stack(
            [
                renyi_divergence(log_z[:, a], log_z[:, b], beta=self.beta, delta=self.delta)
                for a, b in pairs
            ]
        ).mean()
        minimum = renyi_minimum(n_features, beta=self.beta, delta=self.delta)
        total = self.lam * ce + (1 - self.lam) * divergence
        return LossParts(total, ce, divergence - minimum)
