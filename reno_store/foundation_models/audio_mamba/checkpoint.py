"""A published Audio-Mamba checkpoint -> an encoder with its weights; no code in it is run.

A checkpoint is a dictionary whose ``model`` entry holds the tensors. Sizes are read from
those tensors, never from a file's name, and every tensor must be there, fit and be finite.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from reno_store.errors import ModelError
from reno_store.foundation_models.audio_mamba.encoder import AudioMambaEncoder, EncoderSizes
from reno_store.foundation_models.audio_mamba.frontend import N_MELS, UNIT_FRAMES

__all__ = ["find_checkpoint", "read_encoder"]

_EPOCH = re.compile(r"-(\d+)$")
_BLOCK = re.compile(r"^blocks\.(\d+)\.")
_REFUSED_GLOBAL = re.compile(r"GLOBAL (\S+)")

# Used only in pre-training.
_UNUSED = re.compile(r"^(pred\.|mask_token$)")

# Tensors that the sizes are read from, with their number of dimensions.
_SIZED = {
    "cls_token": 3,
    "patch_embed.proj.weight": 4,
    "blocks.0.mixer.A_log": 2,
    "blocks.0.mixer.conv1d.weight": 3,
    "blocks.0.mixer.dt_proj.weight": 2,
}

# The published training script stores its command line and configuration next to the
# weights. Objects of these classes are read as empty instead of refused.
_IGNORED_GLOBALS = (
    "argparse.Namespace",
    "ml_collections.config_dict.config_dict.ConfigDict",
    "ml_collections.config_dict.config_dict.FieldReference",
    "ml_collections.config_dict.config_dict.FrozenConfigDict",
    *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "str", "tuple")),
    "builtins.type",
)


def find_checkpoint(location: str) -> Path:
    """Find the checkpoint file of a location.

    Parameters
    ----------
    location : str
        A ``.pth`` file, or a folder that contains ``checkpoints/NAME-EPOCH.pth`` or
        ``NAME-EPOCH.pth``, of which the highest EPOCH is used.

    Raises
    ------
    ModelError
        If the folder or file does not exist, has no checkpoint, or has several candidates.
    """
    folder = Path(location).expanduser()
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise ModelError(
            f"model {location}: no such folder or file; expected an Audio-Mamba checkpoint "
            "(.pth) or the folder that contains checkpoints/NAME-EPOCH.pth."
        )
    files = sorted(folder.glob("checkpoints/*.pth")) or sorted(folder.glob("*.pth"))
    if not files:
        raise ModelError(
            f"model {location}: no checkpoint in this folder; expected "
            "checkpoints/NAME-EPOCH.pth or NAME-EPOCH.pth."
        )
    latest = max(_epoch(file) for file in files)
    candidates = [file for file in files if _epoch(file) == latest]
    if len(candidates) > 1:
        raise ModelError(
            f"model {location}: {len(candidates)} candidates "
            f"({', '.join(file.name for file in candidates)}); give the path of one file."
        )
    return candidates[0]


def read_encoder(location: str) -> AudioMambaEncoder:
    """Read a checkpoint as an encoder, weights in float32 on the CPU.

    Parameters
    ----------
    location : str
        As for `find_checkpoint`.

    Raises
    ------
    ModelError
        If there is no checkpoint, it is damaged, would run code when read, is of another
        kind, or has a weight that is missing, misshapen or not finite.
    """
    path = find_checkpoint(location)
    tensors = _read_tensors(path)
    with torch.device("meta"):
        encoder = AudioMambaEncoder(_read_sizes(path, tensors))
    expected = encoder.state_dict()
    wrong = {
        "missing": sorted(set(expected) - set(tensors)),
        "not part of Audio-Mamba": sorted(set(tensors) - set(expected)),
        "of another shape": [
            f"{name} is {tuple(tensors[name].shape)}, expected {tuple(wanted.shape)}"
            for name, wanted in expected.items()
            if name in tensors and tensors[name].shape != wanted.shape
        ],
    }
    if any(wrong.values()):
        problems = "; ".join(f"{what}: {_few(names)}" for what, names in wrong.items() if names)
        raise ModelError(
            f"model {path}: its weights do not make one Audio-Mamba encoder; {problems}. Take the "
            "checkpoint from where it was published."
        )
    weights = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    for name, weight in weights.items():
        if not weight.isfinite().all():
            raise ModelError(f"model {path}: weight {name!r} holds NaN or infinite values.")
    encoder.load_state_dict(weights, strict=True, assign=True)
    return encoder


def _epoch(file: Path) -> int:
    found = _EPOCH.search(file.stem)
    return int(found[1]) if found else -1


class _Ignored:
    """Replaces an object that is not needed: accepts anything, keeps nothing."""

    def __new__(cls, *_: object) -> _Ignored:
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of the ``model`` entry that an embedding depends on."""
    content = _read_content(path)
    model = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(model, Mapping):
        found = f"a {type(content).__name__}"
        if isinstance(content, Mapping):
            found = f"a dictionary with {_few(sorted(map(str, content))) or 'no entries'}"
        raise ModelError(
            f"model {path}: not an Audio-Mamba checkpoint: expected a dictionary with the "
            f"weights under 'model', got {found}."
        )
    return {
        str(name): tensor
        for name, tensor in model.items()
        if not _UNUSED.match(str(name)) and isinstance(tensor, torch.Tensor)
    }


