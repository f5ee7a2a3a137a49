"""CNN: the convolutional blocks, flattened into the dense block."""

from __future__ import annotations

import torch
from torch import nn

from reno_store.estimators.networks.convolution import N_CHANNELS, ConvolutionalBlocks
from reno_store.estimators.networks.dense import DenseBlock, input_dropout_layer
from reno_store.estimators.networks.outputs import Prediction

__all__ = ["CNN"]


class CNN(nn.Module):
    """The paper's convolutional network (section III): 6.4 M parameters for 768 features.

    Parameters
    ----------
    n_features, n_classes : int
        Widths of input and output.
    n_tokens : int or None
        Positions left after adaptive pooling; None pools by 2 after each convolution.
    dropout : float
        Dropout after each hidden layer of the dense block.
    input_dropout : float
        Dropout on the embedding itself.

    Attributes
    ----------
    n_tokens : int
        Positions left, at most `n_features`.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        n_tokens: int | None = None,
        dropout: float = 0.3,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = input_dropout_layer(input_dropout)
        self.convolution = ConvolutionalBlocks(n_features, n_tokens)
        self.n_tokens = self.convolution.n_tokens
        self.dense = DenseBlock(N_CHANNELS * self.n_tokens, n_classes, dropout)

    def forward(self, X: torch.Tensor) -> Prediction:
        """Map (batch, n_features) to logits (batch, n_classes)."""
        return Prediction(self.dense(self.convolution(self.input_dropout(X)).flatten(1)))
