"""Batches and dropout as a single fit draws them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import dropout

__all__ = ["Batch", "Chance", "Dropped", "Stream", "dropouts"]


class Dropped(NamedTuple):
    """A layer that dropout follows: its width, and the share of it that is dropped."""

    width: int
    p: float


def dropouts(network: nn.Module, n_features: int) -> tuple[Dropped, ...]:
    """List the layers that dropout follows, the input first, in the order of a forward pass."""
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
        Which of the rows that are trained on.
    masks : list of torch.Tensor, shape (n, width)
        What each layer that dropout follows is multiplied by.
    is_last : bool
        Whether it ends an epoch.
    """

    positions: torch.Tensor
    masks: list[torch.Tensor]
    is_last: bool


class Chance:
    """torch's default generator of a device, whose state can be taken out and put back."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)

    def state(self) -> torch.Tensor:
        """Give a copy of the state."""
        return self._generator().get_state()

    def put(self, state: torch.Tensor) -> None:
        """Go on from a state."""
        self._generator().set_state(state)

    def _generator(self) -> torch.Generator:
        if self.device.type != "cuda":
            return torch.default_generator
        index = self.device.index
        return torch.cuda.default_generators[
            torch.cuda.current_device() if index is None else index
        ]


class Stream:
    """The batches and dropout of members with one seed, number of rows and dropout.

    Masks are drawn as a single fit draws them: by `torch.nn.functional.dropout` on tensors of
    the same shapes, in the same order, from the device's default generator, which goes on
    from where the stream last left it. So they are the same numbers.

    Parameters
    ----------
    chance : Chance
        The generator of the device.
    state : torch.Tensor
        Where it stands after the network was made.
    seed, n_rows, batch_size : int
        Of the fit.
    dropouts : tuple of Dropped
        The layers that dropout follows.
    """

    def __init__(
        self,
        chance: Chance,
        state: torch.Tensor,
        *,
        seed: int,
        n_rows: int,
        batch_size: int,
        dropouts: tuple[Dropped, ...],
    ) -> None:
        self._chance, self._state = chance, state
        self._order = torch.Generator().manual_seed(seed)
        self._n_rows, self._batch_size = n_rows, batch_size
        self._dropouts = dropouts
        self._left: list[torch.Tensor] = []

    def draw(self) -> Batch:
        """Give the next batch."""
        if not self._left:
            order = torch.randperm(self._n_rows, generator=self._order, device="cpu")
            self._left = list(torch.split(order, self._batch_size))
        positions = self._left.pop(0)
        self._chance.put(self._state)
        masks = [
            dropout(torch.ones(len(positions), width, device=self._chance.device), p)
            for width, p in self._dropouts
        ]
        self._state = self._chance.state()
        return Batch(positions, masks, not self._left)
