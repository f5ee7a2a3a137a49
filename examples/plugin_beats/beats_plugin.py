"""BEATs, a foundation model that transformers does not have, as a plugin of reno-store.

Install this folder, download a checkpoint from https://github.com/microsoft/unilm/tree/master/beats
(MIT licence; pre-trained or fine-tuned, iteration 1 to 3+), and name it after the question mark:

    pip install ./examples/plugin_beats
    reno-store build mine.csv --store mine.zarr \
        --model "beats=beats?checkpoint=/models/BEATs_iter3_plus_AS2M.pt"

A plugin has two parts: the entry point in pyproject.toml, and a class or function that returns a
`FoundationModel`. This one reads the published checkpoint, a dictionary of ``cfg`` and ``model``,
as weights only, and does not need its authors' code. On random weights its embeddings equal those
of that code within 1e-6.

Source: Chen et al., BEATs: Audio Pre-Training with Acoustic Tokenizers, ICML 2023.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal.windows import hann
from torch import nn
from torch.nn import functional
from transformers.audio_utils import mel_filter_bank

from reno_store.errors import ModelError
from reno_store.foundation_models.inference import computing_in
from reno_store.foundation_models.protocol import Waveform, refuse_short
from reno_store.foundation_models.weights import hash_weights

PATCH = 16
WINDOW, HOP = 400, 160
# What all published checkpoints have; `Encoder` computes nothing else.
EXPECTED = {
    "input_patch_size": PATCH, "activation_fn": "gelu", "layer_norm_first": False,
    "deep_norm": True, "relative_position_embedding": True, "gru_rel_pos": True,
}  # fmt: skip


class Beats:
    """BEATs: the mean over all patches of the last layer.

    Parameters
    ----------
    device : str
        A torch device.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``.
    checkpoint : str
        A published file, such as ``BEATs_iter3_plus_AS2M.pt``.

    Raises
    ------
    ModelError
        If the file is missing or is not a BEATs checkpoint.
    """

    sample_rate_hz = 16_000
    min_samples = WINDOW + (PATCH - 1) * HOP  # one patch: 16 frames

    def __init__(
        self, device: str = "cpu", precision: str = "float32", checkpoint: str = ""
    ) -> None:
        if not Path(checkpoint).is_file():
            raise ModelError(
                f"beats: no checkpoint at {checkpoint!r}. Download one from "
                "https://github.com/microsoft/unilm/tree/master/beats and type "
                "NAME=beats?checkpoint=FILE."
            )
        self._encoder = read_checkpoint(checkpoint).eval().to(device)
        self._device, self._precision = device, precision
        self.dim: int = self._encoder.width
        self.fingerprint = {
            "kind": "beats",
            "weights": hash_weights(self._encoder),
            "preprocessing": "kaldi fbank 128, as published",
            "layer": "last",
            "pooling": "mean",
            "precision": precision,
            "code": 1,  # increase it whenever a change below changes an embedding
        }

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Return one row per clip, float32, shape (len(waveforms), dim)."""
        refuse_short(waveforms, self)
        # One clip at a time: without padding, no row can depend on its batch.
        with computing_in(self._precision, self._device):
            rows = [
                self._encoder(fbank(clip).to(self._device)).float().mean(0).cpu().numpy()
                for clip in waveforms
            ]
        return np.array(rows, np.float32).reshape(-1, self.dim)


