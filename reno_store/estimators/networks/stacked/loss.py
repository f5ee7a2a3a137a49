"""Eq. 3 for many networks at once, each with β, δ, λ and class weights of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import cross_entropy

from reno_store.estimators.networks.loss import FusionLoss, LossParts
from reno_store.estimators.networks.outputs import Prediction

__all__ = ["StackedLoss"]


@dataclass(frozen=True, slots=True)
class StackedLoss:
    """What each member minimises.

    Attributes
    ----------
    beta, delta, lam : torch.Tensor of float64, shape (members,)
        As of `FusionLoss`.
    class_weight : torch.Tensor of float32, shape (members, n_classes)
        Ones where all classes weigh alike.
    has_divergence : bool
        Whether any member has a divergence to minimise.
    """

    beta: torch.Tensor
    delta: torch.Tensor
    lam: torch.Tensor
    class_weight: torch.Tensor
    has_divergence: bool

    @classmethod
    def of(cls, losses: list[FusionLoss], n_classes: int, device: str) -> StackedLoss:
        """Stack the losses of single networks, of which none has ``distribution=None``.

        Raises
        ------
        ValueError
            If a loss compares features that are no softmax.
        """
        if any(loss.lam != 1 and loss.distribution != "softmax" for loss in losses):
            raise ValueError("only divergences of softmaxes can be stacked")
        ones = torch.ones(n_classes)
        weights = [ones if each.class_weight is None else each.class_weight for each in losses]
        beta, delta, lam = (
            torch.tensor([getattr(loss, name) for loss in losses], dtype=torch.float64).to(device)
            for name in ("beta", "delta", "lam")
        )
        has_divergence = any(loss.lam != 1 for loss in losses)
        return cls(beta, delta, lam, torch.stack(weights).to(device), has_divergence)

    def take(self, members: torch.Tensor) -> StackedLoss:
        """Give the losses of some members."""
        return StackedLoss(
            self.beta[members],
            self.delta[members],
            self.lam[members],
            self.class_weight[members],
            self.has_divergence,
        )

    def parts(self, prediction: Prediction, target: torch.Tensor, share: torch.Tensor) -> LossParts:
        """Compute the losses of a batch a member.

        Parameters
        ----------
        prediction : Prediction
            Logits (members, rows, n_classes) and aligned blocks.
        target : torch.Tensor of int64, shape (members, rows)
            Class indices.
        share : torch.Tensor, shape (members, rows)
            What each row weighs in its batch's mean: one over the rows of the batch, and 0
            for rows that only fill it up.

        Returns
        -------
        LossParts
            Of shape (members,) each; the excess in float64.
        """
        n_members, n_rows = target.shape
        each = cross_entropy(prediction.logits.flatten(0, 1), target.flatten(), reduction="none")
        weight = (self.class_weight.gather(1, target) * share).to(each)
        ce = (each.view(n_members, n_rows) * weight).sum(dim=1)
        if not self.has_divergence or prediction.aligned is None:
            return LossParts(ce, ce, torch.zeros_like(ce, dtype=torch.float64))
        blocks = prediction.aligned.unbind(2)
        beta, delta = (each.view(-1, 1, 1) for each in (self.beta, self.delta))
        pairs = [_SoftmaxExcess.apply(a, b, beta, delta) for a, b in combinations(blocks, 2)]  # type: ignore[no-untyped-call]
        excess = (torch.stack(pairs).mean(dim=0) * share.double()).sum(dim=1)
        minimum = torch.log1p(self.delta * blocks[0].shape[-1]) / (self.beta - 1)
        lam = self.lam.to(ce.dtype)
        total = lam * ce + (1 - self.lam).to(ce.dtype) * (excess.to(ce) + minimum.to(ce))
        is_compared = self.lam != 1
        return LossParts(
            torch.where(is_compared, total, ce), ce, excess.detach().where(is_compared, 0.0)
        )


class _SoftmaxExcess(torch.autograd.Function):
    """`softmax_excess` with β > 1 and δ ≥ 0 of shape (members, 1, 1).

    Both ways of computing it are taken everywhere, and one chosen row by row: to ask first
    would have a GPU wait.
    """

    @staticmethod
    def forward(
        ctx: Any, a: torch.Tensor, b: torch.Tensor, beta: torch.Tensor, delta: torch.Tensor
    ) -> torch.Tensor:
        log_z = torch.stack([a, b]).double().log_softmax(dim=-1)
        z = log_z.exp()
        shifted = z + delta
        log_shifted = shifted.log().where(delta > 0, log_z)
        total = 1 + delta * z.shape[-1]
        P = shifted[0] / total
        power = (beta - 1) * (log_shifted[0] - log_shifted[1])
        is_close = power.abs().amax(dim=-1, keepdim=True) <= 1
        rise = P * power.where(is_close, 0.0).expm1()
        change = rise.sum(dim=-1, keepdim=True)
        terms = beta * log_shifted[0] + (1 - beta) * log_shifted[1] - total.log()
        log_sum = change.log1p().where(is_close, terms.logsumexp(dim=-1, keepdim=True))
        share = ((P + rise) / (1 + change)).where(is_close, terms.softmax(dim=-1))
        surplus = ((rise - P * change) / (1 + change)).where(is_close, share - P)
        excess, slope = log_sum / (beta - 1), surplus / (beta - 1)
        if any(ctx.needs_input_grad[:2]):
            slopes = torch.stack([beta * slope, -share])
            slopes = (slopes * (z / shifted)).where(delta > 0, slopes)
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
