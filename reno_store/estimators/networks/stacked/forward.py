"""What many networks of one shape say of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn

from reno_store.estimators.networks.cnn import CNN
from reno_store.estimators.networks.fcn import FCN
from reno_store.estimators.networks.fusion import RENO, Branch, Concat
from reno_store.estimators.networks.outputs import Prediction
from reno_store.estimators.networks.stacked.layers import (
    Weights,
    attention,
    convolution,
    dense,
    linear,
)

__all__ = ["can_stack", "forward"]


def can_stack(network: nn.Module) -> bool:
    """Tell whether `forward` knows a network: those of the paper, and no subclass of them."""
    return type(network) in (CNN, FCN, RENO, Concat)


def forward(
    network: nn.Module,
    tensors: Mapping[str, torch.Tensor],
    X: torch.Tensor,
    masks: list[torch.Tensor] | None = None,
) -> Prediction:
    """Run networks of one shape, each on rows of its own.

    Parameters
    ----------
    network : FCN, CNN, Concat or RENO
        Any of them, for its shape; its own weights are not looked at.
    tensors : Mapping[str, torch.Tensor]
        The weights of all, stacked, by their names in `network`.
    X : torch.Tensor, shape (members, rows, n_features)
        Inputs.
    masks : list of torch.Tensor, shape (members, rows, width), optional
        Dropout: what the input, where it is dropped, and each hidden layer of the dense
        block are multiplied by.

    Returns
    -------
    Prediction
        Logits (members, rows, n_classes) and, of networks that fuse, aligned features
        (members, rows, n_blocks, align_dim).

    Raises
    ------
    TypeError
        If the network is of another kind.
    """
    weights, masks = Weights(tensors), masks or []
    if masks and isinstance(network.input_dropout, nn.Dropout):
        X, masks = X * masks[0], masks[1:]
    if isinstance(network, FCN):
        return Prediction(dense(network.dense, weights.of("dense"), X, masks))
    if isinstance(network, CNN):
        tokens = convolution(network.convolution, weights.of("convolution"), X)
        return Prediction(dense(network.dense, weights.of("dense"), _flat(tokens), masks))
    if not isinstance(network, RENO | Concat):
        raise TypeError(f"networks of class {type(network).__name__} cannot be stacked")
    blocks = torch.split_with_sizes(X, network.block_sizes, dim=2)
    sides = []
    branches = cast("list[Branch]", list(network.branches))
    for i, (branch, block) in enumerate(zip(branches, blocks, strict=True)):
        own = weights.of(f"branches.{i}")
        tokens = convolution(branch.convolution, own.of("convolution"), block)
        if branch.attention is not None:
            tokens = attention(branch.attention, own.of("attention"), tokens)
        sides.append(linear(_flat(tokens), own.of("align")))
    aligned = fused = torch.stack(sides, dim=2)
    if network.attention is not None:
        fused = attention(network.attention, weights.of("attention"), aligned)
    return Prediction(dense(network.dense, weights.of("dense"), fused.flatten(2), masks), aligned)


def _flat(tokens: torch.Tensor) -> torch.Tensor:
    """(members, rows, n_tokens, 64) as the plain networks flatten it: channel by channel."""
    return tokens.transpose(2, 3).flatten(2)
