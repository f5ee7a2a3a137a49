"""Stacks, cut into pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.errors import TrainingError
from reno_store.estimators.networks.convolution import N_CHANNELS, ConvolutionalBlocks
from reno_store.estimators.networks.fusion import Branch
from reno_store.estimators.stacking.loop import EpochEnded, Finished, train_stack
from reno_store.estimators.stacking.members import Member
from reno_store.estimators.torch_state import pinned
from reno_store.estimators.training import Trained
from reno_store.runtime.devices import free_memory, is_out_of_memory

__all__ = ["bytes_of", "train_in_pieces"]

_ON_A_CPU = 2**30
_SHARE_OF_A_GPU = 0.8
_COPIES = 6
"""Weights, gradients, both moments of Adam, the best weights so far, and the result."""


def bytes_of(member: Member) -> int:
    """Estimate the memory of one more member of a stack: weights, and what a step records."""
    n_weights = sum(each.numel() for each in member.network.parameters())
    n_numbers = 4 * sum(
        layer.out_features
        for layer in member.network.modules()
        if isinstance(layer, torch.nn.Linear)
    )
    for layer in member.network.modules():
        if isinstance(layer, ConvolutionalBlocks):
            # Each convolution and its pool: output, places, and the gradients of both; and
            # what the second one multiplies: three positions of 32 channels, and the gradient.
            n_windows = layer.lengths[0] or layer.n_features // 2
            n_numbers += 32 * (2 * layer.n_features + (6 + 7) * n_windows)
            n_numbers += N_CHANNELS * (2 * n_windows + 6 * layer.n_tokens)
        elif isinstance(layer, Branch) and layer.attention is not None:
            # Scores, their softmax, and the gradients of both, in each head.
            n_numbers += 5 * layer.attention.attention.num_heads * layer.n_tokens**2
    n_rows = min(member.plan.batch_size, len(member.rows))
    return 4 * (_COPIES * n_weights + n_rows * (n_numbers + member.estimator.n_features_in_))


def train_in_pieces(
    members: Sequence[Member],
    X: NDArray[np.float32],
    finished: Finished,
    epoch_ended: EpochEnded,
    max_memory: int | None = None,
) -> None:
    """Train members in stacks of one shape that fit into memory.

    Parameters
    ----------
    members : Sequence[Member]
        On one device.
    X : numpy.ndarray of float32, shape (n_clips, n_features)
        The data of all.
    finished : callable
        Called with each member and its trained network, or the error of its training.
    epoch_ended : callable
        Called with each member and epoch; from the first epoch again after memory ran out.
    max_memory : int, optional
        Bytes beyond the data; 0.8 of what is free on a GPU, 1 GiB elsewhere unless given.
        Where even that is too much for the device, pieces are halved.
    """
    left: dict[int, Member] = {member.place: member for member in members}

    def conclude(member: Member, outcome: Trained | TrainingError) -> None:
        del left[member.place]
        finished(member, outcome)

    device = members[0].plan.device
    with pinned(device):
        try:
            data = torch.tensor(X, device=device)
        except (MemoryError, RuntimeError) as reason:
            if not is_out_of_memory(reason):
                raise
            message = (
                f"out of memory on {device} for the data alone, {X.nbytes / 2**20:,.0f} MB: use "
                f"device='cpu', or free memory ({reason})"
            )
            for member in members:
                conclude(member, TrainingError(message))
            return
        limit = _free(device) if max_memory is None else max_memory
        for shape in dict.fromkeys(member.shape for member in members):
            alike = [member for member in members if member.shape == shape]
            size = max(limit // bytes_of(alike[0]), 1)
            # Equal pieces: a short last one would cost as much and train fewer.
            size = ceil(len(alike) / ceil(len(alike) / size))
            while piece := [member for member in alike if member.place in left][:size]:
                error = _try(piece, data, conclude, epoch_ended)
                if error is None:
                    continue
                free_memory()
                if size == 1:
                    conclude(
                        piece[0],
                        TrainingError(
                            f"out of memory on {device}, even one classifier at a time: lower "
                            f"batch_size or n_tokens, or free memory ({error})"
                        ),
                    )
                size = max(size // 2, 1)


def _try(
    piece: Sequence[Member], data: torch.Tensor, conclude: Finished, epoch_ended: EpochEnded
) -> str | None:
    """Train a piece; return the error message if memory ran out."""
    try:
        train_stack(piece, data, conclude, epoch_ended)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return str(error)
    return None


def _free(device: str) -> int:
    if torch.device(device).type != "cuda":
        return _ON_A_CPU
    free, _ = torch.cuda.mem_get_info(torch.device(device))
    return int(_SHARE_OF_A_GPU * free)
