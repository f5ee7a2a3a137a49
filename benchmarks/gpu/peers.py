"""What people write with transformers: a loop over clips, and padded batches."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch

from gpu.material import RATE_HZ, Floats

__all__ = ["Plain", "relative_errors"]


class Plain:
    """AutoFeatureExtractor and AutoModel; the mean of the last hidden state over time.

    Parameters
    ----------
    spec : str
        Of a checkpoint's folder, ``hf:FOLDER``.
    device : str
        A torch device.
    precision : str
        ``"float32"``, or a shorter type for `torch.autocast`.
    """

    def __init__(self, spec: str, device: str, precision: str = "float32") -> None:
        from transformers import AutoFeatureExtractor, AutoModel

        folder = spec.removeprefix("hf:")
        self._extractor = AutoFeatureExtractor.from_pretrained(folder)
        self._encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).to(device).eval()
        self._device, self._precision = device, precision

    def embed(self, clips: Sequence[Floats]) -> Floats:
        """Embed one clip at a time."""
        rows = []
        with torch.inference_mode(), self._mixed():
            for clip in clips:
                inputs = self._extractor(clip, sampling_rate=RATE_HZ, return_tensors="pt")
                hidden = self._encoder(**inputs.to(self._device)).last_hidden_state
                rows.append(hidden[0].float().mean(dim=0).cpu().numpy())
        return np.stack(rows)

    def embed_padded(self, clips: Sequence[Floats], batches: Sequence[Sequence[int]]) -> Floats:
        """Embed padded batches: fast, and wrong where a norm sees the padding."""
        rows: dict[int, Floats] = {}
        with torch.inference_mode(), self._mixed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # WavLM's masks are of two types
            for batch in batches:
                inputs = self._extractor(
                    [clips[index] for index in batch],
                    sampling_rate=RATE_HZ,
                    return_tensors="pt",
                    padding=True,
                    return_attention_mask=True,
                ).to(self._device)
                hidden = self._encoder(**inputs).last_hidden_state
                lengths = torch.tensor([len(clips[index]) for index in batch])
                n_frames = self._encoder._get_feat_extract_output_lengths(lengths).tolist()
                pooled = [
                    frames[:n].float().mean(dim=0)
                    for frames, n in zip(hidden, n_frames, strict=True)
                ]
                rows.update(zip(batch, torch.stack(pooled).cpu().numpy(), strict=True))
        return np.stack([rows[index] for index in range(len(clips))])

    def _mixed(self) -> AbstractContextManager[object]:
        if self._precision == "float32":
            return contextlib.nullcontext()
        kind = torch.device(self._device).type
        return torch.autocast(kind, dtype=getattr(torch, self._precision))


def relative_errors(found: Floats, expected: Floats) -> Floats:
    """Return the norm of each row's difference over the norm of what was expected."""
    differences = np.linalg.norm(found.astype(np.float64) - expected, axis=1)
    errors: Floats = differences / np.linalg.norm(expected.astype(np.float64), axis=1)
    return errors