def read_checkpoint(path: str) -> Encoder:
    """Read a published checkpoint; nothing in it is executed."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        config, weights = dict(content["cfg"]), dict(content["model"])
        if other := [key for key, value in EXPECTED.items() if config.get(key) != value]:
            raise ValueError(f"{other[0]} is {config.get(other[0])!r}")
        # The positional convolution is stored as a direction and a length.
        conv = "encoder.pos_conv.0."
        direction, length = weights.pop(f"{conv}weight_v"), weights.pop(f"{conv}weight_g")
        weights[f"{conv}weight"] = direction * length / direction.norm(dim=(0, 1), keepdim=True)
        encoder = Encoder(config)
        # The head of a fine-tuned checkpoint, and the copies of the shared position bias.
        shared = "self_attn.relative_attention_bias.weight"
        kept = {
            name: weight
            for name, weight in weights.items()
            if not name.startswith("predictor.")
            and (shared not in name or name == f"encoder.layers.0.{shared}")
        }
        encoder.load_state_dict(kept)
    except Exception as error:  # a broken file makes torch raise almost anything
        raise ModelError(f"beats: {path} is not a BEATs checkpoint: {error}") from error
    return encoder


def fbank(waveform: Waveform) -> torch.Tensor:
    """Return normalized log-mel energies as Kaldi computes them, shape (n_frames, 128)."""
    samples = np.asarray(waveform, np.float64) * 2**15
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    power = np.abs(np.fft.rfft((frames - 0.97 * before) * _window(), 512)) ** 2
    energies = np.log(np.maximum(power @ _mel_filters(), np.finfo(np.float32).eps))
    return torch.from_numpy(((energies - 15.41663) / (2 * 6.55582)).astype(np.float32))


@cache
def _window() -> NDArray[np.float64]:
    window: NDArray[np.float64] = hann(WINDOW) ** 0.85  # Povey's
    return window


@cache
def _mel_filters() -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the lowest band is empty, in the published one too
        filters: NDArray[np.float64] = mel_filter_bank(
            257, 128, 20.0, 8000.0, 16_000, mel_scale="kaldi", triangularize_in_mel_space=True
        )
    return filters


class Encoder(nn.Module):
    """Patches of 16 frames by 16 bands -> transformer; parts have the checkpoint's names."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        patch_width, self.width = config["embed_dim"], config["encoder_embed_dim"]
        self.patch_embedding = nn.Conv2d(
            1, patch_width, PATCH, PATCH, bias=config.get("conv_bias", False)
        )
        self.layer_norm = nn.LayerNorm(patch_width)
        if patch_width != self.width:
            self.post_extract_proj = nn.Linear(patch_width, self.width)
        kernel, groups = config["conv_pos"], config["conv_pos_groups"]
        position = nn.Conv1d(self.width, self.width, kernel, padding=kernel // 2, groups=groups)
        self.encoder = nn.ModuleDict(
            {
                "pos_conv": nn.Sequential(position),
                "layer_norm": nn.LayerNorm(self.width),
                "layers": nn.ModuleList(
                    Layer(config, first=number == 0) for number in range(config["encoder_layers"])
                ),
            }
        )

    def forward(self, energies: torch.Tensor) -> torch.Tensor:
        """Map (n_frames, 128) to the last hidden states, shape (n_patches, width)."""
        patches = self.patch_embedding(energies[None, None]).flatten(2).transpose(1, 2)
        hidden = self.layer_norm(patches)
        if hasattr(self, "post_extract_proj"):
            hidden = self.post_extract_proj(hidden)
        position = self.encoder["pos_conv"](hidden.transpose(1, 2))[..., : hidden.shape[1]]
        hidden = self.encoder["layer_norm"](hidden + functional.gelu(position).transpose(1, 2))
        layers: Any = self.encoder["layers"]
        bias = layers[0].self_attn.position_bias(hidden.shape[1])
        for layer in layers:
            hidden = layer(hidden, bias)
        return hidden[0]


class Layer(nn.Module):
    """Attention and two linear layers, each with a scaled residual (DeepNorm)."""

    def __init__(self, config: Mapping[str, Any], *, first: bool) -> None:
        super().__init__()
        width, inner = config["encoder_embed_dim"], config["encoder_ffn_embed_dim"]
        self._residual = (2 * config["encoder_layers"]) ** 0.25
        self.self_attn = Attention(config, first=first)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Map (1, n_patches, width) to the same shape."""
        hidden = self.self_attn_layer_norm(hidden * self._residual + self.self_attn(hidden, bias))
        inner = self.fc2(functional.gelu(self.fc1(hidden)))
        output: torch.Tensor = self.final_layer_norm(hidden * self._residual + inner)
        return output


class Attention(nn.Module):
    """Self-attention with a position bias that a gate scales, per head and query."""

    def __init__(self, config: Mapping[str, Any], *, first: bool) -> None:
        super().__init__()
        width, self._n_heads = config["encoder_embed_dim"], config["encoder_attention_heads"]
        self._n_buckets, self._max_distance = config["num_buckets"], config["max_distance"]
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(width, width))
        self.grep_linear = nn.Linear(width // self._n_heads, 8)
        self.grep_a = nn.Parameter(torch.ones(1, self._n_heads, 1, 1))
        if first:  # the other layers share it
            self.relative_attention_bias = nn.Embedding(self._n_buckets, self._n_heads)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Map (1, n_patches, width) to the same shape."""
        query, key, value = (
            project(hidden).unflatten(-1, (self._n_heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        gates = torch.sigmoid(self.grep_linear(query).unflatten(-1, (2, 4)).sum(-1))
        scale = gates[..., :1] * (gates[..., 1:] * self.grep_a - 1) + 2
        mixed = functional.scaled_dot_product_attention(
            query, key, value, (scale * bias).to(query.dtype)
        )
        output: torch.Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return output

    def position_bias(self, n_patches: int) -> torch.Tensor:
        """Return the bias of each head for each pair of patches, from their distance."""
        weights = self.relative_attention_bias.weight
        places = torch.arange(n_patches, device=weights.device)
        offsets = places[None, :] - places[:, None]
        half = self._n_buckets // 2
        exact = half // 2
        distances = offsets.abs()
        ratio = (distances.float() / exact).log() / np.log(self._max_distance / exact)
        far = (exact + (ratio * (half - exact)).clamp_min(0).long()).clamp_max(half - 1)
        buckets = torch.where(distances < exact, distances, far) + half * (offsets > 0)
        return self.relative_attention_bias(buckets).permute(2, 0, 1)[None]
