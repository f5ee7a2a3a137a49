"""Tiny Audio-Mamba checkpoints with random weights, laid out on disk as published ones are."""

import math
from pathlib import Path

import torch

__all__ = ["random_tensors", "write_ssam_checkpoint"]

N_STATES = 24


def random_tensors(d: int = 48, depth: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
    """Give a state dict in which no tensor is constant, pre-training's own included.

    Parameters
    ----------
    d : int
        Width of a token.
    depth : int
        Blocks.
    seed : int
        Of the values. The global random state stays as it was.

    Returns
    -------
    dict of str to torch.Tensor
        With the names and the shapes of a published checkpoint.
    """
    random = torch.Generator().manual_seed(seed)
    rank, channels = math.ceil(d / 16), 3 * d

    def draw(*shape: int, scale: float = 1.0, around: float | torch.Tensor = 0.0) -> torch.Tensor:
        return around + scale * torch.randn(*shape, generator=random)

    tensors = {
        "cls_token": draw(1, 1, d),
        "pos_embed": draw(1, 251, d),
        "mask_token": draw(1, 1, d),
        "patch_embed.proj.weight": draw(d, 1, 4, 16, scale=1 / 8),
        "patch_embed.proj.bias": draw(d),
        "encoder_norm.weight": draw(d, scale=0.1, around=1.0),
        "encoder_norm.bias": draw(d, scale=0.1),
        "pred.0.weight": draw(d, d),
        "pred.0.bias": draw(d),
        "pred.2.weight": draw(64, d),
        "pred.2.bias": draw(64),
    }
    rates = torch.arange(1.0, N_STATES + 1).log()
    for block in range(depth):
        mixer = {
            "A_log": draw(channels, N_STATES, scale=0.3, around=rates),
            "D": draw(channels),
            "in_proj.weight": draw(2 * channels, d, scale=d**-0.5),
            "conv1d.weight": draw(channels, 1, 4, scale=0.5),
            "conv1d.bias": draw(channels, scale=0.5),
            "x_proj.weight": draw(rank + 2 * N_STATES, channels, scale=channels**-0.5),
            "dt_proj.weight": draw(channels, rank, scale=rank**-0.5),
            "dt_proj.bias": draw(channels, around=-3.0),
            "out_proj.weight": draw(d, channels, scale=channels**-0.5),
        }
        tensors |= {f"blocks.{block}.mixer.{name}": tensor for name, tensor in mixer.items()}
        tensors[f"blocks.{block}.norm.weight"] = draw(d, scale=0.1, around=1.0)
        tensors[f"blocks.{block}.norm.bias"] = draw(d, scale=0.1)
    return tensors


def write_ssam_checkpoint(
    folder: str | Path, d: int = 48, depth: int = 2, seed: int = 0, epoch: int = 99
) -> Path:
    """Write checkpoints/checkpoint-EPOCH.pth into a folder.

    Parameters
    ----------
    folder : str or Path
        The folder; made when it is not there.
    d, depth, seed : int
        As in `random_tensors`.
    epoch : int
        For the file's name.

    Returns
    -------
    Path
        The folder.
    """
    folder = Path(folder)
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    content = {"model": random_tensors(d, depth, seed), "epoch": epoch}
    torch.save(content, folder / "checkpoints" / f"checkpoint-{epoch}.pth")
    return folder
