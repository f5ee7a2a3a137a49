"""From an encoder's hidden states to one embedding: which layer, and how frames are pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

from reno_store.errors import ModelError

__all__ = ["LayerChoice", "Pooling"]

_STATISTICS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = MappingProxyType(
    {
        "mean": lambda frames: frames.mean(dim=0),
        "max": lambda frames: frames.amax(dim=0),
        "std": lambda frames: frames.std(dim=0, correction=0),
    }
)


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The last layer, one by its number, or the mean over all.

    Attributes
    ----------
    which : int or str
        ``"last"``: the output of the encoder (the paper's choice, section II). A number from
        0 on: the output of that layer; 0 is the input of the first. ``"all"``: the mean over
        the outputs of all layers, without 0.
    n_layers : int
        How many layers the encoder has.
    """

    which: int | str
    n_layers: int

    @classmethod
    def parse(cls, text: str, n_layers: int) -> LayerChoice:
        """Read a layer as a user types it.

        Raises
        ------
        ModelError
            If the encoder has no such layer.

        Examples
        --------
        >>> LayerChoice.parse("9", n_layers=12)
        LayerChoice(which=9, n_layers=12)
        """
        if text in {"last", "all"}:
            return cls(text, n_layers)
        if text.isascii() and text.isdigit() and int(text) <= n_layers:
            return cls(int(text), n_layers)
        raise ModelError(
            f"layer={text}: no such layer; the model has {n_layers}. Expected 0 (the input of the "
            f"first) to {n_layers}, last, or all (the mean over layers 1 to {n_layers})."
        )

    @property
    def is_top(self) -> bool:
        """Whether it is the output of the encoder."""
        return self.which in {"last", self.n_layers}


class Pooling:
    """One statistic over the frames of a clip, or several concatenated.

    Parameters
    ----------
    name : str
        ``"mean"`` ("average pooling" in the paper, section II), ``"max"``, ``"std"`` (divided
        by the number of frames: 0 for a clip of one frame), or several joined by ``+``:
        ``"mean+std"``.

    Attributes
    ----------
    name : str
        As given.
    n_statistics : int
        By how much an embedding is longer than a frame.

    Raises
    ------
    ModelError
        If a statistic is unknown or named twice.

    Examples
    --------
    >>> Pooling("mean+max")(torch.tensor([[1.0, 5.0], [3.0, 1.0]]))
    tensor([2., 3., 3., 5.])
    """

    def __init__(self, name: str = "mean") -> None:
        parts = name.split("+")
        if not set(parts) <= set(_STATISTICS) or len(set(parts)) < len(parts):
            raise ModelError(
                f"pool={name}: no such pooling; expected {', '.join(_STATISTICS)}, or several "
                "different ones joined by +: mean+std."
            )
        self.name = name
        self.n_statistics = len(parts)
        self._parts = parts

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Pool the frames of one clip.

        Parameters
        ----------
        frames : torch.Tensor, shape (n_frames, dim)
            Hidden states, without padding.

        Returns
        -------
        torch.Tensor of float32, shape (n_statistics * dim,)
            Computed in float32 whatever the precision of the frames.
        """
        frames = frames.float()
        return torch.cat([_STATISTICS[part](frames) for part in self._parts])
