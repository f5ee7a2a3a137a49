"""Networks of one shape with stacked weights, and one Adam for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim.adam import adam

from reno_store.estimators.networks import FusionLoss
from reno_store.estimators.networks.stacked import StackedLoss, forward
from reno_store.estimators.stacking.transfers import send

__all__ = ["Stack"]

_BYTES_TO_COPY = 2**28


class Stack:
    """Weights of all members, their optimiser and losses.

    Parameters
    ----------
    network : torch.nn.Module
        Any member's, for its shape.
    initial : Sequence[Mapping[str, torch.Tensor]]
        Weights that each member begins with, by name, on the device.
    losses : Sequence[FusionLoss]
        What each minimises.
    n_classes : int
        Classes of each.
    X : torch.Tensor, shape (n_clips, n_features)
        The data of all, on the device.
    lr : float
        Learning rate.
    keeps_best : bool
        Whether any member goes back to its best weights.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        initial: Sequence[Mapping[str, torch.Tensor]],
        losses: Sequence[FusionLoss],
        n_classes: int,
        X: torch.Tensor,
        *,
        lr: float,
        keeps_best: bool,
    ) -> None:
        self._network, self._X, self._lr = network, X, lr
        self._names = list(initial[0])
        self._loss = StackedLoss.of(list(losses), n_classes, str(X.device))
        self._weights = [
            torch.stack([each[name] for each in initial]).requires_grad_() for name in self._names
        ]
        self._means = [torch.zeros_like(each, requires_grad=False) for each in self._weights]
        self._squares = [torch.zeros_like(each, requires_grad=False) for each in self._weights]
        self._best = [each.detach().clone() for each in self._weights] if keeps_best else None
        self._steps = [torch.zeros((), device=X.device) for _ in self._names]

    def step(
        self,
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        share: NDArray[np.float64],
        masks: list[torch.Tensor],
    ) -> torch.Tensor:
        """Take a step of each member on a batch of its own.

        Parameters
        ----------
        rows, targets : numpy.ndarray of int64, shape (members, batch)
            Rows of X, and their classes.
        share : numpy.ndarray of float64, shape (members, batch)
            What each weighs in its batch's mean; 0 for those that only fill it up.
        masks : list of torch.Tensor, shape (members, batch, width)
            Dropout.

        Returns
        -------
        torch.Tensor of float64, shape (3, members)
            Loss, cross-entropy and excess of the divergence, before the step.
        """
        device = self._X.device
        weights = dict(zip(self._names, self._weights, strict=True))
        prediction = forward(self._network, weights, self._rows(rows), masks)
        parts = self._loss.parts(prediction, send(targets, device), send(share, device))
        # Members have no weights in common, so each gets the gradient of its own loss.
        gradients = torch.autograd.grad(parts.total.sum(), self._weights)
        with torch.no_grad():
            adam(
                self._weights,
                # torch's fused Adam reads memory in order, whatever the strides say.
                [each.contiguous() for each in gradients],
                self._means,
                self._squares,
                [],
                self._steps,
                foreach=False,
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self._lr,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )
        return torch.stack([part.detach().double() for part in parts])

    @torch.no_grad()
    def validate(
        self,
        members: Sequence[int],
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        share: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Measure some members on rows held out: loss, cross-entropy, excess, accuracy.

        Parameters
        ----------
        members : Sequence[int]
            Which.
        rows, targets, share
            As for `step`, shape (len(members), batch).

        Returns
        -------
        numpy.ndarray of float64, shape (4, len(members))
        """
        device, found = self._X.device, []
        for some in self._some(members):
            at = torch.tensor([members[i] for i in some], device=device)
            is_whole = len(some) == len(self._weights[0])
            weights = [each if is_whole else each[at] for each in self._weights]
            named = dict(zip(self._names, weights, strict=True))
            prediction = forward(self._network, named, self._rows(rows[some]))
            target, of_row = send(targets[some], device), send(share[some], device)
            parts = self._loss.take(at).parts(prediction, target, of_row)
            is_right = prediction.logits.argmax(dim=2) == target
            accuracy = (is_right * of_row).sum(dim=1)
            found.append(torch.stack([each.double() for each in (*parts, accuracy)]).cpu())
        measured: NDArray[np.float64] = torch.cat(found, dim=1).numpy()
        return measured

    @torch.no_grad()
    def keep_best(self, members: Sequence[int]) -> None:
        """Note that some members' weights are their best so far."""
        if self._best is None or not members:
            return
        has_improved = torch.zeros(len(self._best[0]), dtype=torch.bool)
        has_improved[list(members)] = True
        has_improved = has_improved.to(self._X.device)
        for best, each in zip(self._best, self._weights, strict=True):
            mask = has_improved.view(-1, *[1] * (each.ndim - 1))
            torch.where(mask, each, best, out=best)

    @torch.no_grad()
    def weights_of(self, member: int, *, best: bool) -> dict[str, torch.Tensor]:
        """Give a member's weights, copied out of the stack."""
        tensors = self._best if best and self._best is not None else self._weights
        return {
            name: each[member].detach().clone()
            for name, each in zip(self._names, tensors, strict=True)
        }

    @torch.no_grad()
    def has_nan(self, member: int) -> bool:
        """Whether any weight of a member is not a number, which no step mends."""
        return any(bool(each[member].isnan().any()) for each in self._weights)

    @torch.no_grad()
    def keep_only(self, members: Sequence[int]) -> None:
        """Let the other members go, and their memory with them."""
        at = torch.tensor(members, dtype=torch.int64, device=self._X.device)
        for tensors in (self._weights, self._means, self._squares, self._best or []):
            for i, each in enumerate(tensors):
                tensors[i] = each.detach()[at]
        self._weights = [each.requires_grad_() for each in self._weights]
        self._loss = self._loss.take(at)

    def _rows(self, rows: NDArray[np.int64]) -> torch.Tensor:
        return self._X[send(rows, self._X.device)]

    def _some(self, members: Sequence[int]) -> Iterator[list[int]]:
        """Places in a list of members, in pieces whose weights may be copied."""
        if len(members) == len(self._weights[0]):
            yield list(range(len(members)))
            return
        n_bytes = sum(each[0].numel() * each.element_size() for each in self._weights)
        size = max(_BYTES_TO_COPY // n_bytes, 1)
        for start in range(0, len(members), size):
            yield list(range(start, min(start + size, len(members))))
