"""The Audio-Mamba encoder (SSAM): units of log-mel frames in, rows of features out.

Data flow: patches of 4 frames x 16 bands -> tokens, after a class token -> blocks of add,
norm and Mamba mixer -> last add and norm -> rows, without the class token. (Yadav and Tan,
"Audio Mamba: Selective State Spaces for Self-Supervised Audio Representations",
Interspeech 2024.) Parameters carry the names of the published checkpoints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from reno_store.foundation_models.audio_mamba.frontend import N_MELS, UNIT_FRAMES
from reno_store.foundation_models.audio_mamba.scan import ScanInputs, selective_scan
from reno_store.foundation_models.inference import Projection

__all__ = ["AudioMambaEncoder", "EncoderSizes", "MambaMixer"]

_NORM_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class EncoderSizes:
    """The numbers that fix all shapes of an encoder.

    Attributes
    ----------
    width : int
        Length of a token.
    depth : int
        Blocks.
    n_channels : int
        Channels inside a mixer.
    n_states : int
        States per channel.
    step_rank : int
        Rank of the projection from which a mixer makes the step sizes of all channels.
    kernel_steps : int
        Tokens that a mixer's convolution sees.
    patch_frames, patch_bands : int
        A patch in time and in frequency; they divide 200 and 80.
    """

    width: int
    depth: int
    n_channels: int
    n_states: int
    step_rank: int
    kernel_steps: int
    patch_frames: int
    patch_bands: int

    @classmethod
    def published(cls, width: int, depth: int = 12) -> EncoderSizes:
        """Return the published proportions: width 192 is tiny, 384 small and 768 base."""
        return cls(
            width=width,
            depth=depth,
            n_channels=3 * width,
            n_states=24,
            step_rank=math.ceil(width / 16),
            kernel_steps=4,
            patch_frames=4,
            patch_bands=16,
        )

    @property
    def n_rows(self) -> int:
        """Rows per unit in the output."""
        return UNIT_FRAMES // self.patch_frames

    @property
    def n_blocks_in_row(self) -> int:
        """Tokens per row, concatenated."""
        return N_MELS // self.patch_bands

    @property
    def dim(self) -> int:
        """Length of a row and of an embedding."""
        return self.n_blocks_in_row * self.width


class AudioMambaEncoder(nn.Module):
    """The encoder; the rows of a unit do not depend on other units.

    Parameters
    ----------
    sizes : EncoderSizes
        Weights are random until a checkpoint's are loaded.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.sizes = sizes
        n_tokens = 1 + sizes.n_rows * sizes.n_blocks_in_row
        self.cls_token = nn.Parameter(torch.zeros(1, 1, sizes.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, n_tokens, sizes.width))
        self.patch_embed = _PatchEmbedding(sizes)
        self.blocks = nn.ModuleList(_Block(sizes) for _ in range(sizes.depth))
        self.encoder_norm = nn.LayerNorm(sizes.width, eps=_NORM_EPSILON)

    def forward(self, units: torch.Tensor, layer: int | str = "last") -> torch.Tensor:
        """Encode units.

        Parameters
        ----------
        units : torch.Tensor of float32, shape (n_units, 200, 80)
            From `frontend.cut_into_units`.
        layer : int or str
            ``"last"`` or the number of the last block: after the encoder's norm. Another
            number: the residual stream after that block, 0 being what enters the first.
            ``"all"``: the mean over the blocks, each by its number.

        Returns
        -------
        torch.Tensor of float32, shape (n_units, n_rows, dim)
            50 rows of 5 tokens in the published sizes.
        """
        patches = self.patch_embed(units) + self.pos_embed[:, 1:]
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(units), -1, -1)
        residual = torch.cat([first, patches], dim=1)
        depth = self.sizes.depth
        passed = layer if isinstance(layer, int) else depth
        total = torch.zeros_like(residual[:, 1:])
        for block in self.blocks[:passed]:
            if layer == "all" and block is not self.blocks[0]:
                total += residual[:, 1:]
            residual = residual + block(residual)
        tokens = residual[:, 1:]
        if passed == depth:
            tokens = self.encoder_norm(tokens)
        return self._rows((total + tokens) / depth if layer == "all" else tokens)

    def _rows(self, tokens: torch.Tensor) -> torch.Tensor:
        """Concatenate tokens to rows, in the order that the published checkpoints expect.

        Tokens are in time-major order but are read as if in frequency-major order: the five
        tokens of a row come from five parts of the unit, not from five mel bands.
        """
        sizes = self.sizes
        stretches = tokens.reshape(-1, sizes.n_blocks_in_row, sizes.n_rows, sizes.width)
        return stretches.transpose(1, 2).flatten(2)