def _read_content(path: Path) -> Any:
    """Read the file, weights only."""
    ignored: list[Any] = [
        type(name.rpartition(".")[2], (_Ignored,), {"__module__": name.rpartition(".")[0]})
        for name in _IGNORED_GLOBALS
    ]
    try:
        with torch.serialization.safe_globals(ignored):
            # Memory-mapped: the state of an optimizer stays on the disk.
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        refused = _REFUSED_GLOBAL.search(str(error))
        if refused:
            raise ModelError(
                f"model {path}: refused: it contains {refused[1].rstrip('.')}, and reading "
                "that could run code; nothing was run. Expected a dictionary of tensors; take the "
                "checkpoint from where it was published."
            ) from None
        reason = "damaged or of another format"
    except OSError as error:
        reason = str(error.strerror or error)
    except (RuntimeError, EOFError, ValueError, LookupError, AttributeError):
        reason = "damaged or of another format"
    raise ModelError(
        f"model {path}: cannot be read as a torch checkpoint ({reason}). Copy it again from "
        "where it was published."
    )


def _read_sizes(path: Path, tensors: Mapping[str, torch.Tensor]) -> EncoderSizes:
    """Read the sizes from the shapes of a few tensors."""
    lacking = [
        name
        for name, n_dims in _SIZED.items()
        if name not in tensors or tensors[name].ndim != n_dims
    ]
    if lacking:
        raise ModelError(
            f"model {path}: not an Audio-Mamba state dict: {_few(lacking)} missing or of "
            f"another rank; it contains {_few(sorted(tensors)) or 'no tensors'}."
        )
    cls_token, patch, a_log, kernel, steps = (tensors[name] for name in _SIZED)
    patch_frames, patch_bands = patch.shape[2:]
    if not patch_frames or not patch_bands or UNIT_FRAMES % patch_frames or N_MELS % patch_bands:
        raise ModelError(
            f"model {path}: its patches are {patch_frames} frames by {patch_bands} bands, "
            f"which do not divide a unit of {UNIT_FRAMES} frames by {N_MELS} bands."
        )
    blocks = [int(found[1]) for name in tensors if (found := _BLOCK.match(name))]
    return EncoderSizes(
        width=cls_token.shape[-1],
        depth=1 + max(blocks),
        n_channels=a_log.shape[0],
        n_states=a_log.shape[1],
        step_rank=steps.shape[1],
        kernel_steps=kernel.shape[2],
        patch_frames=patch_frames,
        patch_bands=patch_bands,
    )


def _few(names: list[str]) -> str:
    """List up to three names and count the others."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
