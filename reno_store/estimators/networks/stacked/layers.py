"""Layers of many networks of one shape, each with weights of its own, as batched products.

Weights are stacked along a first axis, members; inputs are (members, rows, ...). What a
member's slice of an output is, is what the plain layer gives with the member's weights, but
for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import layer_norm, relu

from reno_store.estimators.networks.attention import SelfAttention, attend
from reno_store.estimators.networks.convolution import N_CHANNELS, ConvolutionalBlocks
from reno_store.estimators.networks.dense import DenseBlock
from reno_store.estimators.networks.stacked.products import project
from reno_store.estimators.networks.stacked.winners import convolve_and_pool
from reno_store.estimators.networks.winners import pool

__all__ = ["Weights", "attention", "convolution", "dense", "linear"]


@dataclass(frozen=True, slots=True)
class Weights:
    """Stacked weights by the names that they have in the plain network.

    Attributes
    ----------
    tensors : Mapping[str, torch.Tensor]
        Name -> (members, ...).
    prefix : str
        Which part of the network is looked at.
    """

    tensors: Mapping[str, torch.Tensor]
    prefix: str = ""

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[self.prefix + name]

    def of(self, part: str) -> Weights:
        """Give the weights of a part."""
        return Weights(self.tensors, f"{self.prefix}{part}.")


def linear(inputs: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Apply a linear layer to (members, rows, in_features)."""
    return project(inputs, weights["weight"], weights["bias"])


def dense(
    layer: DenseBlock, weights: Weights, features: torch.Tensor, masks: list[torch.Tensor]
) -> torch.Tensor:
    """Apply a dense block to (members, rows, n_features).

    Parameters
    ----------
    layer : DenseBlock
        Any member's.
    weights : Weights
        Its weights, of all members.
    features : torch.Tensor, shape (members, rows, n_features)
        Inputs.
    masks : list of torch.Tensor, shape (members, rows, width)
        What each hidden layer is multiplied by: dropout. Empty: nothing is dropped.

    Returns
    -------
    torch.Tensor, shape (members, rows, n_classes)
    """
    left = iter(masks)
    for i, each in enumerate(layer.layers):
        if isinstance(each, nn.Linear):
            features = linear(features, weights.of(f"layers.{i}"))
        elif isinstance(each, nn.ReLU):
            features = relu(features)
        elif masks:
            features = features * next(left)
    return features


def attention(layer: SelfAttention, weights: Weights, tokens: torch.Tensor) -> torch.Tensor:
    """Apply self-attention to (members, rows, n_tokens, n_channels)."""
    n_members, n_rows, n_tokens, n_channels = tokens.shape
    of, norm = weights.of("attention"), weights.of("norm")
    flat = tokens.reshape(n_members, n_rows * n_tokens, n_channels)
    inputs = _normalised(layer, norm, flat) if layer.norm_first else flat
    projected = project(inputs, of["in_proj_weight"], of["in_proj_bias"])
    heads = attend(
        projected.view(n_members * n_rows, n_tokens, 3 * n_channels), layer.attention.num_heads
    )
    attended = linear(heads.view(flat.shape), of.of("out_proj"))
    if layer.residual:
        attended = flat + attended
    if not layer.norm_first:
        attended = _normalised(layer, norm, attended)
    return attended.view(tokens.shape)


def _normalised(layer: SelfAttention, weights: Weights, tokens: torch.Tensor) -> torch.Tensor:
    """Apply the LayerNorm of an attention, where it has one."""
    if not isinstance(layer.norm, nn.LayerNorm):
        return tokens
    normed = layer_norm(tokens, layer.norm.normalized_shape, eps=layer.norm.eps)
    return torch.addcmul(weights["bias"].unsqueeze(1), normed, weights["weight"].unsqueeze(1))


def convolution(
    layer: ConvolutionalBlocks, weights: Weights, embeddings: torch.Tensor
) -> torch.Tensor:
    """Apply both convolutional blocks: (members, rows, n_features) -> (..., n_tokens, 64)."""
    first, second = weights.of("first"), weights.of("second")
    lengths = layer.lengths
    tokens = convolve_and_pool(embeddings, first["weight"], first["bias"], lengths[0]).relu()
    n_members, n_rows, n_windows, n_channels = tokens.shape
    padded = nn.functional.pad(tokens, (0, 0, 1, 1))
    neighbours = torch.cat([padded[:, :, k : k + n_windows] for k in range(3)], dim=3)
    convolved = project(
        neighbours.view(n_members, n_rows * n_windows, 3 * n_channels),
        # (members, 64, 32, 3) -> (members, 64, 3 * 32)
        second["weight"].transpose(2, 3).flatten(2),
        second["bias"],
    )
    images = convolved.view(n_members * n_rows, 1, n_windows, N_CHANNELS).permute(0, 3, 1, 2)
    pooled, _ = pool(images, lengths[1])
    pooled = pooled.relu()[:, :, 0].transpose(1, 2)
    return pooled.reshape(n_members, n_rows, pooled.shape[1], N_CHANNELS)
