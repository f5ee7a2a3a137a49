"""Pooling over time: many frames in, one embedding out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from reno_store.errors import ModelError

__all__ = ["Pooling"]


def _standard_deviation(frames: torch.Tensor) -> torch.Tensor:
    return frames.std(dim=0, correction=0)


_STATISTICS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = MappingProxyType(
    {
        "mean": lambda frames: frames.mean(dim=0),
        "max": lambda frames: frames.amax(dim=0),
        "std": _standard_deviation,
    }
)


class Pooling:
    """One statistic over a clip's frames, or several side by side.

    Parameters
    ----------
    name : str
        ``"mean"`` ("average pooling" in the paper, section II), ``"max"``, ``"std"`` (over
        the frames that are there: a clip of one frame has 0), or several joined by ``+``:
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
                "of them once each, joined by +: mean+std."
            )
        self.name = name
        self.n_statistics = len(parts)
        self._parts = parts

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Pool a clip's frames.

        Parameters
        ----------
        frames : torch.Tensor, shape (n_frames, dim)
            Hidden states of one clip, without padding.

        Returns
        -------
        torch.Tensor of float32, shape (n_statistics * dim,)
            Computed in float32 whatever the precision of the frames.
        """
        frames = frames.float()
        return torch.cat([_STATISTICS[part](frames) for part in self._parts])
