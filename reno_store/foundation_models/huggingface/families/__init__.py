"""What the package knows about each architecture of transformers: one entry per family.

`base` has `Family`, whose defaults suit the wav2vec 2.0 kind; each other module has a kind whose
input, frames or batches differ. A new architecture is an entry of `FAMILIES`, and where it
differs a small subclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reno_store.foundation_models.huggingface.families.base import Family, Frames
from reno_store.foundation_models.huggingface.families.whisper import Whisper

__all__ = ["FAMILIES", "Family", "Frames"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "data2vec-audio": Family(),
        "hubert": Family(),
        "unispeech": Family(),
        "unispeech-sat": Family(),
        "wav2vec2": Family(),
        "wav2vec2-conformer": Family(),
        "wavlm": Family(),
        "whisper": Whisper(),
    }
)
"""A config's ``model_type`` -> its family. MMS is wav2vec2."""
