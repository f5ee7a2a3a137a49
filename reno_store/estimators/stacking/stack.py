"""Networks of one shape as one: `torch.vmap` over the plain network, and one Adam for all."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call
from torch.optim.adam import adam

from reno_store.estimators.networks import FusionLoss, LossParts
from reno_store.estimators.networks.fast_cpu import plain_layers

__all__ = ["Stack", "send"]

_BYTES_TO_COPY = 2**28

Tensors = dict[str, torch.Tensor]


class Stack:
    """Weights of all members, their optimizer and losses.

    Parameters
    ----------
    network : torch.nn.Module
        The network of any member, for its shape.
    initial : Sequence[Mapping[str, torch.Tensor]]
        Initial weights of each member, by name, on the device.
    losses : Sequence[FusionLoss]
        Loss of each member, all with the same ``distribution``.
    n_classes : int
        Number of classes.
    X : torch.Tensor, shape (n_clips, n_features)
        The data of all members, on the device.
    lr : float
        Learning rate.
    keeps_best : bool
        Whether any member goes back to its best weights.
    """

    def __init__(
        self,
        network: nn.Module,
        initial: Sequence[Mapping[str, torch.Tensor]],
        losses: Sequence[FusionLoss],
        n_classes: int,
        X: torch.Tensor,
        *,
        lr: float,
        keeps_best: bool,
    ) -> None:
        self._evaluated = copy.deepcopy(network).eval()
        self._trained, self._mask_names = _with_masks(network)
        self._X, self._lr = X, lr
        self._names = list(initial[0])
        self._distribution = losses[0].distribution
        self._losses = _stacked(losses, n_classes, X.device)
        self._weights = [
            torch.stack([each[name] for each in initial]).requires_grad_() for name in self._names
        ]
        self._means = [torch.zeros_like(each, requires_grad=False) for each in self._weights]
        self._squares = [torch.zeros_like(each, requires_grad=False) for each in self._weights]
        self._best = [each.detach().clone() for each in self._weights] if keeps_best else None
        # torch's fused Adam on CUDA reads float32 here, whatever the type of the weights.
        self._steps = [torch.zeros((), dtype=torch.float32, device=X.device) for _ in self._names]

    def step(
        self,
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        share: NDArray[np.float64],
        masks: list[torch.Tensor],
    ) -> torch.Tensor:
        """Take a step of each member on its own batch.

        Parameters
        ----------
        rows, targets : numpy.ndarray of int64, shape (members, batch)
            Rows of X, and their classes.
        share : numpy.ndarray of float64, shape (members, batch)
            Weight of each row in the mean of its batch; 0 for padding.
        masks : list of torch.Tensor, shape (members, batch, width)
            Dropout.

        Returns
        -------
        torch.Tensor of float64, shape (3, members)
            Loss, cross-entropy and excess of the divergence, before the step.
        """
        named = dict(zip(self._names, self._weights, strict=True))
        named |= zip(self._mask_names, masks, strict=True)
        parts, _ = self._run(self._trained, named, self._losses, rows, targets, share)
        # Members share no weights, so each gets the gradient of its own loss.
        gradients = torch.autograd.grad(parts.total.sum(), self._weights)
        with torch.no_grad():
            adam(
                self._weights,
                # torch's fused Adam reads memory in order, whatever the strides.
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
        """Evaluate some members on held-out rows: loss, cross-entropy, excess, accuracy.

        Parameters
        ----------
        members : Sequence[int]
            Places in the stack.
        rows, targets, share
            As for `step`, shape (len(members), batch).

        Returns
        -------
        numpy.ndarray of float64, shape (4, len(members))
        """
        found = []
        for some in self._pieces(members):
            at = torch.tensor([members[i] for i in some], device=self._X.device)
            is_whole = len(some) == len(self._weights[0])
            weights = [each if is_whole else each[at] for each in self._weights]
            named = dict(zip(self._names, weights, strict=True))
            losses = {name: each[at] for name, each in self._losses.items()}
            parts, is_right = self._run(
                self._evaluated, named, losses, rows[some], targets[some], share[some]
            )
            found.append(torch.stack([each.double() for each in (*parts, is_right)]).cpu())
        measured: NDArray[np.float64] = torch.cat(found, dim=1).numpy()
        return measured

    @torch.no_grad()
    def keep_best(self, members: Sequence[int]) -> None:
        """Record the current weights of some members as their best so far."""
        if self._best is None or not members:
            return
        has_improved = torch.zeros(len(self._best[0]), dtype=torch.bool)
        has_improved[list(members)] = True
        has_improved = has_improved.to(self._X.device)
        for best, each in zip(self._best, self._weights, strict=True):
            mask = has_improved.view(-1, *[1] * (each.ndim - 1))
            torch.where(mask, each, best, out=best)

    @torch.no_grad()
    def weights_of(self, member: int, *, best: bool) -> Tensors:
        """Return a copy of the weights of a member."""
        tensors = self._best if best and self._best is not None else self._weights
        return {
            name: each[member].detach().clone()
            for name, each in zip(self._names, tensors, strict=True)
        }

    @torch.no_grad()
    def has_nan(self, member: int) -> bool:
        """Return whether any weight of a member is not a number; no step repairs that."""
        return any(bool(each[member].isnan().any()) for each in self._weights)

    @torch.no_grad()
    def keep_only(self, members: Sequence[int]) -> None:
        """Remove the other members, and free their memory."""
        at = torch.tensor(members, dtype=torch.int64, device=self._X.device)
        for tensors in (self._weights, self._means, self._squares, self._best or []):
            for i, each in enumerate(tensors):
                tensors[i] = each.detach()[at]
        self._weights = [each.requires_grad_() for each in self._weights]
        self._losses = {name: each[at] for name, each in self._losses.items()}

    def _run(
        self,
        network: nn.Module,
        tensors: Tensors,
        losses: Tensors,
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        share: NDArray[np.float64],
    ) -> tuple[LossParts, torch.Tensor]:
        """Return the loss and accuracy of each member on its rows."""

        def one(
            own: Tensors, X: torch.Tensor, loss: Tensors, y: torch.Tensor, share: torch.Tensor
        ) -> tuple[LossParts, torch.Tensor]:
            prediction = functional_call(network, own, (X,))
            parts = FusionLoss(**loss, distribution=self._distribution).parts(prediction, y, share)
            is_right = prediction.logits.argmax(dim=1) == y
            return parts, (is_right * share).sum()

        device = self._X.device
        given = self._X[send(rows, device)], losses, send(targets, device), send(share, device)
        with plain_layers():
            found: tuple[LossParts, torch.Tensor] = torch.vmap(one)(tensors, *given)
        return found

    def _pieces(self, members: Sequence[int]) -> Iterator[list[int]]:
        """Cut a list of members into pieces whose weights are small enough to copy."""
        n_bytes = sum(each[0].numel() * each.element_size() for each in self._weights)
        is_whole = len(members) == len(self._weights[0])
        size = len(members) if is_whole else max(_BYTES_TO_COPY // n_bytes, 1)
        for start in range(0, len(members), size):
            yield list(range(start, min(start + size, len(members))))


class _Mask(nn.Module):
    """Dropout by a mask that the caller passes."""

    mask: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.empty(0))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features * self.mask


def _with_masks(network: nn.Module) -> tuple[nn.Module, list[str]]:
    """Return a copy whose dropout layers multiply by masks, and the masks' names in order."""
    masked, names = copy.deepcopy(network), []
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Dropout):
            masked.set_submodule(name, _Mask())
            names.append(f"{name}.mask")
    return masked, names


def _stacked(losses: Sequence[FusionLoss], n_classes: int, device: torch.device) -> Tensors:
    """Stack the arguments of losses; without λ where no member has a divergence."""
    ones = torch.ones(n_classes)
    weights = [ones if each.class_weight is None else each.class_weight for each in losses]
    names = ("beta", "delta", "lam") if any(each.has_divergence for each in losses) else ()
    arguments = {
        name: torch.tensor([getattr(each, name) for each in losses], dtype=torch.float64)
        for name in names
    }
    arguments["class_weight"] = torch.stack(weights)
    return {name: each.to(device) for name, each in arguments.items()}


def send(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy numbers to a device without waiting for it.

    A GPU copies from pinned memory: from any other memory torch waits until the GPU is idle.

    Parameters
    ----------
    values : numpy.ndarray
        Must not be changed afterwards: on a CPU the tensor shares its memory.
    device : torch.device
        Target.
    """
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
