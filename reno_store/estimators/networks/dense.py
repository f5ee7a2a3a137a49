"""The FCN block that every network of the paper ends in."""

from __future__ import annotations

import torch
from torch import nn

from reno_store.estimators.networks.linear import linear

__all__ = ["DenseBlock", "input_dropout_layer"]


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
            features = linear(features, layer) if isinstance(layer, nn.Linear) else layer(features)
        return features


def input_dropout_layer(p: float) -> nn.Module:
    """Dropout on the embedding itself; a layer that does nothing where `p` is 0."""
    return nn.Dropout(float(p)) if p else nn.Identity()