class _PatchEmbedding(nn.Module):
    """A linear map of each patch, as a convolution that steps from patch to patch."""

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        patch = (sizes.patch_frames, sizes.patch_bands)
        self.proj = nn.Conv2d(1, sizes.width, kernel_size=patch, stride=patch)

    def forward(self, units: torch.Tensor) -> torch.Tensor:
        """Map (n_units, 200, 80) to (n_units, n_patches, width), bands within frames."""
        grid: torch.Tensor = self.proj(units[:, None])
        return grid.flatten(2).transpose(1, 2)


class _Block(nn.Module):
    """The mixer applied to the norm of the residual stream; its output is added to it."""

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(sizes.width, eps=_NORM_EPSILON)
        self.mixer = MambaMixer(sizes)

    def forward(self, residual: torch.Tensor) -> torch.Tensor:
        """Map (n_units, n_tokens, width) to the same shape."""
        mixed: torch.Tensor = self.mixer(self.norm(residual))
        return mixed


class MambaMixer(nn.Module):
    """Mamba-1: a gated selective scan over the tokens; the names are those of mamba_ssm.

    Parameters
    ----------
    sizes : EncoderSizes
        Of its encoder.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        channels, states = sizes.n_channels, sizes.n_states
        self.in_proj = Projection(sizes.width, 2 * channels, bias=False)
        self.conv1d = nn.Conv1d(channels, channels, sizes.kernel_steps, groups=channels)
        self.x_proj = Projection(channels, sizes.step_rank + 2 * states, bias=False)
        self.dt_proj = Projection(sizes.step_rank, channels)
        self.A_log = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(channels, 1))
        self.D = nn.Parameter(torch.ones(channels))
        self.out_proj = Projection(channels, sizes.width, bias=False)
        self._split = [sizes.step_rank, states, states]

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (n_units, n_tokens, width) to the same shape; no token sees a later one."""
        # Between the projections everything is at least float32, whatever the precision, since
        # the recurrence accumulates over hundreds of steps.
        u, gate = _lengthened(self.in_proj(hidden)).chunk(2, dim=-1)
        u = functional.silu(self._convolve(u), inplace=True)
        steps, B, C = torch.split(_lengthened(self.x_proj(u)), self._split, dim=-1)
        delta = functional.softplus(_lengthened(self.dt_proj(steps)))
        with torch.autocast(u.device.type, enabled=False):
            rates = -self.A_log.exp()
            mixed = selective_scan(ScanInputs(u, delta, rates, B, C, self.D, gate))
        projected: torch.Tensor = self.out_proj(mixed)
        return projected

    def _convolve(self, u: torch.Tensor) -> torch.Tensor:
        """Convolve each channel with its kernel, over earlier tokens only.

        A sum of shifted products with channels as the contiguous axis: more than ten times
        faster here than the convolution of torch, which takes time as the last axis.
        """
        kernel = self.conv1d.weight[:, 0].T.contiguous()
        total = torch.addcmul(cast(torch.Tensor, self.conv1d.bias), u, kernel[-1])
        for lag in range(1, len(kernel)):
            total[:, lag:].addcmul_(u[:, :-lag], kernel[-1 - lag])
        return total


def _lengthened(tensor: torch.Tensor) -> torch.Tensor:
    """Convert a shorter type to float32; return others unchanged."""
    return tensor.float() if tensor.dtype in {torch.bfloat16, torch.float16} else tensor
