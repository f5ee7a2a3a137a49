"""The FCN block that every network of the paper ends in."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from reno_store.estimators.networks import fast_cpu

__all__ = ["DenseBlock", "input_dropout_layer", "linear"]


class DenseBlock(nn.Module):
    """Dense layers of 512 and 128 neurons and the output layer (paper, section III).

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_classes : int
        Width of the output.
    dropout : float
        Dropout after each of the two hidden layers.
    """

    def __init__(self, n_features: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 512),
            nn.ReLU(),
            nn.Dropout(float(dropout)),
            nn.Linear(512, 128),
            nn.ReLU(),
            nn.Dropout(float(dropout)),
            nn.Linear(128, n_classes),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (batch, n_features) to logits (batch, n_classes); softmax is left to the loss."""
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                features = linear(features, layer.weight, layer.bias)
            else:
                features = layer(features)
        return features


def linear(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """Apply a linear layer to (..., in_features), by the faster way on a CPU."""
    way = fast_cpu.project if fast_cpu.is_used(input) else functional.linear
    return way(input, weight, bias)


def input_dropout_layer(p: float) -> nn.Module:
    """Return the layer for dropout on the embedding; it does nothing where `p` is 0."""
    return nn.Dropout(float(p)) if p else nn.Identity()
