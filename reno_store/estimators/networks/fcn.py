"""FCN: the dense block alone, on one embedding."""

from __future__ import annotations

import torch
from torch import nn

from reno_store.estimators.networks.dense import DenseBlock, input_dropout_layer
from reno_store.estimators.networks.outputs import Prediction

__all__ = ["FCN"]


class FCN(nn.Module):
    """The paper's fully connected network (section III).

    Parameters
    ----------
    n_features, n_classes : int
        Widths of input and output.
    dropout : float
        Dropout after each hidden layer.
    input_dropout : float
        Dropout on the embedding itself.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        dropout: float = 0.3,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = input_dropout_layer(input_dropout)
        self.dense = DenseBlock(n_features, n_classes, dropout)

    def forward(self, X: torch.Tensor) -> Prediction:
        """Map (batch, n_features) to logits (batch, n_classes)."""
        return Prediction(self.dense(self.input_dropout(X)))
