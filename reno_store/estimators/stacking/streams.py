"""Batches and dropout masks, drawn as a single fit draws them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import dropout

from reno_store.estimators.training import default_generator

__all__ = ["Batch", "Dropped", "Stream", "dropouts"]


class Dropped(NamedTuple):
    """A layer followed by dropout: its width, and the share that is dropped."""

    width: int
    p: float


def dropouts(network: nn.Module, n_features: int) -> tuple[Dropped, ...]:
    """List the layers followed by dropout, the input first, in the order of a forward pass."""
    found, last = [], n_features
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            last = layer.out_features
        elif isinstance(layer, nn.Dropout):
            found.append(Dropped(last, layer.p))
    return tuple(found)


class Batch(NamedTuple):
    """One step of a stream.

    Attributes
    ----------
    positions : torch.Tensor of int64, shape (n,)
        Positions among the training rows.
    masks : list of torch.Tensor, shape (n, width)
        Factors for each layer followed by dropout.
    is_last : bool
        Whether the batch ends an epoch.
    """

    positions: torch.Tensor
    masks: list[torch.Tensor]
    is_last: bool


class Stream:
    """The batches and dropout of members with the same seed, number of rows and dropout.

    Masks come from `torch.nn.functional.dropout` on tensors of the same shapes and in the same
    order as in a single fit, and from the same state of the device's default generator. So
    they are the same numbers.

    Parameters
    ----------
    state : torch.Tensor
        State of the device's generator after the network was made.
    device : torch.device
        Where the masks are drawn.
    seed, n_rows, batch_size : int
        As in the fit.
    dropouts : tuple of Dropped
        The layers followed by dropout.
    """

    def __init__(
        self,
        state: torch.Tensor,
        device: torch.device,
        *,
        seed: int,
        n_rows: int,
        batch_size: int,
        dropouts: tuple[Dropped, ...],
    ) -> None:
        self._state, self._device = state, device
        self._order = torch.Generator().manual_seed(seed)
        self._n_rows, self._batch_size = n_rows, batch_size
        self._dropouts = dropouts
        self._left: list[torch.Tensor] = []

    def draw(self) -> Batch:
        """Return the next batch."""
        if not self._left:
            order = torch.randperm(self._n_rows, generator=self._order, device="cpu")
            self._left = list(torch.split(order, self._batch_size))
        positions = self._left.pop(0)
        generator = default_generator(self._device)
        generator.set_state(self._state)
        masks = [
            dropout(torch.ones(len(positions), width, device=self._device), p)
            for width, p in self._dropouts
        ]
        self._state = generator.get_state()
        return Batch(positions, masks, not self._left)
