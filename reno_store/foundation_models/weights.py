"""A hash that identifies the weights of a model."""

from __future__ import annotations

import hashlib

import torch

__all__ = ["PRETRAINING_WEIGHTS", "hash_weights"]

PRETRAINING_WEIGHTS = frozenset({"masked_spec_embed"})
"""Used only in pre-training: they change no embedding, so a checkpoint may lack them."""


def hash_weights(module: torch.nn.Module) -> str:
    """Return the SHA-256 of the weights of a module: names, shapes, types and values.

    Taken from the loaded tensors, not from the files, so one model has one hash
    whether it was saved as safetensors or not, in one file or in several.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if name in PRETRAINING_WEIGHTS:
            continue
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
