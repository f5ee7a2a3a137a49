"""Where sections run, and the two sizes that they have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

__all__ = ["FULL", "SMALL", "Setting", "Size"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much a section does.

    Attributes
    ----------
    encoder : Mapping
        Settings of a transformers encoder that differ from the published base size.
    mamba_widths, mamba_depth
        Audio-Mamba's sizes by name, and its blocks.
    n_clips, n_looped, longest_s
        Clips to extract, how many of them the loop over clips gets, and the longest.
    n_recordings, rate_hz
        Recordings of a whole build, and their sample rate.
    n_rows, n_epochs, n_cpu_steps
        Rows and epochs of a fit, and the steps that are timed on one CPU thread.
    pairs : tuple of (int, int)
        Block sizes of fits.
    grid_pairs : tuple of (int, int)
        Block sizes of grids; the goal is for the first.
    n_values, n_folds, n_grid_rows, n_grid_epochs
        Values of each of β, δ and λ, folds, rows and epochs of a grid.
    n_part : int
        Candidates of a grid that are timed first.
    """

    encoder: Mapping[str, Any]
    mamba_widths: Mapping[str, int]
    mamba_depth: int
    n_clips: int
    n_looped: int
    longest_s: float
    n_recordings: int
    rate_hz: int
    n_rows: int
    n_epochs: int
    n_cpu_steps: int
    pairs: tuple[tuple[int, int], ...]
    grid_pairs: tuple[tuple[int, int], ...]
    n_values: int
    n_folds: int
    n_grid_rows: int
    n_grid_epochs: int
    n_part: int


FULL = Size(
    encoder={},
    mamba_widths={"tiny": 192, "base": 768},
    mamba_depth=12,
    n_clips=512,
    n_looped=256,
    longest_s=10.0,
    n_recordings=1024,
    rate_hz=44_100,
    n_rows=1152,
    n_epochs=20,
    n_cpu_steps=4,
    pairs=((3840, 768), (768, 768)),
    grid_pairs=((120, 240), (768, 768)),
    n_values=5,
    n_folds=5,
    n_grid_rows=1440,
    n_grid_epochs=4,
    n_part=10,
)

SMALL = Size(
    encoder={
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "conv_dim": [16] * 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    },
    mamba_widths={"tiny": 48, "base": 96},
    mamba_depth=2,
    n_clips=24,
    n_looped=12,
    longest_s=2.0,
    n_recordings=24,
    rate_hz=44_100,
    n_rows=64,
    n_epochs=2,
    n_cpu_steps=2,
    pairs=((96, 48), (48, 48)),
    grid_pairs=((24, 16), (32, 32)),
    n_values=2,
    n_folds=2,
    n_grid_rows=64,
    n_grid_epochs=2,
    n_part=2,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a section runs.

    Attributes
    ----------
    device : str
        ``"cpu"`` or ``"cuda"``.
    size : Size
        How much it does.
    folder : Path
        For files; removed afterwards.
    limit_s : float
        When its process will be stopped.
    """

    device: str
    size: Size
    folder: Path
    limit_s: float
    begun: float = field(default_factory=time.monotonic)

    @property
    def is_cuda(self) -> bool:
        """Whether it runs on a GPU."""
        return torch.device(self.device).type == "cuda"

    @property
    def judges_speed(self) -> bool:
        """Whether goals of speed apply."""
        return self.is_cuda and self.size is FULL

    @property
    def seconds_left(self) -> float:
        """Seconds until the section is stopped."""
        return self.limit_s - (time.monotonic() - self.begun)
