"""Clips, recordings, checkpoints and embeddings, all made up and always the same."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from gpu.ours import AudioMambaEncoder, EncoderSizes

__all__ = [
    "LABELS",
    "RATE_HZ",
    "Floats",
    "make_clips",
    "make_rows",
    "write_encoder",
    "write_mamba",
    "write_recordings",
]

RATE_HZ = 16_000
LABELS = ("anger", "disgust", "fear", "joy", "pain", "relief", "sadness", "surprise")
Floats = NDArray[np.float32]

_GAIN = 2.0


def make_clips(n_clips: int, longest_s: float, rate_hz: int = RATE_HZ) -> list[Floats]:
    """Make noises of 0.3 s to the longest, most of them short, as vocalizations are."""
    random = np.random.default_rng(0)
    seconds = 0.3 + (longest_s - 0.3) * random.beta(1.2, 3.5, n_clips)
    seconds[:2] = 0.3, longest_s
    return [
        random.normal(0, 0.1, int(duration_s * rate_hz)).astype(np.float32)
        for duration_s in seconds
    ]


def write_recordings(folder: Path, n_clips: int, longest_s: float, rate_hz: int) -> Path:
    """Write recordings as 16-bit WAV and a manifest of them; return the manifest."""
    folder.mkdir(parents=True)
    manifest = folder / "recordings.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "path", "label", "speaker"])
        for i, clip in enumerate(make_clips(n_clips, longest_s, rate_hz)):
            soundfile.write(folder / f"{i}.wav", clip, rate_hz, subtype="PCM_16")
            writer.writerow([f"clip{i}", f"{i}.wav", LABELS[i % len(LABELS)], f"speaker{i % 10}"])
    return manifest


def write_encoder(folder: Path, family: str, settings: Mapping[str, Any]) -> str:
    """Write a transformers encoder with random weights as a checkpoint; return its spec.

    Parameters
    ----------
    folder : Path
        For the checkpoint.
    family : str
        A config's ``model_type``.
    settings : Mapping
        What differs from the published base size.
    """
    from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

    settings = dict(settings)
    if family == "data2vec-audio":  # here they are the number of positional convolutions
        settings.pop("num_conv_pos_embeddings", None)
    torch.manual_seed(0)
    encoder = AutoModel.from_config(AutoConfig.for_model(family, **settings))
    with torch.no_grad():
        for name, weight in encoder.named_parameters():
            # Fresh weights are so small that attention hardly tells one frame from another.
            if name.startswith("encoder.layers.") and weight.ndim > 1:
                weight.mul_(_GAIN)
    encoder.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return f"hf:{folder}"


def write_mamba(folder: Path, width: int, depth: int) -> str:
    """Write an Audio-Mamba checkpoint with random weights; return its spec."""
    torch.manual_seed(0)
    encoder = AudioMambaEncoder(EncoderSizes.published(width, depth))
    with torch.no_grad():
        for name, weight in encoder.named_parameters():
            if name in ("cls_token", "pos_embed"):
                weight.normal_()
            elif name.endswith("dt_proj.bias"):  # step sizes as Mamba starts with, about 0.05
                weight.sub_(3.0)
    (folder / "checkpoints").mkdir(parents=True)
    torch.save({"model": encoder.state_dict()}, folder / "checkpoints" / "random-0.pth")
    return f"ssam:{folder}"


def make_rows(n_rows: int, block_sizes: tuple[int, ...]) -> tuple[Floats, NDArray[np.int64]]:
    """Make embeddings in which the label shows; return X and y, 8 classes in turns."""
    random = np.random.default_rng(0)
    n_features = sum(block_sizes)
    y = np.arange(n_rows) % len(LABELS)
    X = random.normal(size=(n_rows, n_features)) + 0.3 * random.normal(size=(8, n_features))[y]
    return X.astype(np.float32), y
